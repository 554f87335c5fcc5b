"""fast_open.py HOST FILE: asks HOST for FILE by requests that leave with the SYN, blocking and not; the first gets the cookie."""
import os
import select
import socket
import sys

SYN_DATA = 32                # TCPI_OPT_SYN_DATA
host, path = sys.argv[1:]
with open(path, "rb") as f:
    want = f.read()
request = f"GET /{os.path.basename(path)} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()
for i in range(6):
    s = socket.socket()
    s.setblocking(i % 2 == 0)
    sent = s.sendto(request, socket.MSG_FASTOPEN, (host, 80))
    assert sent == len(request), sent
    if i % 2:
        assert select.select([], [s], [], 20)[1]
    s.setblocking(True)
    got = b""
    while chunk := s.recv(65536):
        got += chunk
    assert got.split(b"\r\n\r\n", 1)[1] == want, len(got)
    with_syn = bool(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[5] & SYN_DATA)
    assert with_syn == (i > 0), (i, with_syn)
    s.close()
