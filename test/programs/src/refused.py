"""A datagram that nobody wants: poll says so at once, and each call that may be told of it is told, once."""
import errno
import select
import socket
import sys

TRUE, PLAIN = {errno.ECONNREFUSED}, {errno.ECONNREFUSED, errno.ECONNRESET}


def refused(host):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((host, 5999))
    s.send(b"x")
    return s


def fails_once(host, name, call, wanted, wait=True):
    s = refused(host)
    if wait:
        p = select.poll()
        p.register(s, select.POLLIN)
        assert p.poll(10000) == [(s.fileno(), select.POLLERR)], f"{name}: poll said nothing"
    try:
        got = call(s)
        assert got in wanted, f"{name} gave {got}"
    except OSError as e:
        assert e.errno in wanted, f"{name} failed with {e}"
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0, f"{name}: told twice"
    s.setblocking(False)
    try:
        assert not s.recv(10), f"{name}: something came"
    except BlockingIOError:
        pass
    s.close()


to = sys.argv[1]
fails_once(to, "SO_ERROR", lambda s: s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), TRUE)
fails_once(to, "recvfrom", lambda s: s.recvfrom(10), TRUE)
fails_once(to, "recvmsg", lambda s: s.recvmsg(10), TRUE)
fails_once(to, "a recv that waits", lambda s: s.recv(10), PLAIN, wait=False)
fails_once(to, "a recvfrom that waits", lambda s: s.recvfrom(10), TRUE, wait=False)
fails_once(to, "recv", lambda s: s.recv(10), PLAIN)
fails_once(to, "send", lambda s: s.send(b"y"), PLAIN)
print("refused")
