"""What a run found, as text, JSON and plots."""
import json
import os
import statistics
import subprocess

import peers

# What the project set out for: case, of netmail and whom, what is compared, how many times, of what.
SPEED, CPU = "speed", "cpu"
AIMS = [
    ("line20 hundred-mails-postfix", "libcurl easy", SPEED, 30), ("line20 hundred-mails-postfix", "Nodemailer", SPEED, 15),
    ("line20 hundred-mails-tls", "libcurl easy", SPEED, 20),
    ("line20 hundred-mails-data", "libcurl easy", SPEED, 3.8), ("line20 hundred-mails-data", "Nodemailer", SPEED, 2),
    ("line20 ten", "libcurl multi", SPEED, 50),
    ("sink thousand", "libcurl easy", SPEED, 150),
    ("sink small", "smtp-source", SPEED, 30), ("sink small", "smtp-source", CPU, 14),
    ("sink-data small", "smtp-source", SPEED, 4), ("sink-data small", "smtp-source", CPU, 3.5),
    ("sink large", "libcurl easy", SPEED, 3),
    ("file", "Nodemailer", SPEED, 12), ("file", "libcurl easy", SPEED, 45),
    ("tls first", "libcurl easy", SPEED, 20), ("tls later", "libcurl easy", SPEED, 20),
]
# Round trips at most.
TRIPS = [("line20 first", 4.2), ("line20 first-data", 5.2)]
MEANING = """What these ratios do not mean. On loopback the network costs nothing and our sink does next to nothing with a mail, so what is
measured is what the client itself costs. A real server is the bottleneck: Postfix works for most of a millisecond on each mail, and no
client makes it faster than that; the rows against Postfix say what is left. How far away the server is counts for more than any of
this: the rows with a line say what that is worth."""


def median(result, what):
    """Of the turns, for one mail."""
    return statistics.median(t[what] for t in result["turns"]) / result["mails"]


def done(case):
    return {name: r for name, r in case["results"].items() if "failed" not in r}


def best(case, ours):
    """Name and result of the fastest of netmail's ways, or of all others."""
    found = [(median(r, "seconds"), name) for name, r in done(case).items()
             if name.startswith("netmail") == ours and "raw" not in name]
    return min(found)[1] if found else None


def heading(run):
    m = run["machine"]
    lines = [f"{m['processor']}, {m['processors']} processors, {m['system']}, TCP {m['congestion']}, load {m['load']:.1f}, {m['date']}; "
             f"median of {run['rounds']} rounds, {'few mails' if run['quick'] else '%g s a turn' % run['seconds']}"]
    for name, said in run["peers"].items():
        lines.append(f"  {name:<16}{'left out: ' if name in run['left_out'] else ''}{said}")
    return "\n".join(lines)


def row(case, name, result, reference):
    if "failed" in result:
        return f"  {name:<16}failed: {result['failed']}"
    seconds, used = median(result, "seconds"), median(result, "cpu")
    turns = [t["seconds"] / result["mails"] for t in result["turns"]]
    octets = 0 if "noop" in case["words"] else case["size"] or os.path.getsize(os.environ["BENCH_FILE"])
    text = f"  {name:<16}{result['mails']:>8}{1000 * seconds:>12.3f}{1 / seconds:>11.0f}{octets / seconds / 1e6:>9.1f}"
    text += f"{1000 * seconds * result['mails'] / case['delay']:>8.1f}" if case["delay"] else " " * 8
    text += f"{1e6 * used:>11.1f}{statistics.median(t['peak_kb'] for t in result['turns']) / 1024:>9.1f}"
    text += f"{100 * (max(turns) - min(turns)) / seconds:>7.0f} %"
    return text + (f"{seconds / reference:>12.2f}x" if reference else "")


def table(case):
    lines = [f"\n{case['title']}" + (" (a relay stands in for the line: no round trip to connect, no slow start)" if case["relayed"] else ""),
             f"  {'':<16}{'mails':>8}{'ms a mail':>12}{'mails/s':>11}{'MB/s':>9}{'trips' if case['delay'] else '':>8}"
             f"{'CPU us':>11}{'peak MB':>9}{'spread':>9}{'netmail is':>13}"]
    ours, theirs = best(case, True), best(case, False)
    reference = median(case["results"][ours], "seconds") if ours else None
    lines += [row(case, name, result, reference) for name, result in case["results"].items()]
    if ours and theirs:
        lines.append(f"  {ours} is {median(case['results'][theirs], 'seconds') / reference:.2f} times as fast as the best peer, {theirs}")
    return "\n".join(lines)


