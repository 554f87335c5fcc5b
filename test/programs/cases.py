"""The cases of the program matrix.  Each function gets a fresh network and raises what is wrong."""
import hashlib
import json
import os
import signal
import subprocess
import time

from harness import PYTHON, Failure, Skip, files, need, payload, same, which

SRC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "src")
ALL = []
CACHE = ""          # made once for all runs: a Go binary, a database, keys


class Case:
    def __init__(self, name, server, client, what, run):
        self.name, self.server, self.client, self.what, self.run = name, server, client, what, run


def case(name, server, client, what):
    def add(run):
        ALL.append(Case(name, server, client, what, run))
        return run
    return add


def src(name):
    return os.path.join(CACHE, "src", name)


def prepare_as_starter(work, chosen):
    """Before we become another user: what is slow to make, and copies of what that user may not be able to read."""
    global CACHE
    CACHE = os.path.join(work, "cache")
    os.makedirs(os.path.join(CACHE, "src"))
    os.chmod(CACHE, 0o777)
    for name in os.listdir(SRC):
        with open(os.path.join(SRC, name), "rb") as f, open(src(name), "wb") as out:
            out.write(f.read())
    if any("go " in c.name or c.name.startswith("go") for c in chosen):
        try:
            go = which("go")
        except Skip:
            return
        env = dict(os.environ, CGO_ENABLED="0", GO111MODULE="off")
        subprocess.run([go, "build", "-o", os.path.join(CACHE, "web"), src("web.go")], env=env, timeout=300, check=False)


# ---- web servers and clients ----

def curl_all(net, base, want, host="client"):
    curl = which("curl")
    for name, data in want.items():
        same(net.run(host, [curl, "-sS", "-f", "-m", "25", base + name]), data, f"curl {name}")


def curl_parallel(net, base, want, host="client"):
    """Several at once over several connections, and a range out of the middle."""
    curl, big = which("curl"), max(want, key=lambda n: len(want[n]))
    args = [curl, "-sS", "-f", "-m", "25", "-Z"]
    for i in range(8):
        args += ["-o", net.path(f"got{i}"), base + big]
    net.run(host, args)
    for i in range(8):
        with open(net.path(f"got{i}"), "rb") as f:
            same(f.read(), want[big], f"curl -Z {big}")


@case("busybox", "busybox httpd", "busybox wget", "static; files, 4 at once, names by its own resolver")
def busybox(net):
    bb, want = which("busybox"), files(net.path("www"))
    net.serve("web", [bb, "httpd", "-f", "-p", "80", "-h", net.path("www")], 80)
    for name, data in want.items():
        same(net.run("client", [bb, "wget", "-q", "-O", "-", f"http://web/{name}"]), data, name)
    jobs = "".join(f"{bb} wget -q -O got{i} http://web/f65536.bin & " for i in range(4))
    net.run("client", ["/bin/sh", "-c", jobs + "wait"])
    for i in range(4):
        with open(net.path(f"got{i}"), "rb") as f:
            same(f.read(), want["f65536.bin"], "wget in the background")


@case("curl", "python3 -m http.server", "curl", "files, 8 at once, HTTP errors")
def curl_case(net):
    want = files(net.path("www"))
    net.serve("web", [PYTHON, "-m", "http.server", "80"], 80, cwd=net.path("www"))
    curl_all(net, "http://web/", want)
    curl_parallel(net, "http://web/", want)
    net.run("client", [which("curl"), "-sf", "http://web/nothing"], ok=(22,))
    net.run("client", [which("curl"), "-s", "http://web:81/"], ok=(7,))
    net.run("client", [which("curl"), "-s", "http://no-such-host/"], ok=(6,))


