"""Throughput of Python's transfer encodings on what bench/encode.c is fed, in megabytes of input a second: best of several."""
import base64
import binascii
import random
import sys
import time
from email import quoprimime

PIECE = 57 * 512
TURNS = 5
seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.2


def repeat(text):
    octets = text.encode()
    return (octets * (PIECE // len(octets) + 1))[:PIECE]


octets = random.Random(1).randbytes(PIECE)
russian = repeat("Съешь ещё этих мягких французских булок, да выпей чаю.\n")
english = repeat("The quick brown fox jumps over the lazy dog, a = b, and all is well again.\n")
html = repeat('<p class="wide">The quick brown fox</p> <a href="http://example.test/?a=b">jumps</a> over ')


def body(data):
    """What EmailMessage.set_content() calls for a text: it takes octets as characters."""
    text = data.decode("latin-1")
    return lambda: quoprimime.body_encode(text)


jobs = [
    ("base64.encodebytes, octets", lambda: base64.encodebytes(octets)),
    ("b2a_base64 in one line, octets", lambda: binascii.b2a_base64(octets)),
    ("b2a_qp, Cyrillic text", lambda: binascii.b2a_qp(russian, istext=True)),
    ("b2a_qp, ASCII text", lambda: binascii.b2a_qp(english, istext=True)),
    ("b2a_qp, HTML in one line", lambda: binascii.b2a_qp(html, istext=True)),
    ("email, QP, Cyrillic text", body(russian)),
    ("email, QP, ASCII text", body(english)),
]
best = {}
for _ in range(TURNS):
    for name, job in jobs:
        rounds, begin, took = 0, time.process_time(), 0.0
        while took < seconds:
            job()
            rounds += 1
            took = time.process_time() - begin
        best[name] = max(best.get(name, 0.0), rounds * PIECE / took / 1e6)
for name, _ in jobs:
    print(f"Python {name:<32} {best[name]:8.1f} MB/s")
