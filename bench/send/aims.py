"""What the project set out for, and what became of it in a run."""
import dataclasses

from figures import best, builds, done, median, peak, raw, trips

INTRODUCTION = """Of the ways in which netmail sends, the fastest one that builds each message anew, from Lua 5.4 (of 1 MB raw: that is given
messages that are ready, as the peers are); beside the peer of the same run that the aim names."""

SPEED, CPU = "seconds", "cpu"


@dataclasses.dataclass(frozen=True)
class Ratio:
    """So many times as fast as a peer, or so many times less of the processor."""
    said: str
    case: str
    peer: str
    aim: float
    what: str = SPEED
    takes: object = builds


@dataclasses.dataclass(frozen=True)
class Most:
    """No more than that of something that is counted."""
    said: str
    case: str
    aim: float
    count: object
    unit: str


def more_trips(by_name, case, result):
    """Than one mail to one recipient takes."""
    first = by_name.get("line20 first")
    ours = first and best(first, builds)
    return ours and trips(case, result) - trips(first, first["results"][ours])


AIMS = [
    Ratio("100 mails, 20 ms, Postfix (CHUNKING)", "line20 hundred-mails-postfix", "libcurl easy", 30),
    Ratio("100 mails, 20 ms, Postfix (CHUNKING)", "line20 hundred-mails-postfix", "Nodemailer", 15),
    Ratio("100 mails, 20 ms, Postfix, TLS", "line20 hundred-mails-tls", "libcurl easy", 20),
    Ratio("100 mails, 20 ms, without CHUNKING", "line20 hundred-mails-data", "libcurl easy", 3.8),
    Ratio("100 mails, 20 ms, without CHUNKING", "line20 hundred-mails-data", "Nodemailer", 2),
    Ratio("1000 mails, 20 ms, 10 connections", "line20 ten", "libcurl multi", 50),
    Most("first mail on a new line, CHUNKING", "line20 first", 4.2, lambda _, case, result: trips(case, result), "round trips"),
    Most("first mail on a new line, DATA", "line20 first-data", 5.2, lambda _, case, result: trips(case, result), "round trips"),
    Ratio("one mail to 1000 recipients, loopback", "sink thousand", "libcurl easy", 150),
    Most("one mail to 1000 recipients, 20 ms", "line20 thousand-recipients", 0.5, more_trips, "round trips more than to one"),
    Ratio("2 KB, our sink, CHUNKING", "sink small", "smtp-source", 30),
    Ratio("2 KB, our sink, CHUNKING: CPU", "sink small", "smtp-source", 14, CPU),
    Ratio("2 KB, our sink, without CHUNKING", "sink-data small", "smtp-source", 4),
    Ratio("2 KB, our sink, without CHUNKING: CPU", "sink-data small", "smtp-source", 3.5, CPU),
    Ratio("1 MB raw, our sink", "sink large", "libcurl easy", 3, takes=raw),
    Ratio("a file of 100 MB, built and sent", "file", "Nodemailer", 12),
    Ratio("a file of 100 MB, built and sent", "file", "libcurl easy", 45),
    Ratio("a program's first connection, implicit TLS, Postfix", "tls first", "libcurl easy", 20),
    Ratio("a client's first in a program that knows the server", "tls client", "libcurl easy", 20),
    Ratio("a client's later connections", "tls later", "libcurl easy", 20),
    # Ten thousand messages with their tasks, and nothing that grows with the connections' windows.
    Most("10,000 tasks at once, 10 connections", "tasks", 128, lambda _, case, result: peak(result), "MB at most"),
]


def quantity(what, value):
    if what == CPU:
        return f"{1e6 * value:.3g} us"
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms" if value >= 1e-3 else f"{1e6 * value:.3g} us"


def verdict(share):
    """Of what was wanted, 1 is all."""
    return "met" if share >= 1 else f"missed: {100 * share:.0f} % of it"


def ratio_row(aim, case):
    ours = best(case, aim.takes)
    if ours is None or aim.peer not in done(case):
        return None
    own, other = (median(case["results"][name], aim.what) for name in (ours, aim.peer))
    ratio = other / max(own, 1e-9)
    return [f"{quantity(aim.what, own)} a mail ({ours})", f"{quantity(aim.what, other)} ({aim.peer})", f"{ratio:.1f} times", f"≥ {aim.aim:g}",
            verdict(ratio / aim.aim)]


def count_row(aim, case, by_name):
    ours = best(case, builds)
    got = ours and aim.count(by_name, case, case["results"][ours])
    if not ours or got is None:
        return None
    return [f"{got:.2f} {aim.unit} ({ours})", "", "", f"≤ {aim.aim:g}", verdict(aim.aim / got if got > aim.aim else 1)]


def rows(run):
    """With a row for each aim: of what was not measured too."""
    by_name = {case["name"]: case for case in run["cases"]}
    found = [["aim", "netmail", "peer", "ratio", "wanted", ""]]
    for aim in AIMS:
        case = by_name.get(aim.case)
        cells = case and (ratio_row(aim, case) if isinstance(aim, Ratio) else count_row(aim, case, by_name))
        found.append([aim.said, *(cells or ["", "", "", "", "not measured"])])
    return found