@case("wget", "python3 -m http.server", "wget", "a tree of files; two over one connection")
def wget_case(net):
    wget, want = which("wget"), files(net.path("www"))
    net.serve("web", [PYTHON, "-m", "http.server", "80"], 80, cwd=net.path("www"))
    net.run("client", [wget, "-q", "-r", "-nH", "-P", net.path("got"), "http://web/"])
    net.run("client", [wget, "-q", "-O", net.path("twice"), "http://web/f1461.bin", "http://web/f65536.bin"])
    with open(net.path("twice"), "rb") as f:
        same(f.read(), want["f1461.bin"] + want["f65536.bin"], "two over one connection")
    for name, data in want.items():
        with open(net.path("got", name), "rb") as f:
            same(f.read(), data, name)


@case("python urllib", "python3 -m http.server", "python3 urllib", "files, 8 threads")
def urllib_case(net):
    want = files(net.path("www"))
    net.serve("web", [PYTHON, "-m", "http.server", "80"], 80, cwd=net.path("www"))
    net.run("client", [PYTHON, src("urls.py"), "http://web/", net.path("www"), *want])


def python_echo(net, server, client, size=1000003):
    net.write("payload", payload(server + client, size))
    net.serve("echo", [PYTHON, src("echo.py"), server, "7000"], 7000)
    net.run("client", [PYTHON, src("echo_client.py"), client, "echo", "7000", net.path("payload")])


@case("python asyncio", "python3 asyncio", "python3 asyncio", "8 streams of 1 MB both ways at once")
def asyncio_case(net):
    python_echo(net, "asyncio", "asyncio")


@case("python fork", "python3 ForkingMixIn", "python3 threads", "a process per connection; 8 streams both ways")
def fork_case(net):
    python_echo(net, "fork", "many")


@case("python thread", "python3 ThreadingMixIn", "python3 threads", "a thread per connection; 8 streams both ways")
def thread_case(net):
    python_echo(net, "thread", "many")


@case("python makefile", "python3 makefile", "python3 makefile", "200 lines by stdio-like files")
def makefile_case(net):
    python_echo(net, "lines", "lines")


@case("python timeouts", "python3", "python3", "settimeout, SO_RCVTIMEO")
def timeouts_case(net):
    python_echo(net, "thread", "timeouts")


@case("python connect_ex", "python3", "python3", "0, EISCONN, ECONNREFUSED, EINPROGRESS and what follows")
def connect_ex_case(net):
    python_echo(net, "thread", "connect_ex")


@case("python refused", "none", "python3", "datagrams that nobody wants: poll, recv, recvfrom, recvmsg, send, SO_ERROR")
def refused_case(net):
    net.serve("echo", [PYTHON, src("echo.py"), "thread", "7000"], 7000)
    same(net.run("client", [PYTHON, src("refused.py"), "echo"]), b"refused\n", "what was told")


@case("python urgent", "python3", "python3", "MSG_OOB both ways, SIGURG, SIOCATMARK, select and poll, SO_OOBINLINE")
def urgent_case(net):
    server = net.serve("web", [PYTHON, src("urgent.py"), "serve", "7000"])
    same(net.run("client", [PYTHON, src("urgent.py"), "talk", "web", "7000"]), b"urgent\n", "the client")
    need(server.p.wait(10) == 0, f"the server failed\n{net.logs()}")


@case("python timestamp", "none", "python3", "SO_TIMESTAMP and SO_TIMESTAMPNS of datagrams, connected and not")
def timestamp_case(net):
    same(net.run("web", [PYTHON, src("timestamp.py"), "web"]), b"stamped\n", "the program")


@case("python ip options", "none", "python3", "IP_OPTIONS, IP_RECVOPTS and IP_RETOPTS of datagrams, connected and not")
def ip_options_case(net):
    same(net.run("web", [PYTHON, src("ip_options.py"), "web"]), b"recorded\n", "the program")


@case("python multicast", "none", "python3", "groups with source filters: joined, blocked, read back with IP_MSFILTER")
def multicast_case(net):
    same(net.run("web", [PYTHON, src("multicast.py"), "web"]), b"filtered\n", "the program")


