#!/usr/bin/env python3
"""`tap:` in a network file: the Linux kernel on a wire with hosts of ours, programs on both sides, each side connecting.

netfile.py OUTLET.  Makes a network namespace of its own; exit: 0 good, 1 not, 77 skipped (with the reason).
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

from beside import in_namespace, run, skip

FILE = """wires:
  lan:
    subnet: [10.9.0.0/24, "fd09::/64"]
    mode: {mode}
    tap: oltap1
    faults: {faults}
hosts:
  web: {{wire: lan, address: [10.9.0.10/24, "fd09::10/64"]}}
"""
KERNEL = ("10.9.0.254", "fd09::fe")
OURS = ("10.9.0.10", "fd09::10")
SIZE = 3_000_017

# Sends SIZE bytes, shuts down, reads the other's; prints the SHA-256 of what came.  peer.py serve PORT | talk ADDRESS PORT SEED
PEER = '''
import hashlib, random, socket, sys, threading, time
how, *args = sys.argv[1:]
size = %d
def pump(s, seed):
    data = random.Random(seed).randbytes(size)
    t = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
    t.start()
    h = hashlib.sha256()
    while piece := s.recv(65536):
        h.update(piece)
    t.join()
    print(h.hexdigest(), flush=True)
if how == "serve":
    l = socket.create_server(("::", int(args[0])), family=socket.AF_INET6, dualstack_ipv6=True)
    print("ready", flush=True)
    for seed in ("server4", "server6"):
        s, _ = l.accept()
        s.settimeout(60)
        pump(s, seed)
else:
    s = socket.create_connection((args[0], int(args[1])), 20)
    s.settimeout(60)
    pump(s, args[2])
''' % SIZE


def hash_of(seed):
    import random
    return hashlib.sha256(random.Random(seed).randbytes(SIZE)).hexdigest()


def both_families(server, client, addresses, port, env):
    """A server process by `server`, a client for each family by `client`; what each got is what the other sent."""
    with subprocess.Popen([*server, sys.executable, env["PEER"], "serve", str(port)], env=env, stdout=subprocess.PIPE, text=True) as s:
        try:
            assert s.stdout.readline() == "ready\n", "the server does not start"
            for address, n in zip(addresses, "46"):
                got = run(*client, sys.executable, env["PEER"], "talk", address, str(port), f"client{n}", env=env).strip()
                assert got == hash_of(f"server{n}"), f"{address}: the client got other bytes"
                assert s.stdout.readline().strip() == hash_of(f"client{n}"), f"{address}: the server got other bytes"
            assert s.wait(30) == 0
        finally:
            s.kill()


def network(outlet, env, work, mode, faults):
    with open(os.path.join(work, "net.yaml"), "w", encoding="utf-8") as f:
        f.write(FILE.format(mode=mode, faults=faults))
    run(outlet, "up", f.name, env=env)
    try:
        for argv in (["ip", "addr", "add", KERNEL[0] + "/24", "dev", "oltap1"], ["ip", "link", "set", "oltap1", "up"],
                     ["ip", "addr", "add", KERNEL[1] + "/64", "dev", "oltap1", "nodad"]):
            run(*argv, env=env)
        guest = [outlet, "run", "--net", f.name, "--host", "web", "--"]
        both_families(guest, [], OURS, 7000, env)
        both_families([], guest, KERNEL, 7001, env)
    finally:
        run(outlet, "down", "--now", "--net", f.name, env=env)
    print(f"{mode}, faults {faults}: both roles, both families, {SIZE} bytes each way")


def main():
    outlet = os.path.abspath(sys.argv[1])
    in_namespace()
    if not shutil.which("ip"):
        skip("ip (iproute2) is not installed")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        skip("/dev/net/tun is not there for us")
    work = tempfile.mkdtemp(prefix="outlet-tap-")
    try:
        env = dict(os.environ, XDG_RUNTIME_DIR=work, PEER=os.path.join(work, "peer.py"))
        with open(env["PEER"], "w", encoding="utf-8") as f:
            f.write(PEER)
        network(outlet, env, work, "fast", "none")
        network(outlet, env, work, "strict", "loss=1% delay=2ms")
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
