"""When a datagram came, SO_TIMESTAMP and SO_TIMESTAMPNS: between its sending and its reading.  timestamp.py HOST"""
import socket
import struct
import sys
import time

SO_TIMESTAMP, SO_TIMESTAMPNS = 29, 35
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind((sys.argv[1], 0))
b.bind(("", 5000))
for option, unit in ((SO_TIMESTAMP, 1e-6), (SO_TIMESTAMPNS, 1e-9)):
    for peer in (False, True):                  # a connected socket gets its datagrams bare unless it asks for more
        if peer:
            b.connect(a.getsockname())
        b.setsockopt(socket.SOL_SOCKET, option, 1)
        before = time.time()
        a.sendto(b"x", (sys.argv[1], 5000))
        data, control, _, _ = b.recvmsg(10, 100)
        after = time.time()
        (level, kind, value), = control
        assert data == b"x" and level == socket.SOL_SOCKET and kind == option, control
        s, fraction = struct.unpack("qq", value)
        assert before - 0.01 <= s + fraction * unit <= after + 0.01, (before, s + fraction * unit, after)
print("stamped")
