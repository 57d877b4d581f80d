"""Where the instructions of a mail of 2 KB go, in thousands: SendMany to our sink under callgrind. profile.py: a table in Markdown.

Two runs that differ in the number of mails are compared, so that what is done once does not count.
"""
import collections
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import peers  # noqa: E402
from report import markdown  # noqa: E402

LUA = os.environ.get("BENCH_LUA", "lua5.4")
PATHS = {**os.environ, "LUA_PATH": "lua/?.lua;lua/?/init.lua;./?.lua;;", "LUA_CPATH": f"build/{LUA}/?.so;;"}
FEW, MANY = 500, 2500
WAYS = ("many", "results", "template")
LINE = re.compile(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+(\S+):(\S+)")
# What a part is, and the functions whose time it is, with all that they call; none of them calls another one that is named here.
PARTS = (
    ("a message is made, and older ones are collected", ("src/lua_message.c:message_call", "src/lua_template.c:template_for")),
    ("it is taken for sending: looked at, header written, body encoded", ("src/lua_flight_slot.c:put",)),
    ("session, lines, system calls' wrappers", ("src/flight_step.c:nm_flight_step",)),
    ("its result becomes tables", ("src/lua_result.c:nm_result_push",)),
    ("what it held is let go of", ("src/lua_flight_slot.c:nm_flight_release_slot",)),
)
REST = "which goes next, what is over: lua/netmail/many_*.lua"


def sums(port, way, mails):
    """{function: instructions}, of the functions themselves with all that they call; and of all."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={file.name}", LUA,
                        f"{peers.HERE}/netmail.lua", "127.0.0.1", str(port), str(mails), "2048", "1", "1", way],
                       check=True, stdout=subprocess.DEVNULL, env=PATHS)
        said = subprocess.run(["callgrind_annotate", "--threshold=100", "--inclusive=yes", "--auto=no", file.name], check=True,
                              capture_output=True, text=True).stdout
    found = collections.Counter()
    for line in said.splitlines():
        match = LINE.match(line)
        if match and not match[2].startswith("/"):  # those of inlined parts and aliases are there once more, with whole paths
            found[f"{match[2]}:{match[3]}"] += int(match[1].replace(",", ""))
    found["all"] = int(re.search(r"^\s*([\d,]+).*PROGRAM TOTALS", said, re.MULTILINE)[1].replace(",", ""))
    return found


def of_way(port, way):
    """Thousands of instructions of a mail, part by part, the rest, and all."""
    few, many = sums(port, way, FEW), sums(port, way, MANY)
    gone = [names for _, names in PARTS if not any(name in many for name in names)]
    if gone and way == "results":
        sys.exit(f"{gone} is not called: its name is another one")

    def a_mail(name):
        return (many[name] - few[name]) / (MANY - FEW) / 1000
    parts = [sum(map(a_mail, names)) for _, names in PARTS]
    return [*parts, a_mail("all") - sum(parts), a_mail("all")]


def main():
    os.chdir(peers.ROOT)
    with subprocess.Popen([f"{peers.BIN}/sink", "127.0.0.1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sink:
        port = int(sink.stdout.readline())
        columns = [of_way(port, way) for way in WAYS]
        sink.stdin.close()
    labels = [*(said for said, _ in PARTS), REST, "all"]
    print(markdown([["thousands of instructions a mail", *WAYS],
                    *([label, *(f"{n:.1f}" for n in row)] for label, row in zip(labels, zip(*columns)))]))


if __name__ == "__main__":
    main()
