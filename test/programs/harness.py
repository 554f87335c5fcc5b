"""What the program matrix is made of: networks, programs on their hosts, payloads, and a place to work in.

Every case gets a network of its own, so nothing is left over from one to the next.  Programs run as an ordinary user; when
the matrix is started by root it makes itself one first, with an account that exists only in a mount namespace of its own.
"""
import hashlib
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

USER = "outlet-test"
UID = 61234
SIZES = [0, 1, 1461, 65536, 3 * 1024 * 1024 + 7]


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def need(fact, what):
    if not fact:
        raise Failure(what)


def which(*names):
    """The first of these programs that is installed, also where ordinary PATHs do not look; Skip if none is."""
    path = os.environ["PATH"]
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise Skip(f"{' or '.join(names)} is not installed")


def extend_path():
    more = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    base = "/usr/lib/postgresql"
    if os.path.isdir(base):
        more += [f"{base}/{v}/bin" for v in sorted(os.listdir(base), reverse=True)]
    have = [p for p in os.environ.get("PATH", "").split(":") if p and os.access(p, os.X_OK) and not p.startswith("/root")]
    os.environ["PATH"] = ":".join(dict.fromkeys(have + more))


# ---- becoming an ordinary user ----

def become_user(work):
    """From root: a private /etc/passwd with one more account, then that account; nobody where no mount is to be had."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    os.environ.update(HOME=work, USER=USER, LOGNAME=USER, SHELL="/bin/sh")
    named, uid = USER, UID
    if os.environ.get("OUTLET_MATRIX_NS") == "1":
        table = os.path.join(work, "passwd")
        with open("/etc/passwd") as f, open(table, "w") as out:
            out.write(f.read())
            out.write(f"{USER}:x:{UID}:65534:programs matrix:{work}:/bin/sh\n")
        os.chmod(table, 0o644)
        done = subprocess.run(["mount", "--bind", table, "/etc/passwd"], capture_output=True).returncode == 0
        named = USER if done else None
    else:
        named = None
    if not named:                               # PostgreSQL, for one, wants an account behind its number
        named, uid = "nobody", pwd.getpwnam("nobody").pw_uid
    os.chown(work, uid, 65534)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(uid)
    return named


def enter_namespace():
    """Root only: once more from the start, in a mount namespace of our own where that is possible."""
    if os.geteuid() != 0 or "OUTLET_MATRIX_NS" in os.environ:
        return
    can = subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0 if shutil.which("unshare") else False
    os.environ["OUTLET_MATRIX_NS"] = "1" if can else "0"
    if can:
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable] + sys.argv)


# ---- payloads ----

def payload(seed, size):
    return random.Random(seed).randbytes(size)


def files(directory, seed=1):
    """A directory of seeded files; {name: bytes}."""
    os.makedirs(directory, exist_ok=True)
    out = {}
    for size in SIZES:
        name = f"f{size}.bin"
        out[name] = payload(f"{seed}-{size}", size)
        with open(os.path.join(directory, name), "wb") as f:
            f.write(out[name])
    return out


def same(got, want, what):
    if got != want:
        raise Failure(f"{what}: {len(got)} bytes {hashlib.sha256(got).hexdigest()[:12]}, "
                      f"should be {len(want)} bytes {hashlib.sha256(want).hexdigest()[:12]}")


# ---- a network and the programs on it ----

class Net:
    """One network; `with` ends everything that was started on it."""

    def __init__(self, outlet, work, name, verbose=False):
        self.outlet, self.name, self.verbose = outlet, name, verbose
        self.dir = os.path.join(work, name)
        self.servers, self.started = [], []
        self.file = None                # a network file; None: the default network
        os.makedirs(self.dir, exist_ok=True)
        self.env = dict(os.environ, OUTLET_NET=name, HOME=work, LC_ALL="C.UTF-8", TMPDIR=self.dir,
                        XDG_RUNTIME_DIR=os.path.join(work, "run"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in self.started:
            if p.poll() is None:
                p.kill()
            p.wait()
        for server in reversed(self.servers):
            server.end()
        if self.file:
            subprocess.run([self.outlet, "down", "--now", "--net", self.file], env=self.env, capture_output=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text, mode=0o644):
        data = text if isinstance(text, bytes) else text.encode()
        with open(self.path(name), "wb") as f:
            f.write(data)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def command(self, host, argv):
        return [self.outlet, "run", *(["--net", self.file] if self.file else []), "--host", host, "--", *argv]

    def run(self, host, argv, timeout=30, stdin=b"", ok=(0,), cwd=None):
        """A program to its end; its standard output.  Another status, or no end in time, is a failure."""
        p = subprocess.Popen(self.command(host, argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=self.env, cwd=cwd or self.dir, start_new_session=True)
        try:
            out, err = p.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            p.terminate()
            try:
                out, err = p.communicate(None, 3)
            except subprocess.TimeoutExpired:
                p.kill()
                out, err = p.communicate()
            raise Failure(f"{self.show(argv)}: no end within {timeout} s\n{tail(out)}{tail(err)}{self.logs()}")
        if p.returncode not in ok:
            raise Failure(f"{self.show(argv)}: status {p.returncode}\n{tail(out)}{tail(err)}{self.logs()}")
        return out

    def start(self, host, argv):
        """A program that the case itself waits for."""
        p = subprocess.Popen(self.command(host, argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             env=self.env, cwd=self.dir, start_new_session=True)
        self.started.append(p)
        return p

    def serve(self, host, argv, port=None, ready_in_log=None, cwd=None, timeout=20):
        """A program in the background; returns once its TCP port answers, or once its log says so."""
        server = Server(self, host, argv, cwd)
        self.servers.append(server)
        if port is not None:
            try:
                self.wait_port(host, port, timeout)
            except Failure as e:
                raise Failure(f"{self.show(argv)} does not listen on port {port}\n{e}")
        if ready_in_log:
            server.wait_log(ready_in_log, timeout)
        return server

    def wait_port(self, host, port, timeout=20):
        script = ("import socket,sys,time\nend=time.monotonic()+float(sys.argv[3])\nwhile True:\n try:\n"
                  "  socket.create_connection((sys.argv[1],int(sys.argv[2])),2).close();break\n"
                  " except OSError as e:\n  if time.monotonic()>end: sys.exit(f'{sys.argv[1]}:{sys.argv[2]}: {e}')\n"
                  "  time.sleep(.03)\n")
        self.run("probe", [PYTHON, "-c", script, host, str(port), str(timeout)], timeout + 10)

    def show(self, argv):
        return " ".join(os.path.basename(a) if i == 0 else a for i, a in enumerate(argv))[:160]

    def logs(self):
        out = ""
        for server in self.servers:
            with open(server.log, "rb") as f:
                out += f"-- {self.show(server.argv)} on {server.host}:\n" + tail(f.read())
        log = os.path.join(self.env["XDG_RUNTIME_DIR"], "outlet", self.name + ".log")
        if os.path.exists(log):
            with open(log, "rb") as f:
                text = f.read()
            if text:
                out += "-- service:\n" + tail(text)
        return out


class Server:
    count = 0

    def __init__(self, net, host, argv, cwd):
        Server.count += 1
        self.net, self.host, self.argv = net, host, argv
        self.log = net.path(f"server-{Server.count}.log")
        with open(self.log, "wb") as log:
            self.p = subprocess.Popen(net.command(host, argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=net.env,
                                      cwd=cwd or net.dir, start_new_session=True)

    def wait_log(self, word, timeout=20, times=1):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with open(self.log, errors="replace") as f:
                if f.read().count(word) >= times:
                    return
            if self.p.poll() is not None:
                break
            time.sleep(0.02)
        raise Failure(f"{self.net.show(self.argv)} did not say '{word}'\n{self.net.logs()}")

    def alive(self):
        return self.p.poll() is None

    def kill(self, sig):
        self.p.send_signal(sig)

    def end(self, sig=signal.SIGTERM, grace=5):
        """Ends the program as an init would; the status."""
        for how in (sig, signal.SIGTERM, signal.SIGKILL):
            if self.p.poll() is not None:
                break
            self.p.send_signal(how)
            try:
                self.p.wait(grace)
            except subprocess.TimeoutExpired:
                pass
        return self.p.wait()


def still_running(work, seconds=10):
    """The networks whose service is there, well after its last guest left."""
    directory = os.path.join(work, "run", "outlet")
    end = time.monotonic() + seconds
    while True:
        left = [n[:-5] for n in os.listdir(directory) if n.endswith(".sock")] if os.path.isdir(directory) else []
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def tail(data, lines=12):
    text = data.decode(errors="replace") if data else ""
    return "".join("    " + line[:300] + "\n" for line in text.splitlines()[-lines:])


def python():
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


PYTHON = python()


def workplace():
    work = tempfile.mkdtemp(prefix="outlet-matrix-")
    os.chmod(work, 0o755)
    return work


def within_reach(outlet, work):
    """Copies of outlet and outletd where an ordinary user gets at them, wherever the checkout lies; the new outlet's path."""
    bin_dir = os.path.join(work, "bin")
    os.makedirs(bin_dir, exist_ok=True)
    here = os.path.dirname(outlet)
    for program in ("outlet", "outletd"):
        for place in (here, os.path.join(here, "../host"), os.path.join(here, "../libexec/outlet")):
            if os.path.exists(os.path.join(place, program)):
                shutil.copy(os.path.join(place, program), bin_dir)
                break
    return os.path.join(bin_dir, "outlet")
