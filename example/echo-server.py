#!/usr/bin/env python3
"""An echo server with Python's socket methods: sends back whatever comes, one thread per connection.

    outlet run --host echo -- python3 echo-server.py 7
"""
import socket
import sys
import threading


def serve(conn, peer):
    with conn:
        total = 0
        while data := conn.recv(65536):
            conn.sendall(data)
            total += len(data)
    print(f"echo: {total} bytes for {peer[0]}:{peer[1]}", flush=True)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with socket.create_server(("0.0.0.0", port), backlog=16) as server:
        print(f"echo: listening on port {port}", flush=True)
        while True:
            conn, peer = server.accept()
            threading.Thread(target=serve, args=(conn, peer), daemon=True).start()


if __name__ == "__main__":
    main()
