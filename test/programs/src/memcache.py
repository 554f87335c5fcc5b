"""`memcache.py HOST PORT FILE`: stores the file in pieces over several connections, reads it back, compares; then by UDP."""
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
data = open(sys.argv[3], "rb").read()
pieces = [data[i:i + 100000] for i in range(0, len(data), 100000)]


def talk():
    s = socket.create_connection((host, port), 20)
    return s, s.makefile("rb")


a, fa = talk()
b, fb = talk()
for i, p in enumerate(pieces):
    a.sendall(b"set k%d 0 0 %d\r\n" % (i, len(p)) + p + b"\r\n")
    assert fa.readline() == b"STORED\r\n"
for i, p in enumerate(pieces):
    b.sendall(b"get k%d\r\n" % i)
    assert fb.readline() == b"VALUE k%d 0 %d\r\n" % (i, len(p))
    assert fb.read(len(p) + 2) == p + b"\r\n"
    assert fb.readline() == b"END\r\n"
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.settimeout(10)
a.sendall(b"set small 0 0 5\r\nhello\r\n")
assert fa.readline() == b"STORED\r\n"
u.sendto(b"\0\1\0\0\0\1\0\0get small\r\n", (host, port))
answer, sender = u.recvfrom(2048)
assert answer[8:] == b"VALUE small 0 5\r\nhello\r\nEND\r\n" and sender[1] == port, (answer, sender)
