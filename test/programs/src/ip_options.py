"""Options of the IPv4 header: set, read back, seen by the receiver, and sent back with the answer.  ip_options.py HOST"""
import socket
import sys

IP_OPTIONS, IP_RECVOPTS, IP_RETOPTS = 4, 6, 7
record = bytes([7, 15, 4] + 12 * [0])
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind((sys.argv[1], 0))
b.bind((sys.argv[1], 5000))
us = socket.inet_aton(b.getsockname()[0])
a.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, record)
assert a.getsockopt(socket.IPPROTO_IP, IP_OPTIONS, 40) == record + b"\0"
a.setsockopt(socket.IPPROTO_IP, IP_RECVOPTS, 1)
b.setsockopt(socket.IPPROTO_IP, IP_RECVOPTS, 1)
b.setsockopt(socket.IPPROTO_IP, IP_RETOPTS, 1)
for peer in (False, True):                      # a connected socket gets its datagrams bare unless it asks for more
    if peer:
        b.connect(a.getsockname())
    a.sendto(b"x", b.getsockname())
    data, control, _, sender = b.recvmsg(10, 200)
    said = dict((kind, value) for level, kind, value in control if level == socket.IPPROTO_IP)
    assert data == b"x" and said[IP_RECVOPTS] == bytes([7, 15, 12]) + us + us + 5 * b"\0", control
    back = [(socket.IPPROTO_IP, IP_RETOPTS, said[IP_RETOPTS])]
    b.sendmsg([b"y"], back, 0, None if peer else sender)
    data, control, _, _ = a.recvmsg(10, 200)
    (level, kind, value), = control
    assert data == b"y" and kind == IP_RECVOPTS and value == bytes([7, 15, 16]) + us + us + us + b"\0", control
try:
    a.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, bytes([7, 9, 4]))
    raise SystemExit("a malformed option was taken")
except OSError:
    pass
print("recorded")
