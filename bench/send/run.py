"""Sending messages: netmail beside its peers, in one run; see bench/README.md. run.py [--quick] [--only WORDS] [--peers WORDS]
[--rounds N] [--seconds S] [--priority N]: with --only, cases whose name begins with one of the words (with commas between them); with
--peers, peers likewise; with --priority, at that real-time priority (1 to 99), for a machine on which others are at work.
"""
import argparse
import json
import math
import os
import platform
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402

FOLDER = os.path.join(peers.ROOT, "build/bench")
MEGABYTES = 100
# A turn that takes longer than this is taken for dead.
PATIENCE = 300
# One that takes longer than this is not repeated: what waits for a line so long varies by a hundredth.
LONG = 5


class Failed(Exception):
    """In words for a person."""


class Place:
    """Where clients and servers run: loopback, or the two ends of a line."""

    def __init__(self, delay):
        self.near = self.far = []
        self.address, self.bind, self.relay, self.process = "127.0.0.1", "127.0.0.1", None, None
        self.delay = delay
        if delay:
            self.lay_line()

    def lay_line(self):
        self.process = subprocess.Popen([f"{peers.BIN}/line", str(self.delay / 2)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        if len(words) == 3:
            near, far, self.address = words
            self.near, self.far = ["nsenter", f"--net={near}"], ["nsenter", f"--net={far}"]
            self.bind = "0.0.0.0"
        else:
            self.leave()

    @property
    def stands_in(self):
        """A relay does, for a line that there is not."""
        return bool(self.delay and not self.near)

    def port(self, port):
        """The port under which the client reaches it."""
        if not self.stands_in:
            return port
        self.relay = subprocess.Popen([f"{peers.BIN}/relay", str(self.delay / 2), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)
        return int(self.relay.stdout.readline())

    def leave(self):
        for process in (self.relay, self.process):
            if process:
                process.stdin.close()
                process.wait()
        self.relay = self.process = None


def pinned(case, client):
    """Client and server of a case on the processors that are theirs."""
    ours = sorted(os.sched_getaffinity(0))
    if case.processors == "all" or len(ours) == 1:
        return []
    which = ours[0] if client or case.processors == "one" else ours[1]
    return ["taskset", "-c", str(which)]


class Server:
    def __init__(self, case, place):
        self.process = subprocess.Popen(
            [*place.far, *pinned(case, False), peers.PYTHON, "-B", f"{peers.HERE}/serve.py", case.server, place.bind],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = place.port(self.read()["tls" if "tls" in case.words else "plain"])
        self.before = self.ask({})

    def read(self):
        said = self.process.stdout.readline()
        if not said:
            raise Failed("the server has ended")
        return json.loads(said)

    def ask(self, least):
        self.process.stdin.write(json.dumps(least) + "\n")
        self.process.stdin.flush()
        return self.read()

    def arrived(self, what, n):
        """Since it was asked last, when n of what should have; None if it does not count."""
        before, self.before = self.before, self.ask({what: self.before[what] + n} if self.before else {})
        return self.before and {name: n - before[name] for name, n in self.before.items()}

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def check(case, mails, arrived):
    """That what the peer says it sent has come, and as it should."""
    if arrived is None:
        return
    if "noop" in case.words:
        if arrived["connections"] != mails:
            raise Failed(f"{arrived['connections']} connections arrived, not {mails}")
        return
    want = mails * case.recipients
    if arrived["mails"] != mails or arrived["recipients"] != want:
        raise Failed(f"{arrived['mails']} mails to {arrived['recipients']} recipients arrived, not {mails} to {want}")
    if arrived.get("faults"):
        raise Failed(f"{arrived['faults']} faults against the protocol")
    least = os.path.getsize(os.environ["BENCH_FILE"]) if "file" in case.words else case.size * 0.9
    if arrived["octets"] < mails * least:
        raise Failed(f"{arrived['octets']} octets arrived")


def turn(case, peer, place, server, mails):
    """Seconds, seconds of the processor, KB at most."""
    argv = [*place.near, *pinned(case, True), *peer.argv(case, mails, place.address, server.port)]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        said, wrong = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        said, wrong = "", "no end"
    arrived = server.arrived("connections" if "noop" in case.words else "mails", mails)
    if process.returncode != 0:
        raise Failed(wrong.strip().splitlines()[-1][:200] if wrong.strip() else f"exit {process.returncode}")
    check(case, mails, arrived)
    seconds, used, peak = map(float, said.split())
    return {"seconds": seconds, "cpu": used, "peak_kb": peak, "arrived": arrived}


def how_many(case, peer, place, server, seconds):
    """Mails that take this peer that long; found out by sending some, which also warms up what can be warmed."""
    if case.mails is not None:
        return case.mails
    mails = 2 * case.connections
    for _ in range(5):
        took = max(turn(case, peer, place, server, mails)["seconds"], 1e-6)
        if took > 0.7 * seconds:
            break
        mails = min(mails * 50, math.ceil(mails * seconds / took))
    return mails


def run_case(case, everybody, seconds, rounds):
    """{peer: {mails, turns}} or {peer: {failed}}, all peers in turn in each round."""
    place, server, results = Place(case.delay), None, {}
    try:
        server = Server(case, place)
        for number in range(rounds):
            for peer in everybody:
                result = results.setdefault(peer.name, {"turns": []})
                if "failed" in result or any(t["seconds"] > LONG for t in result["turns"]):
                    continue
                try:
                    if number == 0:
                        result["mails"] = how_many(case, peer, place, server, seconds)
                    result["turns"].append(turn(case, peer, place, server, result["mails"]))
                except Failed as failed:
                    result["failed"] = str(failed)
    finally:
        if server:
            server.stop()
        place.leave()
    return results, place.stands_in


def prepare():
    """What the programs are given: a file, and a certificate that is its own authority."""
    os.makedirs(FOLDER, exist_ok=True)
    names = {"BENCH_FILE": "send.bin", "BENCH_CA": "cert.pem", "BENCH_KEY": "key.pem"}
    os.environ.update({name: os.path.join(FOLDER, file) for name, file in names.items()})
    if not os.path.exists(os.environ["BENCH_CA"]):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                        "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1,IP:10.99.0.2,DNS:localhost",
                        "-keyout", os.environ["BENCH_KEY"], "-out", os.environ["BENCH_CA"]], check=True, stderr=subprocess.DEVNULL)


def write_file(megabytes):
    octets = os.urandom(1 << 20)
    with open(os.environ["BENCH_FILE"], "wb") as file:
        for _ in range(megabytes):
            file.write(octets)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        processor = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="utf-8") as file:
        congestion = file.read().strip()
    return {"processor": processor, "processors": len(os.sched_getaffinity(0)), "system": f"{platform.system()} {platform.release()}",
            "congestion": congestion, "load": os.getloadavg()[0], "date": time.strftime("%Y-%m-%d")}


def chosen(words, name):
    return words is None or any(name.startswith(word) for word in words.split(","))


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--peers")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", 3)))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("BENCH_SECONDS", 0.5)))
    parser.add_argument("--priority", type=int, default=int(os.environ.get("BENCH_PRIORITY", 0)))
    return parser.parse_args()


