"""A Kerberos realm of its own: MIT's KDC on loopback, unpacked, with the user `user` (password secret) and the services
smtp/localhost and smtp/mail.example.test. Their keys are in `keytab` in the folder `home`; `config` is for KRB5_CONFIG, and `tickets` (of
user@EXAMPLE.TEST), `empty` (no file) and `foreign` (of user@OTHER.TEST, a realm that knows no way here) are for KRB5CCNAME.
"""
import os
import subprocess

from room import LIBRARIES, clean_environment, unpacked

REALM, OTHER = "EXAMPLE.TEST", "OTHER.TEST"
HOSTS = ("localhost", "mail.example.test")

CONFIG = """
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  plugin_base_dir = {libraries}/krb5/plugins
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
  {other} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  localhost = {realm}
  .example.test = {realm}
"""

KDC = """
[kdcdefaults]
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {dir}/{realm}
    key_stash_file = {dir}/{realm}.stash
    supported_enctypes = aes256-cts:normal
  }}
  {other} = {{
    database_name = {dir}/{other}
    key_stash_file = {dir}/{other}.stash
    supported_enctypes = aes256-cts:normal
  }}
[dbmodules]
  db_module_dir = {libraries}/krb5/plugins/kdb
[logging]
  kdc = FILE:{dir}/log
"""


def start(room):
    home = room.folder("krb5")
    port = room.port()
    words = {"dir": home, "port": port, "realm": REALM, "other": OTHER, "libraries": LIBRARIES}
    config = room.write("krb5/krb5.conf", CONFIG.format(**words))
    own = {"KRB5_CONFIG": config, "KRB5_KDC_PROFILE": room.write("krb5/kdc.conf", KDC.format(**words))}

    def run(program, *argv, text=None):
        subprocess.run([unpacked(program), *argv], input=text, text=True, check=True, cwd=home, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, env=dict(clean_environment(), **own))

    def admin(realm, *commands):
        run("usr/sbin/kadmin.local", "-r", realm, text="".join(c + "\n" for c in commands))

    for realm in (REALM, OTHER):
        run("usr/sbin/kdb5_util", "create", "-r", realm, "-s", "-P", "master")
    keytab = os.path.join(home, "keytab")
    services = ["smtp/" + host for host in HOSTS]
    admin(REALM, "addprinc -pw secret user", *["addprinc -randkey " + s for s in services],
          "ktadd -k %s %s" % (keytab, " ".join(services)))
    admin(OTHER, "addprinc -pw secret user")
    os.chmod(keytab, 0o644)
    process = room.spawn([unpacked("usr/sbin/krb5kdc"), "-n", "-r", REALM, "-r", OTHER], **own)
    room.wait_for_port(port, process)
    tickets = {name: "FILE:" + os.path.join(home, name) for name in ("tickets", "foreign", "empty")}
    run("usr/bin/kinit", "-c", tickets["tickets"], "user@" + REALM, text="secret\n")
    run("usr/bin/kinit", "-c", tickets["foreign"], "user@" + OTHER, text="secret\n")
    return dict(tickets, config=config, home=home, port={"kdc": port}, realm=REALM)
