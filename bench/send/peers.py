"""Who takes part, and how each is called. One that is not installed has no command, but a reason."""
import dataclasses
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = "bench/send"
BIN = "build/plain/bench/send"
PYTHON = "/usr/bin/python3"
UNPACKED = os.path.join(ROOT, "build/servers/root")
PHPMAILERS = ("/usr/share/php/libphp-phpmailer/src", "/usr/share/php/libphp-phpmailer")
NODEMAILER = os.path.join(ROOT, "build/bench/node_modules/nodemailer")
NGINX = os.path.join(ROOT, "build/bench/nginx")
WAYS = {"many": "SendMany", "results": "SendMany, with a function that is told of each result", "wide": "SendMany with Window = 32",
        "template": "SendMany, mails of a template", "async": "SendAsync, tasks that are all open at once"}
SMTP_SOURCE = os.path.join(UNPACKED, "usr/sbin/smtp-source")


@dataclasses.dataclass(frozen=True)
class Peer:
    """can: many (connections), tls, file. words: those of netmail.lua that make it another way to send."""
    name: str
    command: tuple = ()
    version: str = ""
    missing: str = ""
    can: tuple = ()
    words: tuple = ()

    @property
    def ours(self):
        return self.name.startswith("netmail")

    def takes(self, case):
        if case.peers is not None and self.name.split(",")[0] not in case.peers:
            return False
        if "raw" in self.words and not (case.size >= 1 << 20 and "file" not in case.words):
            return False
        # Nobody sends one mail in a way that is for many, and a task is for who does something else meanwhile.
        if self.ours and "many" in self.can and case.mails == 1 or "async" in self.words and case.connections == 1:
            return False
        # On loopback no window is too narrow.
        if "wide" in self.words and not case.delay:
            return False
        needs = set(case.words) - {"new", "fresh", "client"} | ({"many"} if case.connections > 1 else set())
        return needs <= set(self.can)

    def argv(self, case, mails, host, port):
        numbers = (host, port, mails, case.size, case.recipients, case.connections)
        return [*self.command, *map(str, numbers), *case.words, *self.words]