@case("tables", "python3", "ss, netstat, route, arp, ip", "the host's own sockets, routes and neighbours, and the program that owns them")
def tables_case(net):
    net.serve("web", [PYTHON, src("echo.py"), "thread", "7000"], 7000)
    def says(program, args, *wanted):
        got = net.run("web", [which(program), *args]).decode()
        for word in wanted:
            need(word in got, f"{program} {' '.join(args)} does not say {word}:\n{got}")
    net.run("client", [PYTHON, "-c", "import socket; socket.create_connection(('web', 7000), 5).close()"])
    says("ip", ["neigh"], "lladdr 02:4f:4c:")
    says("ip", ["rule"], "lookup main")
    says("ss", ["-Htlnp"], ":7000", "python3")
    says("ss", ["-Htln", "sport", "=", ":7000"], ":7000")
    need(not net.run("web", [which("ss"), "-Htln", "sport", "=", ":7001"]), "ss shows what its filter forbids")
    says("netstat", ["-tln"], ":7000", "LISTEN")
    says("route", ["-n"], "10.77.0.0", "255.255.0.0", "eth0")
    says("arp", ["-n"], "02:4f:4c:", "eth0")


@case("php server", "php -S", "curl", "files, 8 at once, a script")
def php_server(net):
    php, want = which("php"), files(net.path("www"))
    with open(net.path("www", "sum.php"), "w") as f:
        f.write("<?php echo md5(file_get_contents('php://input'));")
    net.serve("web", [php, "-S", "0.0.0.0:80", "-t", net.path("www")], 80)
    curl_all(net, "http://web/", want)
    curl_parallel(net, "http://web/", want)
    body = payload("php body", 300000)
    got = net.run("client", [which("curl"), "-sSf", "--data-binary", "@-", "http://web/sum.php"], stdin=body)
    same(got, hashlib.md5(body).hexdigest().encode(), "what the script got")


@case("php sockets", "php socket_*", "php socket_*, fsockopen", "echo of 200 kB, select, shutdown, peer names")
def php_sockets(net):
    php = which("php")
    if b"sockets" not in subprocess.run([php, "-m"], capture_output=True).stdout:
        raise Skip("php has no sockets extension")
    net.write("payload", payload("php", 200003))
    net.serve("echo", [php, src("sockets.php"), "serve", "7000"], 7000)
    net.run("client", [php, src("sockets.php"), "talk", "echo", "7000", net.path("payload")])
    net.run("client", [php, src("sockets.php"), "open", "echo", "7000", net.path("payload")])


@case("php to python", "python3 asyncio", "php socket_*", "two languages, echo of 200 kB")
def php_to_python(net):
    php = which("php")
    net.write("payload", payload("php2", 200003))
    net.serve("echo", [PYTHON, src("echo.py"), "asyncio", "7000"], 7000)
    net.run("client", [php, src("sockets.php"), "talk", "echo", "7000", net.path("payload")])


@case("node", "node http", "node http", "files, 4 at once")
def node_case(net):
    node, want = which("node", "nodejs"), files(net.path("www"))
    net.serve("web", [node, src("web.js"), "serve", "80", net.path("www")], 80)
    net.run("client", [node, src("web.js"), "get", "http://web/", net.path("www"), *want], timeout=60)
    curl_all(net, "http://web/", want)


@case("go", "Go net/http (static)", "Go net/http (static)", "files, 8 at once")
def go_case(net):
    web, want = os.path.join(CACHE, "web"), files(net.path("www"))
    which("go")
    need(os.access(web, os.X_OK), "the Go program did not build")
    net.serve("web", [web, "serve", "80", net.path("www")], 80)
    for name in want:
        net.run("client", [web, "get", f"http://web/{name}", net.path("www", name)])


NGINX = """
worker_processes 2; daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; default_type application/octet-stream; keepalive_timeout {keep};
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  server {{ listen 80; root {dir}/www; location = /which {{ return 200 "{mark}"; }} }}
}}
"""


