"""Python's smtplib, a thread for each connection: see peer.h."""
import os
import re
import smtplib
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP

HEADER = (b"From: Sender <sender@example.com>\r\nTo: Recipient <recipient0@example.com>\r\nSubject: benchmark\r\n"
          b"Date: Fri, 21 Nov 2025 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
          b"Content-Type: text/plain; charset=utf-8\r\n\r\n")

host, port = sys.argv[1], int(sys.argv[2])
mails, size, recipients, connections = map(int, sys.argv[3:7])
words = sys.argv[7:]
line = (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 3)[:76] + b"\r\n"
count = max(1, (size - len(HEADER)) // len(line))
ready = HEADER + line + (b"." + line[1:] + line * (count - 2) if count > 1 else b"")
addresses = [f"recipient{i}@example.com" for i in range(recipients)]
context = ssl.create_default_context(cafile=os.environ["BENCH_CA"]) if "tls" in words else None


def connect():
    if context:
        return smtplib.SMTP_SSL(host, port, local_hostname="client.example", context=context)
    return smtplib.SMTP(host, port, local_hostname="client.example")


def with_file():
    message = EmailMessage(policy=SMTP)
    message["From"] = "Sender <sender@example.com>"
    message["To"] = "Recipient <recipient0@example.com>"
    message["Subject"] = "benchmark"
    message.set_content("See the file.\n")
    with open(os.environ["BENCH_FILE"], "rb") as file:
        message.add_attachment(file.read(), maintype="application", subtype="octet-stream", filename="large.bin")
    return message.as_bytes()


def send(number):
    client = None
    for _ in range(number):
        client = client or connect()
        if "noop" in words:
            client.ehlo_or_helo_if_needed()
            client.noop()
        else:
            client.sendmail("sender@example.com", addresses, with_file() if "file" in words else ready)
        if "new" in words:
            client.quit()
            client = None
    if client:
        client.quit()


def share(i):
    return mails // connections + (i < mails % connections)


begin, used = time.monotonic(), time.process_time()
if connections == 1:
    send(mails)
else:
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send, map(share, range(connections))))
seconds, used = time.monotonic() - begin, time.process_time() - used
with open("/proc/self/status", encoding="ascii") as file:
    peak = re.search(r"VmHWM:\s*(\d+)", file.read()).group(1)
print(f"{seconds:.6f} {used:.6f} {peak}")
