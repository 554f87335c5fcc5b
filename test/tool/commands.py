#!/usr/bin/env python3
"""The commands against a service of their own: what they print, what they refuse and how, their exit statuses, their JSON.

    commands.py OUTLET OUTLETD
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

OUTLET, OUTLETD = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])


class Outlet:
    """A network of its own in a folder of its own."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="outlet-test-")
        os.chmod(self.dir.name, 0o700)
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.dir.name, OUTLETD=OUTLETD, OUTLET_NET="t", COLUMNS="120")

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def __call__(self, *args, timeout=20, **more):
        return subprocess.run([OUTLET, *args], env=self.env, text=True, capture_output=True, timeout=timeout, **more)

    def start(self, *args):
        return subprocess.Popen([OUTLET, *args], env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def json(self, *args):
        return json.loads(self(*args, "--json").stdout)

    def until(self, what, seconds=10):
        """Waits for a fact, which is asked for again and again; the bound is for a test that fails."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return True
            time.sleep(0.05)
        return False

    def close(self):
        self("down", "--now")
        self.until(lambda: self("status").returncode == 1, 5)
        self.dir.cleanup()


class Alone(unittest.TestCase):
    """What needs no service."""

    def setUp(self):
        self.o = Outlet()
        self.addCleanup(self.o.dir.cleanup)

    def test_every_command_helps(self):
        commands = [line.split()[0] for line in self.o("--help").stdout.splitlines() if line.startswith("  ") and len(line.split()) > 2
                    and line[2] != " " and not line.startswith("  outlet")]
        self.assertGreaterEqual(len(commands), 12)
        for c in commands:
            done = self.o(c, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), c)
            self.assertTrue(done.stdout.startswith(f"Usage: outlet {c}"), c)

    def test_wrong_command_lines_end_with_2_and_say_what_to_try(self):
        for args in (["frob"], ["ss", "--frob"], ["ss", "--state", "nonsense"], ["ping"], ["ping", "-c", "x", "a"], ["wire", "lan"],
                     ["capture", "-c", "0"], ["ladder", "a", "b"], ["ladder", "--width", "3", "x"], ["explain"], ["status", "x"]):
            done = self.o(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn("--help", done.stderr, args)
            self.assertEqual(done.stdout, "", args)

    def test_without_a_network_one_sentence_says_how_to_start_it(self):
        for args in (["status"], ["ss"], ["hosts"], ["counters"], ["wire"], ["down"], ["capture"], ["ladder"], ["ping", "x"]):
            done = self.o(*args)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), args)
            self.assertIn("outlet up", done.stderr, args)

    def test_explain(self):
        for word in ("ECONNRESET", "econnreset", "104", "10054", "WSAECONNRESET"):
            self.assertIn("WSAECONNRESET 10054", self.o("explain", word).stdout)
        self.assertEqual(self.o("explain", "ENOSUCH").returncode, 1)
        self.assertIn("did you mean ECONNRESET", self.o("explain", "ECONRESET").stderr)
        both = json.loads(self.o("explain", "--json", "EPIPE", "-2").stdout)
        self.assertEqual([e["name"] for e in both], ["EPIPE", "EAI_NONAME"])
        self.assertTrue(all(e["means"] and e["causes"] and e["advice"] for e in both))
        self.assertGreater(len(json.loads(self.o("explain", "--list", "--json").stdout)), 80)

    def test_ladder_of_what_is_no_capture(self):
        done = self.o("ladder", "/etc/passwd")
        self.assertEqual(done.returncode, 1)
        self.assertIn("neither pcapng nor pcap", done.stderr)
        done = self.o("ladder", self.o.path("missing.pcapng"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file", done.stderr)


SERVER = """
import socket
s = socket.create_server(("0.0.0.0", 80))
while True:
    c, _ = s.accept()
    while data := c.recv(65536):
        c.sendall(data)
    c.close()
"""
CLIENT = """
import socket
c = socket.create_connection(("server", 80))
c.sendall(b"x" * 5000)
c.shutdown(socket.SHUT_WR)
got = b""
while data := c.recv(65536):
    got += data
c.close()
assert got == b"x" * 5000
"""


class Live(unittest.TestCase):
    """An echo server on a host, and everything that can be asked meanwhile."""

    @classmethod
    def setUpClass(cls):
        cls.o = Outlet()
        done = cls.o("up")
        assert done.returncode == 0, done.stderr
        cls.server = cls.o.start("run", "--host", "server", "--", sys.executable, "-c", SERVER)
        if not cls.o.until(lambda: "LISTEN" in cls.o("ss", "--host", "server").stdout):
            cls.server.terminate()
            raise AssertionError("the server does not listen: " + cls.o("ss").stderr)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait(10)
        cls.server.stdout.close()
        cls.o.close()

    def test_status_and_hosts(self):
        status = self.o.json("status")
        self.assertEqual((status["net"], status["pinned"]), ("t", True))
        self.assertIn("stays until", self.o("status").stdout)
        self.assertIn("server", self.o("hosts").stdout)
        self.assertIn("routes", self.o("hosts", "server").stdout)
        self.assertEqual(self.o("hosts", "nobody").returncode, 1)

    def test_ss_filters(self):
        self.assertEqual([s["state"] for s in self.o.json("ss", "-l", "--port", "80")["sockets"]], ["LISTEN"])
        self.assertEqual(self.o.json("ss", "-l", "--port", "81")["sockets"], [])
        self.assertEqual(self.o.json("ss", "-u", "--host", "server")["sockets"], [])
        self.assertEqual(self.o.json("ss", "--state", "listen")["sockets"][0]["local"], "0.0.0.0:80")
        self.assertIn("python", self.o("ss", "-l").stdout)
        done = self.o("ss", "--host", "nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody", done.stderr)

    def test_wire_changes_and_refuses(self):
        name = self.o.json("wire")["wires"][0]["name"]
        self.assertIn("delay=1ms", self.o("wire", name, "delay=1ms").stdout)
        self.assertIn("delay=1ms", self.o("wire").stdout)
        done = self.o("wire", name, "loss=200%")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1))
        self.assertEqual(self.o("wire", "nowhere", "loss=1%").returncode, 1)
        self.assertIn("none", self.o("wire", name, "none").stdout)

    def test_ping(self):
        done = self.o("ping", "-c", "2", "-i", "0.01", "--host", "server", "127.0.0.1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 sent, 2 answered", done.stdout)
        lines = [json.loads(line) for line in
                 self.o("ping", "--json", "-c", "1", "--host", "server", "127.0.0.1").stdout.splitlines()]
        self.assertEqual(lines[-1]["received"], 1)
        done = self.o("ping", "-c", "1", "-W", "0.1", "--host", "server", "10.77.99.99")
        self.assertEqual(done.returncode, 1)

    def test_ladder_of_a_program(self):
        svg, cap = self.o.path("x.svg"), self.o.path("x.pcapng")
        done = self.o("ladder", "--port", "80", "--svg", svg, "-w", cap, "--", OUTLET, "run", "--host", "client", "--", sys.executable, "-c",
                      CLIENT)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("SYN seq 0", "SYN ACK seq 0 ack 1", "connect(", "send(5000)", "ESTABLISHED", "TIME-WAIT", "FIN", "5000 bytes to the right"):
            self.assertIn(word, done.stdout)
        with open(svg) as f:
            self.assertTrue(f.read().rstrip().endswith("</svg>"))
        # Read back from the file: the same conversation, states and all.
        rows = json.loads(self.o("ladder", "--port", "80", "--json", cap).stdout)[0]
        self.assertEqual((rows["left"]["host"], rows["right"]["host"]), ("client", "server"))
        self.assertFalse(rows["states_inferred"])
        self.assertEqual(rows["rows"][0]["call_left"], "connect(server:80)")
        self.assertEqual(rows["lost"], 0)
        self.assertIn("TCP", self.o("ladder", "--list", cap).stdout)
        self.assertEqual(self.o("ladder", "--flow", "99", cap).returncode, 1)
        self.assertEqual(self.o("ladder", "--port", "4242", cap).returncode, 1)

    def test_a_programs_status_is_passed_on(self):
        self.assertEqual(self.o("capture", "-q", "--", "sh", "-c", "exit 7").returncode, 7)
        done = self.o("capture", "--", "/no/such/program")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/program", done.stderr)

    def test_capture(self):
        cap = self.o.path("c.pcapng")
        ping = [OUTLET, "ping", "-c", "2", "-i", "0.01", "--host", "server", "127.0.0.1"]
        done = self.o("capture", "-i", "lo", "--host", "server", "--", *ping)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ICMP echo request", done.stdout)
        self.assertIn("ICMP echo reply", done.stdout)
        done = self.o("capture", "--json", "-c", "2", "-i", "lo", "--", *ping)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        self.assertEqual([x["host"] for x in lines], ["server", "server"])
        self.o("capture", "-w", cap, "--", *ping)
        self.assertEqual(os.stat(cap).st_mode & 0o777, 0o600)
        self.assertIn("ICMP", self.o("ladder", "--list", cap).stdout)

    def test_counters(self):
        self.assertIn("delivered", self.o("counters").stdout)
        self.assertEqual(self.o.json("counters", "--host", "server")["hosts"][0]["name"], "server")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
