"""Dovecot on loopback, unpacked. As a server of its own, ports:
  submission  STARTTLS offered, AUTH with it and without it (the specs say what may go in clear)
  tls         implicit TLS, AUTH offered; a certificate that `ca` has signed logs in by EXTERNAL
  lmtp        no TLS, no AUTH
What is submitted goes on to the recorder (recorder.py), whose files are in the folder `mail`. What comes by LMTP goes to one Maildir,
`lmtp`; MAILBOXES says for whom. Options:
  kdc  a folder of krb5.py's (its `keytab` and krb5.conf): GSSAPI is offered
And for other servers only its SASL service (sasl()).
"""
import os
import pwd
import re
import shutil
import signal

import recorder
import tokens
from keep import Keeper
from room import UNPACKED, unpacked

# What the specs log in with.
LONG = "0123456789abcdef" * 12 + "12345678"  # 200 octets
USERS = {
    "user@example.test": "secret",
    "user": "secret",
    "пользователь@example.test": "пароль ss\"\\wörd",
    "long@example.test": LONG,
    "a,b=c@example.test": "x=y,z",
}

# Who has a mailbox, and how many kilobytes may lie in it.
MAILBOXES = {"b@example.test": 1000000, "c@example.test": 1000000, "full@example.test": 1, "получатель@example.test": 1000000}

MECHANISMS = "plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer"

COMMON = """
base_dir = {dir}/base
state_dir = {dir}/state
log_path = {dir}/log
libexec_dir = {code}
login_plugin_dir = {code}
mail_plugin_dir = {code}/modules
instance_name = netmail-spec
listen = 127.0.0.1
disable_plaintext_auth = no
auth_verbose = yes
auth_failure_delay = 0
auth_username_chars =
auth_username_format = %u
# Connections of the spec before may take their time to go.
mail_max_userip_connections = 1000
default_internal_user = mail
default_internal_group = mail
default_login_user = uucp
import_environment = LD_LIBRARY_PATH={code}/modules/old-stats:{code}{environment}
# This one lets nobody in; what it says of all that follow is that a refusal need not wait for half a second.
passdb {{
  driver = static
  args = nopassword=y noauthenticate=y nodelay=y
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {dir}/oauth2
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256
  args = scheme=PLAIN username_format=%u {dir}/users
}}
passdb {{
  driver = static
  mechanisms = external gssapi
  args = nopassword
}}
# Nobody is made to wait for the wrong passwords of the specs.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

SASL = """
protocols =
ssl = no
auth_mechanisms = {mechanisms}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={dir}
}}
service auth {{
  unix_listener {dir}/auth {{
    mode = 0666
  }}
}}
"""

SERVER = """
protocols = submission lmtp
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
ssl_ca = <{ca}
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_username_from_cert = yes
ssl_cert_username_field = commonName
auth_mechanisms = {mechanisms} external
hostname = mail.example.test
first_valid_uid = 1
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_max_mail_size = 10M
mail_location = maildir:{dir}/lmtp
mail_plugins = quota
plugin {{
  quota = maildir:mailbox
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {dir}/mailboxes
}}
protocol submission {{
  userdb {{
    driver = static
    args = uid=65534 gid=65534 home={dir}/submitted
  }}
}}
service submission-login {{
  inet_listener submission {{
    address = 127.0.0.1
    port = {submission}
  }}
  inet_listener submissions {{
    address = 127.0.0.1
    port = {tls}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""

GSSAPI = """
auth_krb5_keytab = {kdc}/keytab
auth_gssapi_hostname = "$ALL"
"""


def move(room, code):
    """Dovecot looks for its modules (TLS and GSSAPI among them) in /usr/lib and nowhere else: the copy is told of the copy."""
    modules = room.short_name(os.path.join(code, "modules")).encode()
    place = re.compile(rb"/usr/lib/dovecot/modules([^\0]*)\0")
    for name in os.listdir(code):
        path = os.path.join(code, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as f:
            old = f.read()
        new = place.sub(lambda m: (modules + m[1]).ljust(len(m[0]), b"\0"), old)
        if new != old:
            with open(path, "wb") as f:
                f.write(new)


def prepare(room):
    """The folder of a Dovecot with its programs and users, and the words that a configuration is made of."""
    home = room.folder("dovecot")
    # A copy: its processes drop root before they are run, and the checkout may lie where only root may look.
    code = os.path.join(home, "code")
    unpacked("usr/lib/dovecot/auth")
    shutil.copytree(os.path.join(UNPACKED, "usr/lib/dovecot"), code, symlinks=True)
    move(room, code)
    users = room.write("dovecot/users", "".join("%s:{PLAIN}%s\n" % u for u in USERS.items()))
    os.chown(users, pwd.getpwnam("mail").pw_uid, -1)
    os.chmod(users, 0o400)
    room.write("dovecot/oauth2", "tokeninfo_url = %s\nusername_attribute = email\n" % tokens.listen())
    words = {"dir": home, "code": code, "mechanisms": MECHANISMS, "environment": ""}
    kdc = room.options.get("kdc")
    if kdc:
        words.update(kdc=kdc, mechanisms=MECHANISMS + " gssapi",
                     environment=" KRB5_CONFIG=%s KRB5RCACHENAME=none:" % os.path.join(kdc, "krb5.conf"))
    return home, words


def run(room, home, conf, words):
    conf = (COMMON + conf + (GSSAPI if "kdc" in words else "")).format(**words)
    conf = room.write("dovecot/dovecot.conf", conf)
    # dovecot would read its configuration through /usr/bin/doveconf; here doveconf runs dovecot. SIGKILL: it has nothing to
    # save, and takes a second to end politely.
    return room.spawn([unpacked("usr/bin/doveconf"), "-c", conf, "-m", "master",
                       "-e", unpacked("usr/sbin/dovecot"), "-F", "-c", conf], ending=signal.SIGKILL)


def sasl(room):
    """Only the service by which Postfix and Exim ask whether a login is right: the path of its socket."""
    home, words = prepare(room)
    process = run(room, home, SASL, words)
    socket = os.path.join(home, "auth")
    room.wait_until(lambda: os.path.exists(socket), process, 60, "Dovecot's auth socket does not appear")
    return socket


def start(room):
    home, words = prepare(room)
    keeper = Keeper(room.folder("mail"))
    cert, key = room.cert(room.options.get("cert", "good"))
    ports = {name: room.port() for name in ("submission", "tls", "lmtp")}
    nobody = 65534
    room.folder("dovecot/submitted", nobody, nobody)
    room.folder("dovecot/lmtp", nobody, nobody)
    room.write("dovecot/mailboxes", "".join(
        "%s::%d:%d::%s::userdb_quota_rule=*:storage=%dk\n" % (name, nobody, nobody, os.path.join(home, "lmtp"), size)
        for name, size in MAILBOXES.items()))
    words.update(ports, cert=cert, key=key, ca=room.cert("ca")[0], relay=recorder.listen(room, keeper))
    process = run(room, home, SERVER, words)
    for port in ports.values():
        room.wait_for_port(port, process)
    return {"port": ports, "mail": keeper.folder, "lmtp": os.path.join(home, "lmtp/new"), "log": os.path.join(home, "log")}
