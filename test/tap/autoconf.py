#!/usr/bin/env python3
"""A router of ours and the Linux kernel on one wire: the kernel makes its address and its default route from what our router
advertises, reaches a host behind it, and either side finds out that the other has an address.

autoconf.py OUTLET.  Makes a network namespace of its own; exit: 0 good, 1 not, 77 skipped (with the reason).
"""
import json
import os
import shutil
import socket
import sys
import tempfile
import time

from beside import in_namespace, run, skip

FILE = """wires:
  lan: {tap: oltap2}
  out: {subnet: 'fd06::/64'}
hosts:
  far: {wire: out, address: 'fd06::9/64', gateway: 'fd06::1'}
  late: {wire: lan, address: 'fd05::77/64'}
routers:
  r:
    interfaces:
      - {wire: lan, address: 'fd05::1/64', advertise: {mtu: 1400, preference: high}}
      - {wire: out, address: 'fd06::1/64'}
"""


def until(what, fact):
    end = time.monotonic() + 30
    while not (got := fact()):
        if time.monotonic() > end:
            raise SystemExit(f"never came true: {what}")
        time.sleep(0.1)
    return got


def kernel_addresses(env):
    return [a for dev in json.loads(run("ip", "-j", "-6", "addr", "show", "dev", "oltap2", env=env)) for a in dev.get("addr_info", [])]


def router_interfaces(outlet, path, env):
    hosts = json.loads(run(outlet, "hosts", "--json", "--net", path, env=env))["hosts"]
    return next(h for h in hosts if h["name"] == "r")["interfaces"]


def reaches():
    """Nobody listens there: the refusal comes from the host itself."""
    try:
        socket.create_connection(("fd06::9", 9), 2).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def network(outlet, env, work):
    path = os.path.join(work, "net.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(FILE)
    # the kernel has the address of our host `late` before that is made
    run("ip", "tuntap", "add", "dev", "oltap2", "mode", "tap", env=env)
    run("ip", "addr", "add", "fd05::77/64", "dev", "oltap2", "nodad", env=env)
    run("ip", "link", "set", "oltap2", "up", env=env)
    run(outlet, "up", path, env=env)
    try:
        made = until("the kernel makes an address", lambda: [a["local"] for a in kernel_addresses(env)
                     if a["local"].startswith("fd05:") and a.get("dynamic")])
        route = until("the kernel has our router as its default", lambda: [r for r in json.loads(run("ip", "-j", "-6", "route", env=env))
                      if r["dst"] == "default" and r.get("protocol") == "ra"])
        assert route[0].get("pref") == "high", f"preference: {route}"
        assert any(m.get("mtu") == 1400 for m in route[0].get("metrics", [{}])) or \
            open("/proc/sys/net/ipv6/conf/oltap2/mtu", encoding="ascii").read().strip() == "1400", f"MTU: {route}"
        until("the kernel reaches a host behind our router", reaches)
        until("our host found out that the kernel has its address", lambda: "fd05::77/64 (duplicate)" in
              run(outlet, "hosts", "--net", path, env=env))
        # and the other way, once ours is ours beyond doubt: of two who ask at once the first would keep it
        until("our router has its addresses", lambda: not any(i["optimistic"] for i in router_interfaces(outlet, path, env)))
        run("ip", "addr", "add", "fd05::1/64", "dev", "oltap2", env=env)
        until("the kernel found out that we have its address", lambda: any(a["local"] == "fd05::1" and a.get("dadfailed")
              for a in kernel_addresses(env)))
    finally:
        run(outlet, "down", "--now", "--net", path, env=env)
    print(f"the kernel made {made[0]}, by our router; duplicates were found on both sides")


def main():
    outlet = os.path.abspath(sys.argv[1])
    in_namespace()
    if not shutil.which("ip"):
        skip("ip (iproute2) is not installed")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        skip("/dev/net/tun is not there for us")
    if not os.path.exists("/proc/sys/net/ipv6"):
        skip("the kernel has no IPv6")
    work = tempfile.mkdtemp(prefix="outlet-autoconf-")
    try:
        network(outlet, dict(os.environ, XDG_RUNTIME_DIR=work), work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
