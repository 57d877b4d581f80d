"""What is reckoned from the turns of a case."""
import statistics


def median(result, what):
    """Of the turns, for one mail."""
    return statistics.median(t[what] for t in result["turns"]) / result["mails"]


def peak(result):
    """MB."""
    return statistics.median(t["peak_kb"] for t in result["turns"]) / 1024


def trips(case, result):
    """Round trips that all of a turn took."""
    return 1000 * median(result, "seconds") * result["mails"] / case["delay"]


def done(case):
    return {name: r for name, r in case["results"].items() if "failed" not in r}


def builds(name):
    """A way of netmail's that builds each message anew."""
    return name in ("netmail", "netmail, many", "netmail, results", "netmail, wide", "netmail, async")


def raw(name):
    """A way of netmail's that is given messages that are ready, as the peers are."""
    return name.startswith("netmail") and name.endswith("raw")


def best(case, takes, what="seconds"):
    """The name of the fastest of those, or the one that is best at something else."""
    found = [(median(r, what), name) for name, r in done(case).items() if takes(name)]
    return min(found)[1] if found else None