def nginx_start(net):
    nginx = which("nginx")
    net.write("nginx.conf", NGINX.format(dir=net.dir, keep=65, mark="one"))
    return nginx, net.serve("web", [nginx, "-p", net.dir, "-e", net.path("start.log"), "-c", net.path("nginx.conf")], 80)


@case("nginx", "nginx, 2 workers", "curl", "files, 8 at once, `-s reload` during a download, the new configuration after it")
def nginx_case(net):
    want = files(net.path("www"))
    nginx, server = nginx_start(net)
    curl, conf = which("curl"), net.path("nginx.conf")
    curl_all(net, "http://web/", want)
    curl_parallel(net, "http://web/", want)
    same(net.run("client", [curl, "-sSf", "http://web/which"]), b"one", "before the reload")
    net.write("nginx.conf", NGINX.format(dir=net.dir, keep=66, mark="two"))
    slow = net.start("client", [curl, "-sSf", "-m", "25", "--limit-rate", "2M", "http://web/f3145735.bin"])
    net.run("web", [nginx, "-p", net.dir, "-e", net.path("start.log"), "-c", conf, "-s", "reload"])
    end = time.monotonic() + 10
    while net.run("client", [curl, "-sSf", "http://web/which"]) != b"two":
        need(time.monotonic() < end, "the reload did nothing within 10 s")
    same(slow.communicate(timeout=30)[0], want["f3145735.bin"], "a download that the reload fell into")
    curl_all(net, "http://web/", want)
    need(server.alive(), "nginx ended")
    need(server.end(signal.SIGQUIT) == 0, "nginx ended with another status than 0")


@case("fast open", "nginx fastopen=, haproxy tfo", "curl --tcp-fastopen, python3 MSG_FASTOPEN",
      "requests that leave with the SYN, both ways through a proxy; TCP_INFO says so")
def fast_open_case(net):
    nginx, haproxy, curl = which("nginx"), which("haproxy"), which("curl")
    want = files(net.path("www"))
    net.env["OUTLET_NET"] = net.write(net.name + ".yaml", """
wires:
  lan:
    subnet: 10.1.0.0/24
    faults: delay=2ms
hosts:
  web: { wire: lan, settings: { tcp_fastopen: 3 } }
  front: { wire: lan, settings: { tcp_fastopen: 3 } }
  client: { wire: lan }
guests: lan
""")
    net.write("nginx.conf", NGINX.format(dir=net.dir, keep=0, mark="fast").replace("listen 80;", "listen 80 fastopen=64;"))
    net.serve("web", [nginx, "-p", net.dir, "-e", net.path("start.log"), "-c", net.path("nginx.conf")], 80)
    address = net.run("front", [PYTHON, "-c", "import socket; print(socket.gethostbyname('web'))"]).decode().strip()
    net.serve("front", [haproxy, "-db", "-f", net.write("haproxy.cfg", f"""
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  retry-on conn-failure empty-response response-timeout
frontend all
  bind 0.0.0.0:80 tfo
  default_backend web
backend web
  server one {address}:80 tfo
""")], 80)
    for host in ("web", "front"):
        net.run("client", [PYTHON, src("fast_open.py"), host, net.path("www", "f65536.bin")])
        for _ in range(2):
            for name, data in want.items():
                same(net.run("client", [curl, "-sSf", "-m", "25", "--tcp-fastopen", f"http://{host}/{name}"]), data, name)


@case("lighttpd", "lighttpd", "curl", "files, 8 at once")
def lighttpd_case(net):
    want = files(net.path("www"))
    conf = net.write("lighttpd.conf", f'server.document-root = "{net.path("www")}"\nserver.port = 80\n'
                     f'server.errorlog = "{net.path("error.log")}"\nserver.bind = "0.0.0.0"\n')
    net.serve("web", [which("lighttpd"), "-D", "-f", conf], 80)
    curl_all(net, "http://web/", want)
    curl_parallel(net, "http://web/", want)


