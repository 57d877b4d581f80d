"""Runs one test server: serve.py KIND READY [NAME=VALUE]...

KIND is a module beside this file with start(room) -> facts. When the server is up, the file READY holds the facts as a Lua
table; `error` is among them when it did not start. The server ends, with all its processes and its folder, when
standard input ends: whoever started it holds the other end, so that this happens also if he is killed.
"""
import importlib
import os
import select
import signal
import sys

import luatable
from room import Failure, Room

KINDS = ("postfix", "dovecot", "exim", "krb5", "recorder", "sink", "aio", "script")


def tell(ready, facts):
    """All at once: the reader sees no half of a file."""
    with open(ready + ".part", "w") as f:
        f.write(luatable.chunk(facts))
    os.rename(ready + ".part", ready)


def wait_for_the_end(room):
    parent = os.getppid()
    while os.getppid() == parent:
        if select.select([0], [], [], 0.5)[0] and not os.read(0, 4096):
            return
        gone = room.dead()
        if gone:
            sys.stderr.write("%s ended by itself:\n%s\n" % (gone.args[0], room.log()))
            return


def main():
    kind, ready = sys.argv[1:3]
    if kind not in KINDS:
        sys.exit("serve.py: no server %r" % kind)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Ctrl-C reaches the whole group: the one who started us decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    room = Room(kind, dict(a.split("=", 1) for a in sys.argv[3:]))
    try:
        facts = importlib.import_module(kind).start(room)
        tell(ready, dict(facts, dir=room.dir, pid=os.getpid()))
        wait_for_the_end(room)
    except Failure as e:
        tell(ready, {"error": str(e)})
    except Exception as e:
        tell(ready, {"error": "%s: %s" % (type(e).__name__, e)})
        raise
    finally:
        room.leave()
    # Threads of servers in this process may hang in a read.
    sys.stdout.flush()
    os._exit(0)


main()
