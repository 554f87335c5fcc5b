"""What tests with the Linux kernel beside a network of ours have in common."""
import os
import shutil
import subprocess
import sys


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def in_namespace():
    """Once more from the start, in a network namespace where we may make devices."""
    if os.environ.get("OUTLET_TAP_NS") == "1":
        return
    how = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-r", "-n"]
    if not shutil.which("unshare") or subprocess.run([*how, "true"], capture_output=True).returncode:
        skip("no network namespace of our own (unprivileged user namespaces are off)")
    os.environ["OUTLET_TAP_NS"] = "1"
    os.execvp("unshare", [*how, sys.executable, *sys.argv])


def run(*argv, env, timeout=90):
    p = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=timeout)
    if p.returncode:
        raise SystemExit(f"{' '.join(argv)}: status {p.returncode}\n{p.stdout}{p.stderr}")
    return p.stdout
