"""Clients of echo.py: `echo_client.py KIND HOST PORT FILE`."""
import asyncio
import errno
import select
import socket
import sys
import threading
import time

kind, host, port, name = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
want = open(name, "rb").read()


def exchange():
    """Writes all while another thread reads: both directions at once."""
    s = socket.create_connection((host, port), 20)
    t = threading.Thread(target=lambda: (s.sendall(want), s.shutdown(socket.SHUT_WR)))
    t.start()
    got = b"".join(iter(lambda: s.recv(65536), b""))
    t.join()
    assert got == want, f"{len(got)} of {len(want)} bytes, or others"


def many():
    threads = [threading.Thread(target=exchange) for _ in range(8)]
    errors = []
    threading.excepthook = lambda a: errors.append(a.exc_value)
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors


async def one():
    reader, writer = await asyncio.open_connection(host, port)
    async def send():
        for i in range(0, len(want), 50000):
            writer.write(want[i:i + 50000])
            await writer.drain()
        writer.write_eof()
    task = asyncio.create_task(send())
    got = await reader.read()
    await task
    writer.close()
    assert got == want


async def asyncio_many():
    await asyncio.gather(*(one() for _ in range(8)))


def lines():
    with socket.create_connection((host, port), 10) as s, s.makefile("rw") as f:
        for i in range(200):
            f.write(f"line {i}\n")
            f.flush()
            assert f.readline() == f"line {i}\n".rstrip("\n")[::-1] + "\n"


def timeouts():
    s = socket.create_connection((host, port), 10)
    s.settimeout(0.2)
    start = time.monotonic()
    try:
        s.recv(1)
        raise SystemExit("a recv that has nothing to receive returned")
    except socket.timeout:
        assert 0.15 < time.monotonic() - start < 2
    s.settimeout(None)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, (0).to_bytes(8, "little") + (200000).to_bytes(8, "little"))
    try:
        s.recv(1)
        raise SystemExit("a recv that has nothing to receive returned")
    except BlockingIOError:
        pass
    s.sendall(b"x")
    assert s.recv(1) == b"x"


def connect_ex():
    s = socket.socket()
    assert s.connect_ex((host, port)) == 0
    assert s.connect_ex((host, port)) == errno.EISCONN
    s.close()
    s = socket.socket()
    assert s.connect_ex((host, 9)) == errno.ECONNREFUSED
    s.close()
    s = socket.socket()
    s.setblocking(False)
    err = s.connect_ex((host, port))
    assert err in (0, errno.EINPROGRESS), err
    _, w, _ = select.select([], [s], [], 10)
    assert w and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    s.sendall(b"here")
    select.select([s], [], [], 10)
    assert s.recv(4) == b"here"
    s = socket.socket()
    s.setblocking(False)
    err = s.connect_ex((host, 9))
    if err == errno.EINPROGRESS:
        p = select.poll()
        p.register(s, select.POLLOUT)
        assert p.poll(10000)
        err = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    assert err == errno.ECONNREFUSED, err


run = {"many": many, "lines": lines, "timeouts": timeouts, "connect_ex": connect_ex,
       "asyncio": lambda: asyncio.run(asyncio_many())}
run[kind]()
