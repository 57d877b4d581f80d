"""That the sink by which all are measured counts right: sink_test.py PROGRAM. Each dialogue is sent whole, octet by octet, and cut in two
at every place."""
import socket
import subprocess
import sys
import threading

CONTENT = b"hello\r\n..dot\r\n...two\r\na.b\r.\n.\r\n"
TWO = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\n"
ONE = b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\n"
# What is said; mails, recipients, octets, faults.
DIALOGUES = [
    (TWO + b"DATA\r\n" + CONTENT + b".\r\n" + ONE + b"BDAT 5\r\n\r\n.\r\nBDAT 3 LAST\r\nabc" + ONE + b"BDAT 0 LAST\r\nQUIT\r\n",
     (3, 4, len(CONTENT) - 2 + 8, 0)),
    (ONE + b"DATA\r\n.\r\nQUIT\r\n", (1, 1, 0, 0)),
    (ONE + b"DATA\r\nx\n.\n\r\n.\r\nRSET\r\nQUIT\r\n", (1, 1, 6, 0)),
    (ONE + b"DATA\r\n.stuffing forgotten\r\n.\r\nQUIT\r\n", (1, 1, 20, 1)),
    (b"DATA\r\nQUIT\r\n", (0, 0, 0, 1)),
    (b"MAIL FROM:<>\nQUIT\r\n", (0, 0, 0, 1)),
    (b"BDAT 5 LAST\r\n", (0, 0, 0, 1)),
    (ONE, (0, 0, 0, 1)),
]


class Sink:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "127.0.0.1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def counts(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        mails, recipients, octets, _connections, faults = map(int, self.process.stdout.readline().split())
        return mails, recipients, octets, faults

    def talk(self, pieces):
        """All that it answers until it hangs up."""
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))


def cuts(said):
    yield [said]
    yield [said[i:i + 1] for i in range(len(said))]
    for i in range(1, len(said)):
        yield [said[:i], said[i:]]


def check_counts(sink):
    for said, want in DIALOGUES:
        answer = None
        for pieces in cuts(said):
            before = sink.counts()
            got = sink.talk(pieces)
            answer = answer or got
            counted = tuple(n - b for n, b in zip(sink.counts(), before))
            assert counted == want, (said, pieces, counted)
            assert got == answer, (said, pieces, got)


def check_slow_reader(sink):
    """One who writes much before he reads gets every reply."""
    number = 100000
    before = sink.counts()
    with socket.create_connection(("127.0.0.1", sink.port)) as client:
        said = TWO + b"RCPT TO:<somebody@somewhere.example>\r\n" * number + b"DATA\r\n.\r\nQUIT\r\n"
        writer = threading.Thread(target=client.sendall, args=(said,))
        writer.start()
        answer = b"".join(iter(lambda: client.recv(65536), b""))
        writer.join()
    assert answer.count(b"\r\n250 2.1.0 ") == number + 3, answer[-200:]
    assert sink.counts()[1] - before[1] == number + 2


sink = Sink(sys.argv[1])
check_counts(sink)
check_slow_reader(sink)
sink.process.stdin.close()
assert sink.process.wait() == 0
