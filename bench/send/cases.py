"""What is measured. A case is one setting in which every peer that can sends the same. Its fields:
  title       what it is, for people
  server      KIND of serve.py
  mails       how many are sent; None: as many as take the time of a turn
  size        octets of a message (0: a file is attached)
  recipients, connections
  words       of the programs: see peer.h
  delay       milliseconds of a round trip on the line; 0: loopback
  processors  "one": client and server share one, so that no time goes into waking the other up; "two": one each; "all": as the
              system likes, for servers of several processes
  peers       who takes part; None: all who can
"""
import dataclasses

SMALL, LARGE = 2048, 1 << 20
# Of serve.py, as people call them.
KINDS = {"sink": "our sink", "sink-data": "our sink without CHUNKING", "smtp-sink": "smtp-sink", "postfix": "Postfix"}
# Where each turn takes long: the best of those that differ.
FEW = ("netmail", "libcurl easy", "Nodemailer", "smtplib")


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    server: str
    mails: int = None
    size: int = SMALL
    recipients: int = 1
    connections: int = 1
    words: tuple = ()
    delay: int = 0
    processors: str = "one"
    peers: tuple = None


def loopback():
    for server, said in KINDS.items():
        processors = "all" if server == "postfix" else "one"

        def case(name, title, _server=server, _said=said, _processors=processors, **fields):
            return Case(f"{_server} {name}", f"{title}, to {_said}", _server, processors=_processors, **fields)
        yield case("small", "2 KB, one connection")
        if server == "sink-data":
            continue
        yield case("ten", "2 KB, 10 connections", connections=10)
        yield case("large", "1 MB, one connection", size=LARGE)
        yield case("ten-large", "1 MB, 10 connections", size=LARGE, connections=10)
        yield case("hundred", "2 KB to 100 recipients", recipients=100)
        yield case("thousand", "2 KB to 1000 recipients", recipients=1000)


def line(delay):
    def case(name, title, server="sink", **fields):
        return Case(f"line{delay} {name}", f"{title}, a round trip of {delay} ms, to {KINDS[server]}", server,
                    delay=delay, processors="all", **fields)
    yield case("first", "one mail on a new connection", mails=1)
    if delay == 50:
        yield case("hundred-mails", "100 mails, one connection", mails=100, peers=FEW)
        return
    yield case("hundred-mails", "100 mails, one connection", mails=100)
    yield case("first-data", "one mail on a new connection", "sink-data", mails=1)
    yield case("hundred-mails-data", "100 mails, one connection", "sink-data", mails=100, peers=FEW)
    yield case("hundred-mails-postfix", "100 mails, one connection", "postfix", mails=100, peers=FEW)
    yield case("hundred-mails-tls", "100 mails, one connection with TLS", "postfix", mails=100, words=("tls",), peers=FEW)
    yield case("thousand-recipients", "one mail to 1000 recipients", mails=1, recipients=1000, peers=FEW)
    yield case("large", "one mail of 1 MB", mails=1, size=LARGE)
    yield case("ten", "1000 mails, 10 connections", mails=1000, connections=10)


def all_cases():
    yield from loopback()
    yield from line(20)
    yield from line(50)
    yield Case("tls first", "a program's first connection with implicit TLS, no mail, to Postfix", "postfix",
               words=("new", "tls", "noop", "fresh"), processors="all")
    yield Case("tls client", "a new client's first connection with implicit TLS, no mail, to Postfix, in a program that has spoken to it before", "postfix",
               words=("new", "tls", "noop", "client"), processors="all")
    yield Case("tls later", "a later connection of the same client with implicit TLS, no mail, to Postfix", "postfix",
               words=("new", "tls", "noop"), processors="all")
    yield Case("tls new", "2 KB, a new connection with implicit TLS for each, to Postfix", "postfix", words=("new", "tls"), processors="all")
    yield Case("tasks", "10,000 tasks open at once, 10 connections, 2 KB each, to our sink", "sink", mails=10000, connections=10,
               words=("tasks",))
    yield Case("file", "a file of 100 MB, attached, encoded and sent, to our sink", "sink", mails=1, size=0, words=("file",),
               processors="two")


def short(case):
    """For a look whether all works: few mails."""
    mails = case.connections * 2 if case.mails is None or case.connections > 1 else min(case.mails, 4)
    return dataclasses.replace(case, mails=mails)
