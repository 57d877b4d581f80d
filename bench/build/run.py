"""Building messages: netmail from C and from Lua beside GMime, PHPMailer, Nodemailer and Python's email, in one run.

Every program is called PROGRAM JOB SECONDS FOLDER, builds messages of the job for as long as that takes of the processor, counts their
octets and drops them, and prints: messages, octets, seconds of the processor, KB by which its memory grew at most. All in turn, on one
processor, several rounds, the best of each: what else the machine does hits each alike. Jobs:
  mail   From, To and Subject in Cyrillic, 2 KB of Cyrillic text
  parts  the same with an HTML page and three attachments of 1 MB that are in memory
  large  the text with a file of 100 MB, never held as a whole by those that can do without
Then netmail from Lua beside itself: many mails, and many newsletters (a text, a page of 18 KB, a picture of 32 KB), each made anew or
from a template. BENCH_SECONDS a turn, BENCH_ROUNDS. What is not installed is left out, with a word.
"""
import os
import platform
import random
import shutil
import subprocess
import sys
import time

SECONDS = float(os.environ.get("BENCH_SECONDS", 1))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 3))
FOLDER = "build/bench"
BIN = "build/plain/bench/build"
NODEMAILER = os.path.abspath(f"{FOLDER}/node_modules/nodemailer")
PHPMAILERS = ["/usr/share/php/libphp-phpmailer/src", "/usr/share/php/libphp-phpmailer"]
JOBS = ["mail", "parts", "large"]
# Of netmail from C, but for the mail, which is from Lua: what the project set out for.
AIMS = [
    ("mail", "netmail, Lua", "GMime", 18), ("mail", "netmail, Lua", "Nodemailer", 250),
    ("parts", "netmail, C", "GMime", 8), ("large", "netmail, C", "GMime", 6),
]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write_inputs():
    line = "Съешь ещё этих мягких французских булок, да выпей чаю.\n"
    octets = random.Random(1).randbytes(1 << 20)
    inputs = {"text.txt": (line * 21).encode(), "octets.bin": octets, "large.bin": octets * 100,
              "page.html": ("<!doctype html><p>" + line * 21 + "</p>\n").encode()}
    for name, data in inputs.items():
        with open(f"{FOLDER}/{name}", "wb") as file:
            file.write(data)


def phpmailer():
    return next((p for p in PHPMAILERS if os.path.exists(f"{p}/PHPMailer.php")), None)


def peers():
    """Name, command, version; or name, None, why it is left out."""
    lua = os.environ["BENCH_LUA"]
    yield "netmail, C", [f"{BIN}/netmail"], ""
    yield "netmail, Lua", ["spec/support/lua.sh", lua, "bench/build/netmail.lua"], output(lua, "-v").split("  ")[0]
    if os.path.exists(f"{BIN}/gmime"):
        yield "GMime", [f"{BIN}/gmime"], output("pkg-config", "--modversion", "gmime-3.0")
    else:
        yield "GMime", None, "libgmime-3.0-dev is not installed"
    if shutil.which("php") and phpmailer():
        with open(f"{phpmailer()}/PHPMailer.php", encoding="utf-8") as file:
            version = file.read().split("const VERSION = '")[1].split("'")[0]
        yield "PHPMailer", ["php", "bench/build/phpmailer.php"], f"{version}, {output('php', '-v').splitlines()[0][:10]}"
    else:
        yield "PHPMailer", None, "php-cli and libphp-phpmailer are not installed"
    if shutil.which("node") and os.path.exists(NODEMAILER):
        version = output("node", "-p", f"require('{NODEMAILER}/package.json').version")
        yield "Nodemailer", ["node", "bench/build/nodemailer.js"], f"{version}, Node {output('node', '-v')}"
    else:
        yield "Nodemailer", None, "npm could not install it"
    yield "Python email", ["/usr/bin/python3", "bench/build/python_email.py"], output("/usr/bin/python3", "-V")


def measure(found):
    """{(name, job): (messages a second, MB a second, KB of growth)}, the best of the rounds."""
    best = {}
    for _ in range(ROUNDS):
        for name, command, _version in found:
            for job in JOBS:
                count, octets, seconds, grown = map(float, output(*command, job, str(SECONDS), FOLDER).split())
                rate, volume, least = best.get((name, job), (0, 0, float("inf")))
                best[name, job] = (max(rate, count / seconds), max(volume, octets / seconds / 1e6), min(least, grown))
    return best


