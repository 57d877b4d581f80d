#!/usr/bin/python3
"""A server that says what a spec tells it to: scripted_server.py [--certs DIR] [--connections N] STEP...

It listens on a port of --address, or at a socket of this machine's (--unix PATH: port 0); prints "port N", serves N connections (1) with the same steps at once, prints what happens, and ends with the last one:
  line TEXT        the client sent this line
  tls VERSION      the handshake is done; "tls failed REASON" if it failed; "taken up" after it if it went on with a session of before; "alpn NAME" if
                   the client asked for one
  end eof|notify|cut|reset
                   how the client's side ended: without TLS; TLS with close_notify; without; by RST
Steps:
  send:TEXT        \\r \\n \\x00 and the like are understood, here and below
  expect:PREFIX    reads a line; one that begins otherwise ends the connection ("unexpected TEXT")
  tls:NAME[,WORD...]  a server handshake with NAME.pem, a session may be taken up; client: a certificate signed by ca is required; once:
                      sessions are given to the first connection alone
  peek             waits until the client has sent something, and leaves it
  deaf             reads nothing until the client ends
  sleep:SECONDS    drip:SECONDS:TEXT (a byte at a time)    flood:N:TEXT
  echo             answers each line with "250 " and the line, until the client ends
  end              reads until the client ends
  close            reset
"""
import argparse
import select
import socket
import ssl
import struct
import sys
import threading
import time


class Stop(Exception):
    pass


def say(*words):
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def text(escaped):
    return escaped.encode("latin-1").decode("unicode_escape").encode("latin-1")


class Connection:
    contexts = {}  # of all: by a step's words

    def __init__(self, sock, certs):
        self.sock = sock
        self.certs = certs
        self.held = b""
        self.secure = False

    def read(self):
        """Bytes, or b"" at the end, which has been reported."""
        try:
            got = self.sock.recv(65536)
            if not got:
                say("end", "notify" if self.secure else "eof")
            return got
        except ssl.SSLEOFError:
            say("end cut")
        except (ConnectionResetError, BrokenPipeError):
            say("end reset")
        except ssl.SSLError as e:
            # Some versions of Python report a missing close_notify this way.
            say("end", "cut" if e.reason == "UNEXPECTED_EOF_WHILE_READING" else e.reason or str(e))
        return b""

    def line(self):
        while b"\n" not in self.held:
            got = self.read()
            if not got:
                raise Stop
            self.held += got
        line, self.held = self.held.split(b"\n", 1)
        line = line.rstrip(b"\r").decode("latin-1")
        say("line", line)
        return line

    def do_send(self, rest):
        self.sock.sendall(text(rest))

    def do_expect(self, rest):
        line = self.line()
        if not line.startswith(rest):
            say("unexpected", line)
            raise Stop

    def new_context(self, name, *words):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.certs}/{name}.pem", f"{self.certs}/{name}.key")
        context.set_alpn_protocols(["h2", "http/1.1", "smtp"])
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0x80)  # or "cut" would look like "notify"
        if "client" in words:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(f"{self.certs}/ca.pem")
        return context

    def do_tls(self, rest):
        context = self.contexts.get(rest) or self.contexts.setdefault(rest, self.new_context(*rest.split(",")))
        try:
            self.sock = context.wrap_socket(self.sock, server_side=True, suppress_ragged_eofs=False)
        except (ssl.SSLError, OSError) as e:
            say("tls failed", getattr(e, "reason", None) or type(e).__name__)
            raise Stop
        self.secure = True
        if "once" in rest.split(","):
            context.num_tickets = 0
        say("tls", self.sock.version())
        if self.sock.session_reused:
            say("taken up")
        if self.sock.selected_alpn_protocol():
            say("alpn", self.sock.selected_alpn_protocol())

    def do_sleep(self, rest):
        time.sleep(float(rest))

    def do_peek(self, _):
        self.sock.recv(1, socket.MSG_PEEK)

    def do_deaf(self, _):
        gone = select.poll()
        gone.register(self.sock, select.POLLRDHUP)
        gone.poll()

    def do_drip(self, rest):
        pause, _, what = rest.partition(":")
        for byte in text(what):
            self.sock.sendall(bytes([byte]))
            time.sleep(float(pause))

    def do_flood(self, rest):
        count, _, what = rest.partition(":")
        try:
            for _ in range(int(count)):
                self.sock.sendall(text(what))
        except OSError:
            say("end reset")
            raise Stop

    def do_echo(self, _):
        while True:
            line = self.line()
            self.sock.sendall(b"250 " + line.encode("latin-1") + b"\r\n")

    def do_end(self, _):
        while self.read():
            pass

    def do_close(self, _):
        raise Stop

    def do_reset(self, _):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Stop

    def run(self, steps):
        try:
            for step in steps:
                name, _, rest = step.partition(":")
                getattr(self, "do_" + name)(rest)
        except Stop:
            pass
        except OSError as e:
            say("end", type(e).__name__)
        self.sock.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--certs")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--unix")
    parser.add_argument("steps", nargs="+")
    args = parser.parse_args()
    family = socket.AF_UNIX if args.unix else socket.AF_INET6 if ":" in args.address else socket.AF_INET
    with socket.socket(family) as server:
        server.bind(args.unix or (args.address, 0))
        server.listen()
        say("port", "0" if args.unix else str(server.getsockname()[1]))
        threads = []
        for _ in range(args.connections):
            sock, _ = server.accept()
            thread = threading.Thread(target=Connection(sock, args.certs).run, args=(args.steps,))
            thread.start()
            threads.append(thread)
    for thread in threads:
        thread.join()


main()
