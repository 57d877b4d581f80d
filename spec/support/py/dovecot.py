"""Dovecot as a SASL server for Postfix: only its auth service, behind a Unix socket."""
import os
import pwd
import shutil

from room import UNPACKED, unpacked

# What the specs log in with.
USERS = {"user@example.test": "secret", "user": "secret", "пользователь@example.test": "пароль ss\"\\wörd"}

CONF = """
base_dir = {dir}/base
state_dir = {dir}/state
log_path = {dir}/log
libexec_dir = {code}
login_plugin_dir = {code}
mail_plugin_dir = {code}
instance_name = netmail-spec
protocols =
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_verbose = yes
auth_username_chars =
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256
default_internal_user = mail
default_internal_group = mail
default_login_user = uucp
import_environment = LD_LIBRARY_PATH={code}/modules/old-stats:{code}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={dir}
}}
service auth {{
  unix_listener {socket} {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


def start(room):
    """Returns the path of the socket."""
    home = room.folder("dovecot")
    socket = os.path.join(home, "auth")
    # A copy: its processes drop root before they are run, and the checkout may lie where only root may look.
    code = os.path.join(home, "code")
    unpacked("usr/lib/dovecot/auth")
    shutil.copytree(os.path.join(UNPACKED, "usr/lib/dovecot"), code, symlinks=True)
    users = room.write("dovecot/users", "".join("%s:{PLAIN}%s\n" % u for u in USERS.items()))
    os.chown(users, pwd.getpwnam("mail").pw_uid, -1)
    os.chmod(users, 0o400)
    conf = room.write("dovecot/dovecot.conf", CONF.format(dir=home, code=code, socket=socket))
    # dovecot would read its configuration through /usr/bin/doveconf; here doveconf runs dovecot.
    process = room.spawn([unpacked("usr/bin/doveconf"), "-c", conf, "-m", "master",
                          "-e", unpacked("usr/sbin/dovecot"), "-F", "-c", conf])
    room.wait_until(lambda: os.path.exists(socket), process, 20, "Dovecot's auth socket does not appear")
    return socket
