"""What a run found, as text and Markdown; report.py FILE writes again what a run wrote, from its JSON."""
import json
import os
import statistics
import sys

import aims
import peers
import plots
from figures import best, builds, done, median, peak, trips

MEANING = """What these ratios do not mean. On loopback the network costs nothing and our sink does next to nothing with a mail, so what is
measured is what the client itself costs. A real server is the bottleneck: Postfix works for most of a millisecond on each mail, and no
client makes it faster than that; the tables of Postfix say what is left. How far away the server is counts for more than any of
this: the tables of a line say what that is worth."""


# ---- tables: of a list of rows, each a list of cells, the first of them the head; the first column is text ----

def aligned(rows, right=True):
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    put = str.rjust if right else str.ljust
    return "\n".join("  " + "  ".join([row[0].ljust(width[0]), *(put(cell, w) for cell, w in zip(row[1:], width[1:]))]).rstrip()
                     for row in rows)


def markdown(rows, right=True):
    rule = ["---"] + ["--:" if right else "---"] * (len(rows[0]) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], rule, *rows[1:]])


def short(number):
    """Three digits that count."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def conditions(run):
    m = run["machine"]
    said = (f"{m['processor']}, {m['processors']} processors, {m['system']}, TCP {m['congestion']}, {m['date']}; load {m['load']:.1f} when it "
            f"began; median of {run['rounds']} rounds, {'few mails' if run['quick'] else '%g s a turn' % run['seconds']}")
    if run.get("priority"):
        said += (f"; all of it at real-time priority {run['priority']}, because others were at work on the machine: what they compile "
                 "does not count, but what they leave of the caches and of the memory's speed does")
    return said


def heading(run):
    return "\n".join([conditions(run), *(f"  {name:<18}{'left out: ' if name in run['left_out'] else ''}{said}"
                                         for name, said in run["peers"].items())])


def row(case, name, result, reference):
    seconds = median(result, "seconds")
    turns = [t["seconds"] / result["mails"] for t in result["turns"]]
    octets = 0 if "noop" in case["words"] else case["size"] or case.get("file_size", 0)
    cells = [name, str(result["mails"]), f"{1000 * seconds:.4g}", short(1 / seconds)]
    cells += [short(octets / seconds / 1e6)] if octets else []
    cells += [f"{trips(case, result):.1f}"] if case["delay"] else []
    cells += [short(1e6 * median(result, "cpu")), f"{peak(result):.1f}", f"{100 * (max(turns) - min(turns)) / seconds:.0f} %"]
    return cells + [f"{seconds / reference:.2f}x" if reference else ""]


def rows_of(case):
    octets = "noop" not in case["words"]
    head = ["", "mails", "ms a mail", "mails/s", *(["MB/s"] if octets else []), *(["trips"] if case["delay"] else []), "CPU us",
            "peak MB", "spread", "netmail is"]
    ours = best(case, builds)
    reference = median(case["results"][ours], "seconds") if ours else None
    fastest = sorted(done(case).items(), key=lambda item: median(item[1], "seconds"))
    return [head, *(row(case, name, result, reference) for name, result in fastest)]


def remarks(case):
    lines = []
    if case["relayed"]:
        lines.append("A relay stands in for the line: no round trip to connect, no slow start.")
    ours, theirs = best(case, builds), best(case, lambda name: not name.startswith("netmail"))
    if ours and theirs:
        ratio = median(case["results"][theirs], "seconds") / median(case["results"][ours], "seconds")
        lines.append(f"{ours} is {ratio:.2f} times as fast as the best peer, {theirs}.")
    return lines + [f"{name} failed: {r['failed']}" for name, r in case["results"].items() if "failed" in r]


def table(case):
    return "\n".join([f"\n{case['title']}", aligned(rows_of(case)), *(f"  {line}" for line in remarks(case))])


def section(case):
    title = case["title"][0].upper() + case["title"][1:]
    return "\n".join([f"### {title}\n", markdown(rows_of(case)), "", *(f"{line}\\" for line in remarks(case))]).rstrip("\\")


def outcome(run):
    """The aims, for a terminal."""
    said = "of the ways that build each message anew" + ("; so few mails say nothing" if run["quick"] else "")
    return f"\naims, {said}:\n{aligned(aims.rows(run), False)}"


def page(run, drawn):
    """send.md."""
    parts = ["# Sending, beside others", "Made by `make bench`; `bench/README.md` says how, and what the columns mean.",
             conditions(run) + ".", MEANING,
             "## What was aimed at", aims.INTRODUCTION, markdown(aims.rows(run), False),
             "## Pictures", "\n".join(f"![{title}]({file})" for file, title in drawn),
             "## Who takes part", markdown([["", ""], *([name, said if name not in run["left_out"] else f"left out: {said}"]
                                                         for name, said in run["peers"].items())], False),
             "## Tables", *map(section, run["cases"])]
    return "\n\n".join(parts) + "\n"


def write(run, folder, complete):
    """JSON always; the tables and plots to docs/bench only if the run was of everything."""
    with open(f"{folder}/send.json", "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1)
    where = os.path.join(peers.ROOT, "docs/bench") if complete else folder
    os.makedirs(where, exist_ok=True)
    has_gnuplot = peers.output("gnuplot", "--version") is not None
    drawn = plots.draw(run, where) if has_gnuplot else []
    with open(f"{where}/send.md", "w", encoding="utf-8") as file:
        file.write(page(run, drawn))
    print(f"\n{MEANING}\n\nwritten: {os.path.relpath(folder, peers.ROOT)}/send.json, {os.path.relpath(where, peers.ROOT)}/send.md"
          + ("" if has_gnuplot else " (gnuplot is not installed: no plots)"))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        run = json.load(file)
    print("\n".join([heading(run), *map(table, run["cases"]), outcome(run)]))
    write(run, os.path.dirname(os.path.abspath(sys.argv[1])), run["complete"])


if __name__ == "__main__":
    main()