def output(*command, **options):
    """What it prints, or None if it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True, **options)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def first_line(*command):
    said = output(*command)
    return said.splitlines()[0] if said else None


def optional(name, missing, reason, command=(), version="", **fields):
    if missing:
        return Peer(name, missing=reason, **fields)
    return Peer(name, tuple(command), version or "", **fields)


def lua_curl(lua):
    command = ("spec/support/lua.sh", lua, f"{HERE}/lua_curl.lua")
    version = output("spec/support/lua.sh", lua, "-e", """
      local folder = os.getenv "LUA_CURL"
      if folder then package.path, package.cpath = folder .. "/?.lua;" .. package.path, folder .. "/?.so;" .. package.cpath end
      print(require "cURL"._VERSION or "") require "socket" """)
    return optional("Lua-cURL", version is None, "no module cURL for this Lua (Debian has none); LUA_CURL names its folder", command, version,
                    can=("tls",))


def luasocket(lua):
    version = output("spec/support/lua.sh", lua, "-e", "print(require 'socket'._VERSION)")
    return optional("LuaSocket", version is None, "lua-socket is not installed", ("spec/support/lua.sh", lua, f"{HERE}/luasocket.lua"),
                    version, can=("file",))


def version_of(module):
    """That a file in Lua gives itself."""
    with open(module, encoding="utf-8") as file:
        found = re.search(r'_VERSION = "([^"]+)"', file.read())
    return found.group(1) if found else ""


def resty_mail():
    module = os.path.join(os.environ.get("RESTY_MAIL", ""), "resty/mail.lua")
    nginx = os.environ.setdefault("NGINX_ROOT", NGINX if os.path.exists(NGINX) else "")
    there = os.path.exists(module) and os.path.exists(f"{nginx}/usr/lib/nginx/modules/ngx_http_lua_module.so")
    return optional("lua-resty-mail", not there, "in no registry that is asked; RESTY_MAIL names the folder with resty/mail.lua",
                    (f"{HERE}/resty_mail.sh",), version_of(module) if there else "", can=("many", "tls", "file"))


def phpmailer():
    folder = next((p for p in PHPMAILERS if os.path.exists(f"{p}/PHPMailer.php")), None)
    if not folder or not shutil.which("php"):
        return Peer("PHPMailer", missing="php-cli and libphp-phpmailer are not installed")
    os.environ["PHPMAILER"] = folder
    with open(f"{folder}/PHPMailer.php", encoding="utf-8") as file:
        version = file.read().split("const VERSION = '")[1].split("'")[0]
    return Peer("PHPMailer", ("php", f"{HERE}/phpmailer.php"), f"{version}, {first_line('php', '-v').split(' (')[0]}", can=("tls", "file"))


def nodemailer():
    os.environ["NODEMAILER"] = NODEMAILER
    if not shutil.which("node") or not os.path.exists(NODEMAILER):
        return Peer("Nodemailer", missing="npm could not install it")
    version = output("node", "-p", f"require('{NODEMAILER}/package.json').version")
    return Peer("Nodemailer", ("node", f"{HERE}/nodemailer.js"), f"{version}, Node {output('node', '-v')}", can=("many", "tls", "file"))


def net_smtp():
    version = output("perl", "-MNet::SMTP", "-e", "print $Net::SMTP::VERSION")
    tls = ("tls",) if output("perl", "-MIO::Socket::SSL", "-e", "print 1") else ()
    return optional("Net::SMTP", version is None, "perl is not installed", ("perl", f"{HERE}/net_smtp.pl"), version, can=tls)


def netmail(lua):
    command = ("spec/support/lua.sh", lua, f"{HERE}/netmail.lua")
    ways = (output(*command, "ways") or "").split()
    if "send" not in ways:
        sys.exit("netmail does not load: " + subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stderr)
    version = output("git", "describe", "--always", "--dirty") or ""
    yield Peer("netmail", command, f"Send; {version}, {first_line(lua, '-v').split('  ')[0]}", can=("tls", "file", "noop"))
    for way in sorted(set(ways) - {"send"}):
        yield Peer(f"netmail, {way}", command, WAYS[way], can=("many", "tls", "tasks") if way == "async" else ("many", "tls"), words=(way,))
    yield Peer("netmail, raw", command, "Send, messages that exist already, as the peers have them", can=("tls",), words=("raw",))
    yield Peer("netmail, many raw", command, "SendMany, messages that exist already", can=("many", "tls"), words=("many", "raw"))


def all_peers(lua):
    os.environ["BENCH_BIN"] = os.path.join(ROOT, BIN)
    os.environ["SMTP_SOURCE"] = SMTP_SOURCE
    curl = first_line("pkg-config", "--modversion", "libcurl")
    postfix = output(f"{UNPACKED}/usr/sbin/postconf", "-dh", "mail_version", env={"LD_LIBRARY_PATH": f"{UNPACKED}/usr/lib/postfix"})
    yield from netmail(lua)
    yield Peer("libcurl easy", (f"{BIN}/curl_easy",), curl, can=("tls", "file", "noop"))
    yield Peer("libcurl multi", (f"{BIN}/curl_multi",), curl, can=("many", "tls"))
    yield lua_curl(lua)
    yield Peer("smtplib", (PYTHON, "-B", f"{HERE}/smtplib_send.py"), output(PYTHON, "-V"), can=("many", "tls", "file", "noop"))
    yield nodemailer()
    yield luasocket(lua)
    yield resty_mail()
    yield optional("smtp-source", not os.path.exists(SMTP_SOURCE), "make deps unpacks it", (f"{HERE}/smtp_source.sh",), postfix, can=("many",))
    yield optional("msmtp", not shutil.which("msmtp"), "not installed", (f"{HERE}/msmtp.sh",), first_line("msmtp", "--version"), can=("tls",))
    yield phpmailer()
    yield net_smtp()
