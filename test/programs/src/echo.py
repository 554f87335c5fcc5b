"""Echo servers, each another shape of Python's: `echo.py KIND PORT`."""
import asyncio
import socket
import socketserver
import sys

kind, port = sys.argv[1], int(sys.argv[2])


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Fork(socketserver.ForkingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 64


class Thread(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 64


def lines():
    """One at a time, by makefile: each line comes back turned round."""
    s = socket.create_server(("", port))
    while True:
        c, _ = s.accept()
        with c, c.makefile("rw") as f:
            for line in f:
                f.write(line.rstrip("\n")[::-1] + "\n")
                f.flush()


async def handle(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def loop():
    server = await asyncio.start_server(handle, "", port)
    async with server:
        await server.serve_forever()


if kind == "fork":
    Fork(("", port), Handler).serve_forever()
elif kind == "thread":
    Thread(("", port), Handler).serve_forever()
elif kind == "lines":
    lines()
else:
    asyncio.run(loop())
