"""Groups and their sources, RFC 3678: who hears what this host sends to one, and the filter read back.  multicast.py HOST"""
import ctypes
import socket
import struct
import sys

IP_UNBLOCK_SOURCE, IP_BLOCK_SOURCE, IP_ADD_SOURCE_MEMBERSHIP, IP_MSFILTER, MCAST_EXCLUDE = 37, 38, 39, 41, 0
here, group, stranger = (socket.inet_aton(a) for a in (socket.gethostbyname(sys.argv[1]), "239.1.2.3", "192.0.2.1"))


def listener():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", 5007))
    s.settimeout(2)
    return s


def option(s, name, *addresses):
    s.setsockopt(socket.IPPROTO_IP, name, b"".join(addresses))


def read_filter(s):
    """struct ip_msfilter: which group is meant stands in the value."""
    value = ctypes.create_string_buffer(struct.pack("4s4sII16x", group, here, 9, 4))
    size = ctypes.c_uint32(32)
    assert ctypes.CDLL(None, use_errno=True).getsockopt(s.fileno(), socket.IPPROTO_IP, IP_MSFILTER, value, ctypes.byref(size)) == 0
    mode, n = struct.unpack_from("II", value.raw, 8)
    return mode, [value.raw[16 + 4 * i:20 + 4 * i] for i in range(n)]


everyone, us, others, nobody = (listener() for _ in range(4))
option(everyone, socket.IP_ADD_MEMBERSHIP, group, here)
option(us, IP_ADD_SOURCE_MEMBERSHIP, group, here, here)
option(others, IP_ADD_SOURCE_MEMBERSHIP, group, here, stranger)
option(nobody, socket.IP_ADD_MEMBERSHIP, group, here)
option(nobody, IP_BLOCK_SOURCE, group, here, stranger)
option(nobody, IP_BLOCK_SOURCE, group, here, here)
assert read_filter(nobody) == (MCAST_EXCLUDE, [stranger, here]), read_filter(nobody)

sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind((socket.inet_ntoa(here), 0))
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
sender.sendto(b"first", ("239.1.2.3", 5007))
heard = [everyone.recv(100)]      # it has come to all: a datagram travels while its sender goes on
option(nobody, IP_UNBLOCK_SOURCE, group, here, here)
sender.sendto(b"second", ("239.1.2.3", 5007))
heard += [everyone.recv(100)]
assert heard == [b"first", b"second"], heard
for s, want in ((us, [b"first", b"second"]), (nobody, [b"second"])):
    assert [s.recv(100) for _ in want] == want
for s in everyone, us, others, nobody:
    s.setblocking(False)
    try:
        raise AssertionError(s.recv(100))
    except BlockingIOError:
        pass
print("filtered")