def show(found, best):
    reference = best["netmail, Lua", "mail"][0]
    print(f"\n{'':<14}{'mail':>12}{'Lua is':>9}{'parts':>12}{'C is':>9}{'large':>12}{'C is':>9}{'grows by':>12}")
    for name, _command, _version in found:
        mail, parts, large = (best[name, job] for job in JOBS)
        ours = [best["netmail, C", job][1] for job in JOBS]
        print(f"{name:<14}{mail[0]:>10.0f}/s{reference / mail[0]:>8.1f}x"
              f"{parts[1]:>7.0f} MB/s{ours[1] / parts[1]:>8.1f}x{large[1]:>7.0f} MB/s{ours[2] / large[1]:>8.1f}x{large[2]:>9.0f} KB")


def show_aims(best, base64, lua_ms):
    def line(what, got, aim, least=True):
        met = got >= aim if least else got <= aim
        print(f"  {what:<62}{got:>9.2f}   {'at least' if least else 'at most'} {aim:<6} {'met' if met else 'MISSED'}")
    print("\naims:")
    for job, ours, peer, aim in AIMS:
        if (peer, job) in best:
            which = 0 if job == "mail" else 1
            line(f"{job}: {ours}, as a multiple of {peer}", best[ours, job][which] / best[peer, job][which], aim)
    line("large: MB by which netmail's memory grows (C)", best["netmail, C", "large"][2] / 1024, 2, False)
    openssl = base64["OpenSSL"][0]
    for kernel, aim in (("AVX2", 5), ("portable", 1.4)):
        rate = next((r for n, r in base64.items() if kernel.lower() in n.lower()), None)
        if rate:
            line(f"base64 lines in the cache, {kernel}, as a multiple of OpenSSL", rate[0] / openssl, aim)
    line("require \"netmail\": ms over bare Lua", lua_ms, 0.6, False)


def show_base64():
    rates = {}
    for text in output(f"{BIN}/base64", str(SECONDS / 10)).splitlines():
        name, piece, stream = text.split("\t")
        rates[name] = (float(piece), float(stream))
    print("\nbase64 lines, GB of input a second: in the cache, 100 MB")
    for name, (piece, stream) in rates.items():
        print(f"  {name:<22}{piece:>8.2f} {stream:>8.2f}   {piece / rates['OpenSSL'][0]:>5.1f}x {stream / rates['OpenSSL'][1]:>5.1f}x OpenSSL")
    return rates


def show_templates():
    lua = ["spec/support/lua.sh", os.environ["BENCH_LUA"], "bench/build/netmail.lua"]
    print("\nmany for many people, microseconds of the processor each (KB by which memory grew): made anew, from a template")
    for job in ("mail", "letter"):
        best = []
        for kind in (job, "personal_" + job):
            rounds = [list(map(float, output(*lua, kind, str(SECONDS), FOLDER).split())) for _ in range(ROUNDS)]
            best.append(min((seconds / count * 1e6, grown) for count, _octets, seconds, grown in rounds))
        (anew, grown), (personal, grown_personal) = best
        print(f"  {job:<10}{anew:>9.1f} ({grown:.0f}){personal:>9.1f} ({grown_personal:.0f}){anew / personal:>8.1f}x")


def show_require():
    """Least milliseconds of a process, by the wall: the mean is the machine's noise."""
    lua = ["spec/support/lua.sh", os.environ["BENCH_LUA"], "-e"]
    jobs = {"bare": "", "require": "require 'netmail'"}
    least = dict.fromkeys(jobs, float("inf"))
    for _ in range(int(100 * SECONDS) + 20):
        for name, code in jobs.items():
            begin = time.perf_counter()
            subprocess.run([*lua, code], check=True)
            least[name] = min(least[name], 1000 * (time.perf_counter() - begin))
    over = least["require"] - least["bare"]
    print(f"\nrequire \"netmail\": {over:.2f} ms over bare Lua ({least['bare']:.2f} ms with the shell that starts it)")
    return over


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())


def main():
    os.makedirs(FOLDER, exist_ok=True)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ["NODEMAILER"] = NODEMAILER
    os.environ["PHPMAILER"] = phpmailer() or ""
    write_inputs()
    print(f"{processor()}, {os.cpu_count()} processors, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}; "
          f"one processor, best of {ROUNDS} rounds of {SECONDS:g} s")
    found = list(peers())
    for name, command, version in found:
        print(f"  {name:<14}{version if command else 'left out: ' + version}")
    found = [peer for peer in found if peer[1]]
    best = measure(found)
    show(found, best)
    show_templates()
    show_aims(best, show_base64(), show_require())


if __name__ == "__main__":
    sys.exit(main())
