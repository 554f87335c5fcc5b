"""Urgent data between two programs.  urgent.py serve PORT | talk HOST PORT"""
import array
import fcntl
import os
import select
import signal
import socket
import sys
import time

SIOCATMARK = 0x8905


def mark(s):
    v = array.array("i", [0])
    fcntl.ioctl(s, SIOCATMARK, v)
    return v[0]


def rest(s):
    data = b""
    while piece := s.recv(100):
        data += piece
    return data


def serve(port):
    s = socket.create_server(("", port))
    c, _ = s.accept()
    fired = []
    signal.signal(signal.SIGURG, lambda *_: fired.append(1))
    fcntl.fcntl(c, fcntl.F_SETOWN, os.getpid())
    c.sendall(b"go")
    assert select.select([], [], [c], 10)[2], "select tells of no urgent byte"
    assert fired, "no SIGURG"
    assert c.recv(1, socket.MSG_OOB) == b"!"
    assert c.recv(100) == b"before" and mark(c) == 1
    c.sendall(b"ok")
    assert c.recv(100) == b"behind" and mark(c) == 0
    c.send(b"?", socket.MSG_OOB)
    assert rest(c) == b""
    c.close()
    s.close()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    s.bind(("", port + 1))
    s.listen()
    c, _ = s.accept()
    assert c.getsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE) == 1
    c.sendall(b"go")
    assert rest(c) == b"before!behind"


def reach(host, port):
    for _ in range(200):
        try:
            return socket.create_connection((host, port), 10)
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{host} does not answer")


def talk(host, port):
    for inline in (False, True):
        s = reach(host, port + inline)
        assert s.recv(2) == b"go"
        s.send(b"before!", socket.MSG_OOB)
        if not inline:
            assert s.recv(2) == b"ok"
        s.send(b"behind")
        if not inline:
            p = select.poll()
            p.register(s, select.POLLPRI)
            assert p.poll(10000)
            s.setblocking(True)
            assert s.recv(1, socket.MSG_OOB) == b"?"
            s.shutdown(socket.SHUT_WR)
            assert rest(s) == b""
        s.close()
    print("urgent")


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    talk(sys.argv[2], int(sys.argv[3]))