@case("haproxy", "haproxy before python3 -m http.server", "curl", "three hosts; HTTP mode, and TCP mode with splice")
def haproxy_case(net):
    want = files(net.path("www"))
    haproxy = which("haproxy")
    net.serve("web", [PYTHON, "-m", "http.server", "8000"], 8000, cwd=net.path("www"))
    address = net.run("lb", [PYTHON, "-c", "import socket; print(socket.gethostbyname('web'))"]).decode().strip()
    conf = net.write("haproxy.cfg", f"""
global
  maxconn 500
defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend http
  mode http
  bind 0.0.0.0:80
  default_backend web
backend web
  mode http
  server one {address}:8000
listen tcp
  mode tcp
  option splice-auto
  bind 0.0.0.0:81
  server one {address}:8000
""")
    net.serve("lb", [haproxy, "-db", "-f", conf], 80)
    for port in (80, 81):
        curl_all(net, f"http://lb:{port}/", want)
        curl_parallel(net, f"http://lb:{port}/", want)


SERIAL = """
wires:
  ppp: {kind: ppp, faults: rate=4mbit delay=2ms corrupt=0.2%%}
  cslip: {kind: cslip, faults: rate=4mbit delay=2ms}
  slip: {kind: slip, faults: rate=4mbit delay=2ms}
hosts:
  web:
    interfaces:
      - {wire: ppp, address: 10.1.0.1/24, peer-address: 10.1.0.9}
      - {wire: cslip, address: 10.2.0.1/24}
      - {wire: slip, address: 10.3.0.1/24}
  client:
    settings: {tcp_timestamps: 0}
    interfaces:
      - {wire: ppp}
      - {wire: cslip, address: 10.2.0.2/24}
      - {wire: slip, address: 10.3.0.2/24}
seed: 1
captures:
  - {file: %s, host: web}
"""


@case("serial lines", "python3 -m http.server, socat", "curl, socat, ip", "files over PPP (its address given, the line damaged), CSLIP and SLIP; the capture of each")
def serial_case(net):
    want = {"index.html": b"serial\n", "some.bin": payload(5, 120000)}
    os.makedirs(net.path("www"))
    for name, data in want.items():
        net.write(os.path.join("www", name), data)
    net.file = net.write("serial.yaml", SERIAL % net.path("web.pcapng"))
    net.serve("web", [PYTHON, "-m", "http.server", "8000"], cwd=net.path("www"))
    curl, socat = which("curl"), which("socat")
    net.run("client", [curl, "-sS", "--retry", "40", "--retry-delay", "0", "--retry-connrefused", "--retry-all-errors", "-o", os.devnull,
                       "http://10.3.0.1:8000/"], 40)
    for kind, address in ("ppp", "10.1.0.1"), ("cslip", "10.2.0.1"), ("slip", "10.3.0.1"):
        for name, data in want.items():
            same(net.run("client", [curl, "-sS", "-f", "-m", "25", f"http://{address}:8000/{name}"]), data, f"{name} over {kind}")
    net.serve("web", [socat, "TCP-LISTEN:7,fork,reuseaddr", "EXEC:cat"])
    text = payload(6, 20000)
    for address in "10.1.0.1", "10.2.0.1", "10.3.0.1":
        same(net.run("client", [socat, "-t10", "STDIO", f"TCP:{address}:7,retry=40,interval=0.2"], 40, text), text, f"echo from {address}")
    said = net.run("client", [which("ip"), "address"]).decode()
    need("inet 10.1.0.9/32" in said and "link/ppp" in said and "link/slip" in said and "link/cslip" in said, f"ip address says\n{said}")
    tshark = which("tshark")
    for tries in range(20):             # captures are written once a second
        seen = subprocess.run([tshark, "-r", net.path("web.pcapng"), "-Y", "lcp || ipcp || http.request"], capture_output=True, env=net.env).stdout.decode()
        missing = [w for w in ("PPP LCP", "PPP IPCP", "10.1.0.9", "10.2.0.2", "10.3.0.2", "GET /some.bin") if w not in seen]
        if not missing:
            break
        time.sleep(0.5)
    need(not missing, f"the capture has no {missing}:\n{seen[:2000]}")