def ratio(case, peer, what):
    ours = best(case, True)
    if ours is None or peer not in done(case):
        return None
    measure = "seconds" if what == SPEED else "cpu"
    return median(case["results"][peer], measure) / max(median(case["results"][ours], measure), 1e-9)


def aims(run):
    by_name = {case["name"]: case for case in run["cases"]}
    lines = ["\naims, of netmail's best way" + (" (so few mails say nothing):" if run["quick"] else ":")]

    def line(what, got, sign, aim):
        met = got >= aim if sign == "at least" else got <= aim
        lines.append(f"  {what:<76}{got:>9.2f}   {sign} {aim:<6} {'met' if met else 'MISSED'}")
    for name, peer, what, aim in AIMS:
        got = ratio(by_name[name], peer, what) if name in by_name else None
        if got is not None:
            said = "times as fast as" if what == SPEED else "times less of the processor than"
            line(f"{name}: {said} {peer}", got, "at least", aim)
    trips = {}
    for name, aim in [*TRIPS, ("line20 thousand-recipients", None)]:
        ours = best(by_name[name], True) if name in by_name else None
        if ours:
            result = by_name[name]["results"][ours]
            trips[name] = 1000 * median(result, "seconds") * result["mails"] / by_name[name]["delay"]
            if aim:
                line(f"{name}: round trips", trips[name], "at most", aim)
    if "line20 first" in trips and "line20 thousand-recipients" in trips:
        more = trips["line20 thousand-recipients"] - trips["line20 first"]
        line("line20 thousand-recipients: round trips more than for one", more, "at most", 0.5)
    return "\n".join(lines)


# ---- plots: file, title, what a bar is, its cases ----

def rate(_case, result):
    return 1 / median(result, "seconds")


def microseconds(_case, result):
    return 1e6 * median(result, "cpu")


def megabytes(_case, result):
    return statistics.median(t["peak_kb"] for t in result["turns"]) / 1024


LOOPBACK = ("small", "ten", "large", "hundred", "thousand")
PLOTS = [
    *((f"send-{server}.svg", f"Mails a second on loopback, to {said}", "mails a second", rate, [f"{server} {name}" for name in LOOPBACK])
      for server, said in (("sink", "our sink"), ("smtp-sink", "smtp-sink"), ("postfix", "Postfix"))),
    ("send-line.svg", "Mails a second on a line with delay", "mails a second", rate,
     ["line20 first", "line20 hundred-mails", "line20 hundred-mails-postfix", "line20 ten", "line50 hundred-mails"]),
    ("send-tls.svg", "New connections with implicit TLS to Postfix", "connections a second", rate,
     ["tls first", "tls later", "tls new"]),
    ("send-cpu.svg", "The client's processor, on loopback", "microseconds a mail", microseconds,
     ["sink small", "sink large", "postfix small", "file"]),
    ("send-memory.svg", "Memory at most", "MB", megabytes, ["sink small", "sink large", "file"]),
]


def plot(run, path, title, axis, value, names):
    found = [case for name in names for case in run["cases"] if case["name"] == name and done(case)]
    rows = [peer for peer in run["peers"] if any(peer in done(case) for case in found)]
    if not rows:
        return
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


def write(run, folder, complete):
    """JSON always; the tables and plots to docs/bench only if the run was of everything."""
    with open(f"{folder}/send.json", "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1)
    where = os.path.join(peers.ROOT, "docs/bench") if complete else folder
    os.makedirs(where, exist_ok=True)
    text = "\n".join([heading(run), *map(table, run["cases"]), aims(run)])
    drawn = peers.output("gnuplot", "--version") is not None
    for file, *rest in PLOTS if drawn else []:
        plot(run, os.path.join(where, file), *rest)
    with open(f"{where}/send.md", "w", encoding="utf-8") as file:
        file.write(f"# Sending, beside others\n\nMade by `make bench`; `bench/README.md` says how.\n\n{MEANING}\n\n")
        file.writelines(f"![{title}]({name})\n" for name, title, *_ in (PLOTS if drawn else []) if os.path.exists(f"{where}/{name}"))
        file.write(f"\n```\n{text}\n```\n")
    print(f"\n{MEANING}\n\nwritten: {os.path.relpath(folder, peers.ROOT)}/send.json, {os.path.relpath(where, peers.ROOT)}/send.md"
          + ("" if drawn else " (gnuplot is not installed: no plots)"))