def hurry(priority):
    """Clients, servers and the line are started from here, and so go before what others do. Round robin, not first come first served: a
    client that waits for nothing must leave its server a turn."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except (OSError, ValueError) as error:
        sys.exit(f"no real-time priority {priority}: {error}")


def main():
    given = arguments()
    if given.priority:
        hurry(given.priority)
    os.chdir(peers.ROOT)
    prepare()
    write_file(5 if given.quick else MEGABYTES)
    rounds = 1 if given.quick else given.rounds
    everybody = [p for p in peers.all_peers(os.environ.get("BENCH_LUA", "lua5.4")) if p.ours or chosen(given.peers, p.name)]
    run = {"machine": machine(), "rounds": rounds, "seconds": given.seconds, "quick": given.quick, "cases": [], "priority": given.priority,
           "complete": not given.quick and not given.only and not given.peers,
           "peers": {p.name: p.version or p.missing for p in everybody}, "left_out": [p.name for p in everybody if p.missing]}
    print(report.heading(run), flush=True)
    for case in filter(lambda c: chosen(given.only, c.name), cases.all_cases()):
        case = cases.short(case) if given.quick else case
        takers = [p for p in everybody if not p.missing and p.takes(case)]
        try:
            results, relayed = run_case(case, takers, given.seconds, rounds)
        except (Failed, BrokenPipeError) as failed:
            results, relayed = {p.name: {"turns": [], "failed": str(failed)} for p in takers}, False
        run["cases"].append({**vars(case), "relayed": relayed, "results": results, "file_size": os.path.getsize(os.environ["BENCH_FILE"])})
        print(report.table(run["cases"][-1]), flush=True)
    print(report.outcome(run), flush=True)
    report.write(run, FOLDER, run["complete"])
    failed = [(c["name"], peer, r["failed"]) for c in run["cases"] for peer, r in c["results"].items() if "failed" in r]
    for failure in failed:
        print("failed: %s: %s: %s" % failure, file=sys.stderr)
    return 1 if any(peer.startswith("netmail") for _, peer, _ in failed) else 0


if __name__ == "__main__":
    sys.exit(main())
