"""Exim on loopback, unpacked. Ports:
  plain  STARTTLS offered, AUTH with it and without it, needed by nobody
  tls    implicit TLS; AUTH offered, and EXTERNAL to a certificate that `ca` has signed
Its own authenticators are PLAIN, LOGIN, CRAM-MD5, NTLM and EXTERNAL; the others ask Dovecot. In its log they are A=cram_md5:user.
Mail for any recipient goes to one Maildir, `mail`, with the recipient in Envelope-To; for @record.test and @refused.test to the recorder, whose files are in `recorded`; some
addresses are refused (postfix.REFUSED). A message has 20 recipients at most.
"""
import os
import pwd
import shutil

import dovecot
import postfix
import recorder
from keep import Keeper
from room import LIBRARIES, unpacked

CONF = """
print_topbitchars = true
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
exim_path = {dir}/exim4
spool_directory = {dir}/spool
log_file_path = {dir}/%slog
pid_file_path = {dir}/spool/exim.pid
primary_hostname = mail.example.test
smtp_banner = "\\$smtp_active_hostname ESMTP Exim"
local_interfaces = 127.0.0.1
daemon_smtp_ports = {plain} : {tls}
tls_on_connect_ports = {tls}
tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {key}
tls_verify_certificates = {ca}
tls_try_verify_hosts = *
chunking_advertise_hosts = *
pipelining_connect_advertise_hosts =
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
allow_utf8_domains = true
accept_8bitmime = true
message_size_limit = 10M
recipients_max = 20
smtp_enforce_sync = true
smtp_accept_max = 0
queue_only = false
deliver_drop_privilege = true
never_users =
rfc1413_query_timeout = 0s
host_lookup =
helo_lookup_domains =
log_selector = +received_recipients +8bitmime +smtp_protocol_error +smtp_syntax_error +tls_peerdn +pipelining
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
acl_smtp_vrfy = accept
begin acl
acl_mail:
  deny senders = badsender@example.test
       message = 5.7.1 sender refused
  accept
acl_rcpt:
{refused}
  accept
begin routers
refer:
  driver = manualroute
  domains = record.test : refused.test
  route_list = * 127.0.0.1
  self = send
  transport = recorder
all:
  driver = accept
  transport = box
begin transports
recorder:
  driver = smtp
  port = {recorder}
  allow_localhost
  hosts_try_auth =
  hosts_avoid_tls = *
box:
  driver = appendfile
  directory = {dir}/mail
  maildir_format
  user = Debian-exim
  delivery_date_add
  envelope_to_add
  return_path_add
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = {check_plain}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = "Username:: : Password::"
  server_condition = {check_login}
  server_set_id = $auth1
cram_md5:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = {secret}
  server_set_id = $auth1
ntlm:
  driver = spa
  public_name = NTLM
  server_password = {secret}
  server_set_id = $auth1
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = ${{certextract {{subject,CN}}{{$tls_in_peercert}}}}
  server_condition = ${{if eq{{$auth1}}{{$auth2}}}}
  server_set_id = $auth1
"""

BY_DOVECOT = ("SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "XOAUTH2", "OAUTHBEARER")

DOVECOT = """
{driver}:
  driver = dovecot
  public_name = {name}
  server_socket = {socket}
  server_set_id = $auth1
"""


def accounts(room, user):
    """Debian's Exim asks for the user Debian-exim, who is there only where it is installed: another name of `user`, which nobody
    but these processes sees."""
    line = "{0}:x:{1}:{2}::{3}:/bin/sh\n"
    passwd = line.format("root", 0, 0, "/root") + line.format("Debian-exim", user.pw_uid, user.pw_gid, room.dir)
    return {
        "LD_PRELOAD": os.path.join(LIBRARIES, "libnss_wrapper.so"),
        "NSS_WRAPPER_PASSWD": room.write("passwd", passwd),
        "NSS_WRAPPER_GROUP": room.write("group", "root:x:0:\nDebian-exim:x:%d:\n" % user.pw_gid),
    }


def refusals():
    lines = (line.split(" ", 1) for line in postfix.REFUSED.strip().splitlines())
    return "\n".join("  %s recipients = %s\n       message = %s" % ("defer" if text.startswith("4") else "deny", address, text)
                     for address, text in lines)


def start(room):
    user = pwd.getpwnam("mail")
    socket = dovecot.sasl(room)
    keeper = Keeper(room.folder("recorded"))
    home = room.folder("exim", user.pw_uid, user.pw_gid)
    for name in ("spool", "mail"):
        room.folder("exim/" + name, user.pw_uid, user.pw_gid)
    # A copy that does not become root when it is run: as it delivers, it would be told nothing of our accounts.
    program = os.path.join(home, "exim4")
    shutil.copyfile(unpacked("usr/sbin/exim4"), program)
    os.chmod(program, 0o755)
    cert, key = room.cert(room.options.get("cert", "good"))
    ports = {name: room.port() for name in ("plain", "tls")}
    # The name in quotes, which colons and spaces need; what is behind the colon is taken as it stands.
    table = room.write("exim/secrets", "".join('"%s": %s\n' % pair for pair in dovecot.USERS.items()))
    check = "${if eq{$%s}{${lookup{$%s}lsearch{" + table + "}{$value}fail}}}"
    conf = CONF.format(
        dir=home, cert=cert, key=key, ca=room.cert("ca")[0], recorder=recorder.listen(room, keeper),
        refused=refusals(), check_plain=check % ("auth3", "auth2"),
        check_login=check % ("auth2", "auth1"), secret="${lookup{$auth1}lsearch{" + table + "}{$value}fail}", **ports)
    for name in BY_DOVECOT:
        conf += DOVECOT.format(driver=name.lower().replace("-", "_"), name=name, socket=socket)
    process = room.spawn([program, "-C", room.write("exim/conf", conf), "-bdf"], **accounts(room, user))
    for port in ports.values():
        room.wait_for_port(port, process)
    return {"port": ports, "mail": os.path.join(home, "mail/new"), "recorded": keeper.folder, "log": os.path.join(home, "mainlog")}