RARP = """
wires:
  lan: {}
hosts:
  server: {wire: lan, address: 10.0.0.1/8, rarp-table: [{mac: "02:00:00:00:00:07", address: 10.0.0.7}]}
  station: {wire: lan, mac: "02:00:00:00:00:07", rarp: yes}
"""


@case("rarp", "python3 -m http.server", "ip, curl", "a station that is told its address by RARP")
def rarp_case(net):
    net.file = net.write("rarp.yaml", RARP)
    net.write("index.html", "told\n")
    net.serve("server", [PYTHON, "-m", "http.server", "8000"])
    got = net.run("station", [which("curl"), "-sS", "--retry", "40", "--retry-delay", "0", "--retry-all-errors", "http://10.0.0.1:8000/index.html"], 40)
    same(got, b"told\n", "curl")
    said = net.run("station", [which("ip"), "-4", "address", "show", "eth0"]).decode()
    need("inet 10.0.0.7/8" in said, f"ip address says\n{said}")


# ---- load ----

@case("wrk", "nginx, 2 workers", "wrk", "50 connections for 2 s, no socket error, no other status than 2xx")
def wrk_case(net):
    wrk = which("wrk")
    files(net.path("www"))
    nginx_start(net)
    out = net.run("client", [wrk, "-t2", "-c50", "-d2s", "--timeout", "30s", "http://web/f1461.bin"]).decode()
    need("Requests/sec" in out and "Socket errors" not in out and "Non-2xx" not in out, out)


@case("ab", "nginx, 2 workers", "ab", "2000 requests, 20 at a time, each on its own connection; then kept alive")
def ab_case(net):
    ab = which("ab")
    files(net.path("www"))
    nginx_start(net)
    for more in ([], ["-k"]):
        out = net.run("client", [ab, "-q", "-n", "2000", "-c", "20", *more, "http://web/f1461.bin"], timeout=60).decode()
        need("Complete requests:      2000" in out and "Failed requests:        0" in out and "Non-2xx" not in out, out)


# ---- databases and caches ----

@case("redis", "redis-server", "redis-cli, redis-benchmark -P 16", "a value of 1 MB; 20000 SET and GET in pipelines")
def redis_case(net):
    server, bench, cli = which("redis-server"), which("redis-benchmark"), which("redis-cli")
    net.serve("db", [server, "--bind", "0.0.0.0", "--port", "6379", "--protected-mode", "no", "--save", "", "--dir", net.dir],
              6379)
    value = payload("redis", 1000003)
    need(net.run("client", [cli, "-h", "db", "-x", "set", "k"], stdin=value).strip() == b"OK", "SET failed")
    same(net.run("client", [cli, "-h", "db", "get", "k"])[:-1], value, "GET")
    out = net.run("client", [bench, "-h", "db", "-P", "16", "-n", "20000", "-c", "20", "-t", "set,get", "-q"], timeout=60)
    need(out.count(b"requests per second") == 2 and b"rror" not in out, out.decode(errors="replace"))


@case("memcached", "memcached, 4 threads", "python3", "1 MB in pieces over two connections; a question by UDP")
def memcached_case(net):
    memcached = which("memcached")
    net.write("payload", payload("memcached", 1000003))
    net.serve("cache", [memcached, "-l", "0.0.0.0", "-p", "11211", "-U", "11211", "-t", "4"], 11211)
    net.run("client", [PYTHON, src("memcache.py"), "cache", "11211", net.path("payload")])


