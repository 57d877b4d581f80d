"""A server to be measured against: serve.py KIND ADDRESS

KIND: sink (sink.c), sink-data (the same without CHUNKING), smtp-sink, postfix (the queue in memory where there is a /dev/shm, the mail thrown
away by its discard transport). Says on standard output, as JSON, its ports; then, for each line on standard input, what has arrived so far
(null where the server does not count): the line is an object of what should have, at least. Ends when standard input ends. What it starts
runs on the processors that it was given.
"""
import json
import os
import pwd
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "spec/support/py"))

from postfix import make_queue  # noqa: E402
from room import Failure, Room, unpacked  # noqa: E402

BIN = os.path.join(ROOT, "build/plain/bench/send")

# As Debian has it, but for: nothing asks a DNS, no limits to clients and sizes, no pause when mail comes faster than it goes.
MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
daemon_directory = {lib}/sbin
command_directory = {sbin}
shlib_directory = {lib}
meta_directory = {dir}/etc
import_environment = MAIL_CONFIG LD_LIBRARY_PATH
mail_owner = mail
setgid_group = uucp
default_privs = nobody
maillog_file = {dir}/mail.log
maillog_file_prefixes = {dir}
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.0/8 10.99.0.0/24
inet_interfaces = all
inet_protocols = ipv4
alias_maps =
alias_database =
default_transport = discard:
local_transport = error:none
append_dot_mydomain = no
message_size_limit = 0
in_flow_delay = 0
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_banner = $myhostname ESMTP Postfix
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = none
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
"""

MASTER = """
{address}:{plain} inet n - n - - smtpd
{address}:{tls} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

COUNTED = ("mails", "recipients", "octets", "connections", "faults")


class Sink:
    def __init__(self, room, address, chunking):
        self.process = subprocess.Popen([f"{BIN}/sink", *([] if chunking else ["-c"]), address], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        room.processes.append(self.process)
        self.process.ending = 15
        self.ports = {"plain": int(self.process.stdout.readline())}

    def counts(self, _least):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return dict(zip(COUNTED, map(int, self.process.stdout.readline().split())))


class SmtpSink:
    """What it could count it would print at each mail, which costs."""

    def __init__(self, room, address):
        self.ports = {"plain": room.port()}
        process = room.spawn([unpacked("usr/sbin/smtp-sink"), "-u", "nobody", "-h", "mail.example.test",
                              f"{address}:{self.ports['plain']}", "1000"])
        room.wait_for_port(self.ports["plain"], process)

    def counts(self, _least):
        return None


class Postfix:
    ACTIVE = re.compile(r": from=<[^>]*>, size=(\d+), nrcpt=(\d+) \(queue active\)")

    def __init__(self, room, address):
        owner = pwd.getpwnam("mail")
        make_queue(room, owner)
        room.folder("data", owner.pw_uid, owner.pw_gid, 0o700)
        room.folder("etc")
        self.room = room
        self.log, self.rest, self.removed = None, "", 0
        self.sums = dict.fromkeys(("mails", "recipients", "octets", "connections"), 0)
        self.ports = {name: room.port() for name in ("plain", "tls")}
        room.write("etc/dynamicmaps.cf", "")
        room.write("etc/main.cf", MAIN.format(
            dir=room.dir, lib=os.path.dirname(os.path.dirname(unpacked("usr/lib/postfix/sbin/master"))),
            sbin=os.path.dirname(unpacked("usr/sbin/postconf")), cert=os.environ["BENCH_CA"], key=os.environ["BENCH_KEY"]))
        room.write("etc/master.cf", MASTER.format(address=address, **self.ports))
        process = room.spawn([unpacked("usr/lib/postfix/sbin/master"), "-c", room.path("etc"), "-d"],
                             MAIL_CONFIG=room.path("etc"))
        for port in self.ports.values():
            room.wait_for_port(port, process)
        self.counts({"connections": len(self.ports)})  # those were ours

    def drain(self):
        """Until the queue is empty: what one client left must not be work while the next one is measured."""
        end = time.monotonic() + 120
        while any(files for name in ("incoming", "active", "deferred") for _, _, files in os.walk(self.room.path("queue", name))):
            if time.monotonic() > end:
                raise Failure("the queue does not empty")
            time.sleep(0.02)

    def read_log(self):
        """Whether there was anything new."""
        try:
            self.log = self.log or open(self.room.path("mail.log"), encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return False
        *lines, self.rest = (self.rest + self.log.read()).split("\n")
        for line in lines:
            active = self.ACTIVE.search(line)
            if active:
                self.sums["mails"] += 1
                self.sums["octets"] += int(active.group(1))
                self.sums["recipients"] += int(active.group(2))
            self.removed += line.endswith(": removed")
            self.sums["connections"] += ": connect from" in line
        return bool(lines)

    def has(self, least):
        return all(self.sums[name] >= n for name, n in least.items()) and self.removed >= least.get("mails", 0)

    def counts(self, least):
        """What the log says when no more comes: another process writes it, and later."""
        self.drain()
        end = time.monotonic() + 5
        while self.read_log() or self.removed != self.sums["mails"] or (not self.has(least) and time.monotonic() < end):
            time.sleep(0.05)
        return self.sums


def start(room, kind, address):
    if kind == "postfix":
        return Postfix(room, address)
    if kind == "smtp-sink":
        return SmtpSink(room, address)
    return Sink(room, address, kind == "sink")


def main():
    kind, address = sys.argv[1:]
    if os.access("/dev/shm", os.W_OK):
        os.environ["TMPDIR"] = "/dev/shm"
    room = Room("bench", {})
    try:
        server = start(room, kind, address)
        print(json.dumps(server.ports), flush=True)
        for line in sys.stdin:
            print(json.dumps(server.counts(json.loads(line))), flush=True)
    except Failure as failure:
        sys.exit(f"{kind}: {failure}")
    finally:
        room.leave()


main()
