"""`urls.py BASE DIR NAME...`: fetches with urllib, then several at once, and compares."""
import concurrent.futures
import sys
import urllib.request

base, directory, names = sys.argv[1], sys.argv[2], sys.argv[3:]


def check(name):
    with open(f"{directory}/{name}", "rb") as f:
        want = f.read()
    with urllib.request.urlopen(base + name, timeout=20) as r:
        got = r.read()
    assert got == want, f"{name}: {len(got)} bytes that differ from the {len(want)} there should be"


for n in names:
    check(n)
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    list(pool.map(check, names * 4))
