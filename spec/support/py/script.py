"""A server that plays dialogues, for faults. Options:
  dialogues  a file: one step a line, `VERB HEX` (HEX: the argument's bytes); `connection` begins the next dialogue
  tls        implicit: handshake before the first step
  cert       the certificate (good)
  client     ca: a certificate of the client's that ca.pem has signed is required
  tls_max    the newest TLS it speaks, 1.0 or 1.1 (what OpenSSL has)
The n-th connection plays the n-th dialogue, later ones the last. What the client sent is in conn-N.raw, after TLS has been
taken off; what happened (a line for each event) in conn-N.log. Steps:
  send BYTES      drip BYTES (one at a time, 2 ms apart)     trickle BYTES (0.1 s apart)     sleep SECONDS
  expect PREFIX   one line of the client; another beginning (case counts not) is an event "unexpected" and the end
  data            reads to the line "." (what came is in the .raw)
  read N          reads N bytes
  peek N          waits for N bytes, and leaves them unread
  quiet SECONDS   the client has nothing to say for so long; else there is an event "early"
  starttls        the handshake (say 220 before it)
  flood BYTES     the same again and again, until the client has had enough
  drop            closes (TLS: without close_notify)      reset   closes with RST     bye  closes politely
  serve VERB      plays an ordinary server until a command VERB comes, which is left unanswered; without VERB to the end
  offer LINE      one line of what serve answers to EHLO
At the end of the steps it reads on until the client closes.
"""
import select
import socket
import ssl
import struct
import threading
import time

from room import Failure


class End(Exception):
    pass


class Dialogue:
    def __init__(self, room, number, sock, secure):
        self.sock, self.secure = sock, secure
        self.raw = open(room.path("conn-%d.raw" % number), "wb", buffering=0)
        self.log = open(room.path("conn-%d.log" % number), "w", buffering=1)
        self.held = b""
        self.offers = []

    def event(self, *words):
        self.log.write(" ".join(words) + "\n")

    def play(self, steps):
        try:
            for verb, argument in steps:
                getattr(self, "do_" + verb)(argument)
            while True:
                self.receive()
        except End:
            pass
        except OSError as e:
            self.event("error", str(e))
        self.sock.close()
        self.event("over")

    def receive(self):
        try:
            got = self.sock.recv(65536)
        except ssl.SSLEOFError:
            got = b""
        if not got:
            self.event("closed")
            raise End
        self.raw.write(got)
        self.held += got

    def line(self):
        while b"\n" not in self.held:
            self.receive()
        line, _, self.held = self.held.partition(b"\n")
        return line.rstrip(b"\r")

    def do_send(self, data):
        self.sock.sendall(data)

    def do_drip(self, data, pause=0.002):
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])
            time.sleep(pause)

    def do_trickle(self, data):
        self.do_drip(data, 0.1)

    def do_flood(self, data):
        data *= max(1, 65536 // len(data))
        while True:
            self.sock.sendall(data)

    def do_sleep(self, seconds):
        time.sleep(float(seconds))

    def do_expect(self, prefix):
        line = self.line()
        if not line.upper().startswith(prefix.upper()):
            self.event("unexpected", repr(line), "for", repr(prefix))
            raise End

    def do_data(self, _=b""):
        while self.line() != b".":
            pass

    def do_read(self, count):
        while len(self.held) < int(count):
            self.receive()
        self.held = self.held[int(count):]

    def do_peek(self, count):
        if len(self.sock.recv(int(count), socket.MSG_PEEK | socket.MSG_WAITALL)) < int(count):
            self.event("closed")
            raise End

    def do_quiet(self, seconds):
        if not self.held:
            select.select([self.sock], [], [], float(seconds))
        self.sock.setblocking(False)
        try:
            self.receive()
        except BlockingIOError:
            pass
        self.sock.setblocking(True)
        if self.held:
            self.event("early", repr(self.held))

    def do_starttls(self, _=b""):
        if self.held:
            self.event("early", repr(self.held))  # what the client sent before it was asked to
        self.sock = self.secure.wrap_socket(self.sock, server_side=True)
        self.event("tls", self.sock.version())

    def do_drop(self, _):
        raise End

    def do_bye(self, _):
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock = self.sock.unwrap()
        raise End

    def do_reset(self, _):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise End

    def do_offer(self, line):
        self.offers.append(line)

    def do_serve(self, until):
        while True:
            line = self.line()
            verb = line.split(b" ")[0].upper()
            if until and verb == until.upper():
                return
            if verb == b"EHLO":
                lines = [b"mail.example.test"] + self.offers
                reply = b"".join(b"250-" + x + b"\r\n" for x in lines[:-1]) + b"250 " + lines[-1]
            else:
                reply = {b"DATA": b"354 go", b"QUIT": b"221 2.0.0 bye", b"STARTTLS": b"220 go"}.get(verb, b"250 2.0.0 ok")
            self.sock.sendall(reply + b"\r\n")
            if verb == b"DATA":
                self.do_data()
                self.sock.sendall(b"250 2.0.0 queued as %d\r\n" % (id(self) % 100000))
            elif verb == b"STARTTLS":
                self.do_starttls()
            elif verb == b"QUIT":
                raise End


def read_dialogues(path):
    dialogues = [[]]
    with open(path) as f:
        for line in f:
            verb, _, argument = line.rstrip("\n").partition(" ")
            if verb == "connection":
                dialogues.append([])
            elif hasattr(Dialogue, "do_" + verb):
                dialogues[-1].append((verb, bytes.fromhex(argument)))
            else:
                raise Failure("no step %r" % verb)
    return dialogues


def start(room):
    dialogues = read_dialogues(room.options["dialogues"])
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1}.get(room.options.get("tls_max"))
    if old:
        secure.set_ciphers("ALL:@SECLEVEL=0")
        secure.minimum_version = ssl.TLSVersion.TLSv1
        secure.maximum_version = old
    elif room.options.get("cert") == "weak":
        secure.set_ciphers("ALL:@SECLEVEL=0")
    secure.load_cert_chain(*room.cert(room.options.get("cert", "good")))
    if "client" in room.options:
        secure.verify_mode = ssl.CERT_REQUIRED
        secure.load_verify_locations(room.cert(room.options["client"])[0])
    listener, port = room.listen()

    def serve(number, sock):
        dialogue = Dialogue(room, number, sock, secure)
        try:
            if room.options.get("tls") == "implicit":
                dialogue.do_starttls()
        except OSError as e:
            dialogue.event("error", str(e))
            dialogue.event("over")
            return
        dialogue.play(dialogues[min(number, len(dialogues)) - 1])

    def accept():
        number = 0
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number += 1
            threading.Thread(target=serve, args=(number, sock), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return {"port": {"tls" if room.options.get("tls") == "implicit" else "plain": port}}
