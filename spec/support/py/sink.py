"""Postfix's smtp-sink: takes all mail and throws it away, or keeps it with keep=1. Options: flags (as for smtp-sink)."""
import os

from room import unpacked


def start(room):
    port = room.port()
    argv = [unpacked("usr/sbin/smtp-sink"), "-u", "nobody", "-h", "mail.example.test"]
    argv += room.options.get("flags", "").split()
    if room.options.get("keep"):
        nobody = 65534
        argv += ["-d", os.path.join(room.folder("mail", nobody, nobody), "%s.")]
    process = room.spawn(argv + ["127.0.0.1:%d" % port, "1000"])
    room.wait_for_port(port, process)
    return {"port": {"plain": port}}
