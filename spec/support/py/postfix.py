"""Postfix on loopback, unpacked, beside any mail server that may be installed. Ports:
  plain       STARTTLS offered, no AUTH
  submission  AUTH only after STARTTLS, and required
  insecure    AUTH required, and offered without TLS too
  tls         implicit TLS, AUTH offered
  small       as plain, with messages of 10000 octets and 5 recipients at most
Mail for any recipient goes to one Maildir; for @discard.test nowhere; for @record.test and @refused.test to the recorder
(recorder.py), whose files are in `recorded`; some addresses are refused (REFUSED). Option kdc: as dovecot.py has it.
"""
import grp
import os
import pwd

import dovecot
import recorder
from keep import Keeper
from room import unpacked

REFUSED = """
unknown@example.test 550 5.1.1 no such user
tempfail@example.test 450 4.2.0 try later
full@example.test 552 5.2.2 mailbox full
"""

MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
daemon_directory = {lib}/sbin
command_directory = {sbin}
shlib_directory = {lib}
meta_directory = {dir}/etc
import_environment = MAIL_CONFIG LD_LIBRARY_PATH
mail_owner = mail
setgid_group = uucp
default_privs = nobody
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_transport = error:none
virtual_mailbox_domains = regexp:{{{{/./ ok}}}}
virtual_mailbox_maps = regexp:{{{{/./ inbox/}}}}
virtual_mailbox_base = {dir}/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 52428800
transport_maps = inline:{{ {{discard.test = discard:}}, {{record.test = {recorder}}}, {{refused.test = {recorder}}} }}
append_dot_mydomain = no
recipient_delimiter = +
smtputf8_enable = yes
smtputf8_autodetect_classes = all
smtp_connection_cache_on_demand = no
smtpd_banner = $myhostname ESMTP Postfix
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_CAfile = {ca}
smtpd_tls_security_level = may
smtpd_tls_ask_ccert = yes
smtpd_tls_received_header = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth}
smtpd_sasl_auth_enable = no
smtpd_sasl_authenticated_header = yes
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{dir}/etc/refused
smtpd_sender_restrictions = check_sender_access inline:{{{{badsender@example.test = 550 5.7.1 sender refused}}}}
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_forbid_bare_newline = yes
smtpd_forbid_bare_newline_exclusions =
"""

MASTER = """
127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_auth_only=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{insecure} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{tls} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
127.0.0.1:{small} inet n - n - - smtpd
  -o message_size_limit=10000
  -o smtpd_recipient_limit=5
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

PORTS = ("plain", "submission", "insecure", "tls", "small")


def make_queue(room, owner):
    """What `postfix start` makes from its package's list of files."""
    room.folder("queue")
    for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"):
        room.folder("queue/" + name, owner.pw_uid, mode=0o700)
    group = grp.getgrnam("uucp").gr_gid
    room.folder("queue/maildrop", owner.pw_uid, group, 0o730)
    room.folder("queue/public", owner.pw_uid, group, 0o710)
    room.folder("queue/pid")


def start(room):
    owner = pwd.getpwnam("mail")
    auth = dovecot.sasl(room)
    make_queue(room, owner)
    room.folder("data", owner.pw_uid, owner.pw_gid, 0o700)
    room.folder("mail", 65534, 65534)
    room.folder("etc")
    keeper = Keeper(room.folder("recorded"))
    cert, key = room.cert(room.options.get("cert", "good"))
    ports = {name: room.port() for name in PORTS}
    room.write("etc/refused", REFUSED.lstrip())
    room.write("etc/dynamicmaps.cf", "")
    room.write("etc/main.cf", MAIN.format(
        dir=room.dir, lib=os.path.dirname(os.path.dirname(unpacked("usr/lib/postfix/sbin/master"))),
        sbin=os.path.dirname(unpacked("usr/sbin/postconf")), cert=cert, key=key, ca=room.cert("ca")[0], auth=auth,
        recorder="smtp:[127.0.0.1]:%d" % recorder.listen(room, keeper)))
    room.write("etc/master.cf", MASTER.format(**ports))
    process = room.spawn([unpacked("usr/lib/postfix/sbin/master"), "-c", room.path("etc"), "-d"],
                         MAIL_CONFIG=room.path("etc"))
    for port in ports.values():
        room.wait_for_port(port, process)
    return {"port": ports, "mail": room.path("mail/inbox/new"), "recorded": keeper.folder, "log": room.path("log")}