@case("postgres", "PostgreSQL", "psql, pgbench", "a table and a 200 kB text; pgbench of 4 clients")
def postgres_case(net):
    initdb, postgres, psql, pgbench = which("initdb"), which("postgres"), which("psql"), which("pgbench")
    initdb, postgres = os.path.realpath(initdb), os.path.realpath(postgres)
    data = os.path.join(CACHE, "pgdata")
    if not os.path.isdir(data):
        made = subprocess.run([initdb, "-D", data + ".new", "-A", "trust", "-U", "tester", "-N"], capture_output=True, timeout=120,
                              env=net.env)
        need(made.returncode == 0, "initdb: " + made.stderr.decode(errors="replace")[-500:])
        with open(os.path.join(data + ".new", "pg_hba.conf"), "a") as f:
            f.write("host all all 0.0.0.0/0 trust\n")
        os.rename(data + ".new", data)
    server = net.serve("db", [postgres, "-D", data, "-c", "listen_addresses=0.0.0.0", "-k", net.dir, "-c", "fsync=off"], 5432)
    text = payload("pg", 100000).hex()
    to = [psql, "-h", "db", "-U", "tester", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qAt"]
    net.run("client", to, stdin=f"drop table if exists t; create table t(v text); insert into t values ('{text}');".encode())
    same(net.run("client", [*to, "-c", "select v from t"]).strip(), text.encode(), "select")
    bench = [pgbench, "-h", "db", "-U", "tester"]
    net.run("client", [*bench, "-i", "-q", "postgres"], timeout=60)
    out = net.run("client", [*bench, "-c", "4", "-j", "2", "-t", "50", "postgres"], timeout=60).decode()
    need("200/200" in out, out)
    need(server.end(signal.SIGINT, 15) == 0, "postgres ended with another status than 0")


# ---- logins ----

@case("ssh", "sshd", "ssh, scp", "a command's output and status, 3 MB through a pipe both ways, scp both ways")
def ssh_case(net):
    sshd, ssh, scp, keygen = which("sshd"), which("ssh"), which("scp"), which("ssh-keygen")
    sftp = next((p for p in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server") if os.path.exists(p)), "internal-sftp")
    who = subprocess.run(["id", "-un"], capture_output=True, text=True)
    if who.returncode or subprocess.run(["getent", "passwd", who.stdout.strip()], capture_output=True, text=True).stdout.strip() \
            .endswith(("nologin", "false")):
        raise Skip("the user that runs this has no account with a shell")
    key = os.path.join(CACHE, "key")
    if not os.path.exists(key):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=30)
    conf = net.write("sshd_config", f"""
Port 2222
HostKey {key}
AuthorizedKeysFile {key}.pub
PidFile {net.path("sshd.pid")}
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp {sftp}
""")
    net.serve("box", [sshd, "-D", "-e", "-f", conf], 2222)
    opts = ["-F", "none", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={net.path('known')}",
            "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"]
    to = [ssh, *opts, "-p", "2222", "box"]
    same(net.run("client", [*to, "echo hello; exit 3"], ok=(3,)), b"hello\n", "ssh")
    data = payload("ssh", 3000001)
    same(net.run("client", [*to, "cat"], stdin=data), data, "through cat")
    net.write("up", data)
    net.run("client", [scp, *opts, "-q", "-P", "2222", net.path("up"), f"box:{net.path('there')}"])
    net.run("client", [scp, *opts, "-q", "-P", "2222", f"box:{net.path('there')}", net.path("back")])
    with open(net.path("back"), "rb") as f:
        same(f.read(), data, "scp there and back")


# ---- tools ----

@case("socat", "socat TCP-LISTEN,fork", "socat", "a process per connection running cat; 1 MB, 5 at once; UDP")
def socat_case(net):
    socat = which("socat")
    net.serve("echo", [socat, "TCP-LISTEN:7000,fork,reuseaddr", "EXEC:cat"], 7000)
    data = payload("socat", 1000003)
    same(net.run("client", [socat, "-t20", "-", "TCP:echo:7000"], stdin=data), data, "through socat")
    net.write("in", data)
    jobs = "".join(f"{socat} -t20 - TCP:echo:7000 < in > out{i} & " for i in range(5))
    net.run("client", ["/bin/sh", "-c", jobs + "wait"], timeout=60)
    for i in range(5):
        with open(net.path(f"out{i}"), "rb") as f:
            same(f.read(), data, "five at once")
    net.serve("udp", [socat, "-T5", "UDP-RECVFROM:7001,fork", "EXEC:cat"])
    for _ in range(20):
        got = net.run("client", [socat, "-t0.5", "-", "UDP:udp:7001"], stdin=b"a datagram", ok=(0, 1))
        if got:
            break
        time.sleep(0.1)
    same(got, b"a datagram", "by UDP")


@case("iperf3", "iperf3", "iperf3, -R, -P 4, -u", "1 s each way; four streams; datagrams at 5 Mbit/s")
def iperf_case(net):
    iperf = which("iperf3")
    server = net.serve("srv", [iperf, "-s", "--forceflush"], ready_in_log="Server listening")
    for n, more in enumerate(([], ["-R"], ["-P", "4"], ["-u", "-b", "5M", "-l", "1200"], ["-u", "-b", "5M", "-l", "1200", "-R"])):
        server.wait_log("Server listening", times=n + 1)        # it closes its listener after each test, and says when it is back
        for tries in range(10):      # between two tests it says that it is busy
            out = net.run("client", [iperf, "-c", "srv", "-t", "1", "-J", *more], ok=(0, 1))
            result = json.loads(out)
            if "error" not in result or tries == 9 or "busy" not in result["error"]:
                break
            time.sleep(0.2)
        need("error" not in result, f"{' '.join(more)}: {result.get('error')}")
        if "-u" in more:
            end = result["end"]["sum"]
            need(end["packets"] > 200 and end["lost_packets"] <= end["packets"] // 4, f"{end}")
        else:
            sent, got = result["end"]["sum_sent"]["bytes"], result["end"]["sum_received"]["bytes"]
            need(got > 1 << 20 and got <= sent, f"{' '.join(more)}: sent {sent}, received {got}")


@case("dns", "unbound", "dig", "UDP and TCP; a small and a long answer, a name that does not exist")
def dns_case(net):
    unbound, dig = which("unbound"), which("dig")
    long = " ".join(f'"{payload("dns" + str(i), 100).hex()}"' for i in range(12))
    conf = net.write("unbound.conf", f"""
server:
  interface: 0.0.0.0
  port: 5353
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{net.dir}"
  pidfile: "{net.path('unbound.pid')}"
  use-syslog: no
  logfile: ""
  num-threads: 2
  local-zone: "test." static
  local-data: "www.test. A 192.0.2.7"
  local-data: 'long.test. TXT {long}'
remote-control:
  control-enable: no
""")
    net.serve("ns", [unbound, "-d", "-c", conf], 5353)
    address = net.run("client", [PYTHON, "-c", "import socket; print(socket.gethostbyname('ns'))"]).decode().strip()
    ask = [dig, f"@{address}", "-p", "5353", "+short", "+tries=2", "+time=3"]
    for how in ([], ["+tcp"]):
        same(net.run("client", [*ask, *how, "www.test", "A"]).strip(), b"192.0.2.7", "A " + " ".join(how))
        got = net.run("client", [*ask, *how, "long.test", "TXT"]).decode().replace('"', "").split()
        same("".join(got).encode(), "".join(payload("dns" + str(i), 100).hex() for i in range(12)).encode(), "TXT " + " ".join(how))
        out = net.run("client", [dig, f"@{address}", "-p", "5353", *how, "no.test"]).decode()
        need("NXDOMAIN" in out, out)
        # the name server that every host is given knows the hosts
        same(net.run("client", [dig, *how, "+short", "+tries=2", "+time=3", "-q", "ns", "-t", "A"]).strip(), address.encode(), "a host's name " + " ".join(how))
