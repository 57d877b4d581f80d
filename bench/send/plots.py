"""The pictures of a run, by gnuplot."""
import os
import subprocess

import cases
from figures import done, median, peak


def rate(_case, result):
    return 1 / median(result, "seconds")


def microseconds(_case, result):
    return 1e6 * median(result, "cpu")


def megabytes(_case, result):
    return peak(result)


# These stand in the tables.
NOT_DRAWN = ("netmail, results", "netmail, raw", "netmail, many raw")
LOOPBACK = ("small", "ten", "large", "hundred", "thousand")
# File, title, what a bar is, its cases.
PLOTS = [
    *((f"send-{server}.svg", f"Mails a second on loopback, to {cases.KINDS[server]}", "mails a second", rate,
       [f"{server} {name}" for name in LOOPBACK]) for server in ("sink", "smtp-sink", "postfix")),
    ("send-line.svg", "Mails a second on a line with delay", "mails a second", rate,
     ["line20 first", "line20 hundred-mails", "line20 hundred-mails-postfix", "line20 hundred-mails-tls", "line20 ten", "line50 hundred-mails"]),
    ("send-tls.svg", "New connections with implicit TLS to Postfix", "connections a second", rate, ["tls first", "tls client", "tls later", "tls new"]),
    ("send-cpu.svg", "The client's processor, on loopback", "microseconds a mail", microseconds,
     ["sink small", "sink-data small", "sink large", "postfix small", "file"]),
    ("send-memory.svg", "Memory at most", "MB", megabytes, ["sink small", "sink ten", "sink large", "tasks", "file"]),
]


def plot(run, path, title, axis, value, names):
    found = [case for name in names for case in run["cases"] if case["name"] == name and done(case)]
    rows = [peer for peer in run["peers"] if peer not in NOT_DRAWN and any(peer in done(case) for case in found)]
    if not rows:
        return False
    servers = {case["server"] for case in found}
    labels = [case["title"] if len(servers) > 1 else case["title"].rsplit(", to ", 1)[0] for case in found]
    lines = ["\t".join(["peer", *labels])]
    for peer in rows:
        values = [f"{value(case, case['results'][peer]):.6g}" if peer in done(case) else "?" for case in found]
        lines.append("\t".join([peer, *values]))
    script = f"""
set terminal svg size 1100,640 background "white" font "sans,12"
set output "{path}"
set title "{title}\\n{{/*0.75 Loopback and sinks show what clients cost; a real server takes most of a millisecond a mail.}}"
set datafile separator "\\t"
set datafile missing "?"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set logscale y
set ylabel "{axis}"
set grid ytics
set key outside bottom center vertical maxcols 1 Left reverse autotitle columnhead noenhanced
set xtics rotate by -30 noenhanced
$rows << END
""" + "\n".join(lines) + f"\nEND\nplot for [i=2:{len(found) + 1}] $rows using i:xtic(1)\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return True


def draw(run, folder):
    """Files and titles of what there was something to draw of."""
    return [(file, title) for file, title, *rest in PLOTS if plot(run, os.path.join(folder, file), title, *rest)]
