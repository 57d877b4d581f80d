"""Takes all mail and keeps the envelope as it was said: where Postfix, Exim and Dovecot relay to, so that what they
understood can be read. It knows every parameter, because it looks at none. Ports:
  plain  SMTP      lmtp  LMTP (RFC 2033)
Each message is two files in the folder `mail` (keep.py): from, to, from_options, to_options (a list for each recipient), helo,
chunks (how many BDAT, 0: DATA).
Recipients of @refused.test are refused, of @later.test put off. By LMTP those of @full.test are refused after the content.
"""
import socketserver
import threading

from keep import Keeper

OFFERS = ("PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "ENHANCEDSTATUSCODES")
REFUSED = {"refused.test": "550 5.1.1 no such user", "later.test": "450 4.2.0 try later"}


def path_of(rest):
    """`FROM:<a@b> X=1 Y`: the path without its brackets, and the words behind. A quoted local part may have spaces and ">"."""
    rest = rest[rest.index(":") + 1:].strip()
    quoted, i = False, 0
    while rest[i] != ">" or quoted:
        if quoted and rest[i] == "\\":
            i += 1
        elif rest[i] == '"':
            quoted = not quoted
        i += 1
    return rest[1:i], rest[i + 1:].split()


class Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def setup(self):
        super().setup()
        self.helo = ""
        self.reset()

    def reset(self):
        self.envelope = {"from": None, "to": [], "from_options": [], "to_options": [], "chunks": 0}
        self.content = b""

    def handle(self):
        self.say("220 recorder.example.test %s" % ("LMTP" if self.server.lmtp else "ESMTP"))
        for line in self.rfile:
            verb, _, rest = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape").partition(" ")
            if verb.upper() == "QUIT":
                self.say("221 2.0.0 bye")
                return
            getattr(self, "do_" + verb.lower(), self.do_unknown)(rest)

    def do_unknown(self, _):
        self.say("500 5.5.2 what?")

    def do_ehlo(self, name):
        self.helo = name
        lines = ("recorder.example.test",) + OFFERS
        for line in lines[:-1]:
            self.say("250-" + line)
        self.say("250 " + lines[-1])

    do_lhlo = do_ehlo

    def do_noop(self, _):
        self.say("250 2.0.0 ok")

    def do_rset(self, _):
        self.reset()
        self.say("250 2.0.0 ok")

    def do_mail(self, rest):
        self.reset()
        self.envelope["from"], self.envelope["from_options"] = path_of(rest)
        self.say("250 2.1.0 ok")

    def do_rcpt(self, rest):
        address, options = path_of(rest)
        refused = REFUSED.get(address.rpartition("@")[2])
        if not refused:
            self.envelope["to"].append(address)
            self.envelope["to_options"].append(options)
        self.say(refused or "250 2.1.5 ok")

    def do_data(self, _):
        if not self.envelope["to"]:
            self.say("503 5.5.1 no recipients")
            return
        self.say("354 go")
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        else:
            return
        self.content = b"".join(lines)
        self.take()

    def do_bdat(self, rest):
        words = rest.split()
        self.content += self.rfile.read(int(words[0]))
        self.envelope["chunks"] += 1
        if not self.envelope["to"]:
            self.say("503 5.5.1 no recipients")
        elif words[1:]:
            self.take()
        else:
            self.say("250 2.0.0 ok")

    def take(self):
        to = self.envelope["to"]
        name = self.server.keeper.keep(self.content, dict(self.envelope, helo=self.helo))
        if not self.server.lmtp:
            self.say("250 2.0.0 kept as " + name)
        else:
            for address in to:
                self.say("552 5.2.2 mailbox full" if address.endswith("@full.test") else "250 2.1.5 kept as " + name)
        self.reset()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def listen(room, keeper, lmtp=False):
    """The port that it answers on."""
    server = Server((room.options.get("address", "127.0.0.1"), 0), Session)
    server.keeper, server.lmtp = keeper, lmtp
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def start(room):
    keeper = Keeper(room.folder("mail"))
    return {"port": {"plain": listen(room, keeper), "lmtp": listen(room, keeper, lmtp=True)}, "mail": keeper.folder}
