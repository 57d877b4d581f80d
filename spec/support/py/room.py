"""A place for one test server: a folder, ports, child processes. Everything is gone when it is left."""
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.join(ROOT, "build")
CERTS = os.path.join(BUILD, "certs")
# Where `make deps` unpacks the servers that it does not install.
UNPACKED = os.path.join(BUILD, "servers", "root")

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """The server does not start, in words for a person."""


def unpacked(path):
    """A file of an unpacked package."""
    whole = os.path.join(UNPACKED, path)
    if not os.path.exists(whole):
        raise Failure("%s is missing: run make deps" % os.path.relpath(whole, ROOT))
    return whole


# Theirs that are no package's own: in Debian's folder for this machine's kind.
LIBRARIES = os.path.join(UNPACKED, "usr/lib", sysconfig.get_config_var("MULTIARCH") or "")


def clean_environment():
    """In which unpacked programs find their libraries, and nothing of ours."""
    libraries = [os.path.join(UNPACKED, "usr/lib", d) for d in ("postfix", "dovecot")]
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "LD_LIBRARY_PATH": os.pathsep.join(libraries)}


def children():
    """All children of this process; orphaned grandchildren are among them (we are their subreaper)."""
    pids = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open("/proc/self/task/%s/children" % task) as f:
                pids += [int(p) for p in f.read().split()]
        except OSError:
            pass
    return pids


class Room:
    def __init__(self, kind, options):
        self.options = options
        self.dir = tempfile.mkdtemp(prefix="netmail-%s-" % kind)
        os.chmod(self.dir, 0o755)  # servers that drop root work in here
        self.processes = []
        self.port_locks = []
        self.links = []
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def folder(self, name, uid=-1, gid=-1, mode=0o755):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        os.chown(path, uid, gid)
        return path

    def short_name(self, path):
        """Another name of a file or folder, of no more than 24 octets."""
        link = tempfile.mktemp(prefix="nm-", dir="/tmp")
        os.symlink(path, link)
        self.links.append(link)
        return link

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        # Of old: Postfix's programs, each of them, wait two seconds for somebody who may still be writing it.
        os.utime(self.path(name), (1e9, 1e9))
        return self.path(name)

    def cert(self, name="good"):
        """(certificate, key) by a name that mkcerts.sh knows."""
        subprocess.run([os.path.join(os.path.dirname(HERE), "mkcerts.sh"), CERTS], check=True)
        pem = os.path.join(CERTS, name + ".pem")
        if not os.path.exists(pem):
            raise Failure("no certificate %r in %s" % (name, CERTS))
        return pem, os.path.join(CERTS, name + ".key")

    def port(self):
        """A free port for a server that cannot take port 0. Below the range from which the kernel takes ports for
        connections, and reserved by an abstract socket, so that runs side by side never pick the same."""
        for _ in range(1000):
            port = random.randrange(20000, 32000)
            lock = socket.socket(socket.AF_UNIX)
            probe = socket.socket()
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                lock.bind("\0netmail-spec-port-%d" % port)
                probe.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
            finally:
                probe.close()
            self.port_locks.append(lock)
            return port
        raise Failure("no free port")

    def listen(self):
        """A listening socket on a free port, for servers that live in this process. Option address: another one of a
        network namespace's loopback interface."""
        sock = socket.create_server((self.options.get("address", "127.0.0.1"), 0), backlog=128)
        return sock, sock.getsockname()[1]

    def spawn(self, argv, ending=signal.SIGTERM, **env):
        """Starts a server. It is told to end (SIGTERM) when this process dies in any way, and by `ending` when the room is
        left."""
        log = open(self.path("log"), "ab")
        # The parent's death before prctl took effect would go unnoticed; then we are not its parent any more.
        parent = os.getpid()

        def tie():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir,
                                   env=dict(clean_environment(), **env), preexec_fn=tie, start_new_session=True)
        log.close()
        process.ending = ending
        self.processes.append(process)
        return process

    def wait_for_port(self, port, process, seconds=60):
        """Until somebody answers there, or the process has died."""
        def answers():
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False
        self.wait_until(answers, process, seconds, "port %d does not answer" % port)

    def wait_until(self, condition, process, seconds, failure):
        end = time.monotonic() + seconds
        while not condition():
            if process.poll() is not None:
                raise Failure("%s ended at once:\n%s" % (process.args[0], self.log()))
            if time.monotonic() > end:
                raise Failure("%s:\n%s" % (failure, self.log()))
            time.sleep(0.02)

    def log(self):
        try:
            with open(self.path("log"), errors="replace") as f:
                return f.read()[-4000:]
        except OSError:
            return ""

    def dead(self):
        """A server that has ended though nobody told it to, or None."""
        return next((p for p in self.processes if p.poll() is not None), None)

    def leave(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(process.ending)
        self.reap(5, signal.SIGTERM)
        self.reap(5, signal.SIGKILL)
        for link in self.links:
            os.unlink(link)
        shutil.rmtree(self.dir, ignore_errors=True)

    def reap(self, seconds, last_resort):
        """Waits until no child is left. Those still there in half of the time get the signal; what a server that has ended
        leaves behind (Dovecot's log, which waits for a second) is killed at once."""
        begin = time.monotonic()
        signalled = killed = False
        while time.monotonic() < begin + seconds:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid != 0:
                continue
            if not killed and all(p.poll() is not None for p in self.processes):
                killed = True
                self.signal_all(signal.SIGKILL)
            if not signalled and time.monotonic() > begin + seconds / 2:
                signalled = True
                self.signal_all(last_resort)
            time.sleep(0.01)

    def signal_all(self, number):
        for child in children():
            try:
                os.kill(child, number)
            except ProcessLookupError:
                pass
