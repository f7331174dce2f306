# SPDX-License-Identifier: MIT
"""Servers that figures start under a front and ask from outside, natively.

    prepare(bench)      before the first run; finish() after the last
    running(front)      a context in which the server answers; a server that does not end is killed
    load(scale)         requests a second, requests, latencies at .percentiles in us
"""
import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from measure import Failed, Missing, need, run

START = 60  # seconds that a server has to answer
END = 10    # to end, when it was told to


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


class Server:
    """argv(): its command. answers(): Failed as long as it does not. How it is told to end."""
    before = ()
    end = signal.SIGTERM
    percentiles = (50, 90, 99)

    def prepare(self, bench):
        need(*self.needs)

    def finish(self):
        pass

    @contextlib.contextmanager
    def running(self, front):
        self.port = free_port()
        with front.start(self.argv(), self.before, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL) as server:
            try:
                self.wait(server)
                yield
                server.send_signal(self.end)
                server.wait(END)
            except subprocess.TimeoutExpired as why:
                # Other sandboxes may keep the signal for themselves.
                if front.name in ("native", "sandbox", "before"):
                    raise Failed(f"the server did not end in {END} s") from why
            finally:
                if server.poll() is None:
                    server.kill()

    def wait(self, server):
        end = time.monotonic() + START
        while True:
            try:
                return self.answers()
            except (Failed, OSError) as why:
                if server.poll() is not None:
                    raise Failed(f"the server ended with {server.returncode}") from why
                if time.monotonic() > end:
                    raise Failed(f"the server did not answer in {START} s") from why
                time.sleep(0.05)


class Redis(Server):
    needs = ("redis-server", "redis-benchmark", "redis-cli")
    percentiles = (50, 95, 99)

    def __init__(self, pipeline, requests):
        self.pipeline, self.many = pipeline, requests

    def argv(self):
        return ["/usr/bin/redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no"]

    def answers(self):
        run(["redis-cli", "-p", self.port, "ping"])

    def load(self, scale):
        requests = max(int(self.many * scale), 100)
        text = run(["redis-benchmark", "-p", self.port, "-n", str(requests), "-P",
                    str(self.pipeline), "-t", "get", "--csv"])
        head, row = (re.findall(r'"([^"]*)"', line) for line in text.splitlines()[-2:])
        got = dict(zip(head, row))
        try:
            return float(got["rps"]), requests, tuple(
                1e3 * float(got[f"p{p}_latency_ms"]) for p in self.percentiles)
        except KeyError as why:
            raise Failed(f"redis-benchmark has no column {why}") from why


class Http(Server):
    """Asked by wrk on 8 connections for a second. The latencies are its own."""

    def answers(self):
        with socket.create_connection(("127.0.0.1", int(self.port)), 5) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if not s.recv(16).startswith(b"HTTP/1"):
                raise Failed("no HTTP")

    def load(self, scale):
        text = run(["wrk", "-t", "1", "-c", "8", "-d", str(max(int(scale), 1)), "--latency",
                    f"http://127.0.0.1:{self.port}/"])
        unit = {"us": 1.0, "ms": 1e3, "s": 1e6}
        latency = {int(p): float(n) * unit[u]
                   for p, n, u in re.findall(r"^ +(\d+)% +([\d.]+)(us|ms|s)$", text, re.M)}
        if re.search(r"Non-2xx|Socket errors", text):
            raise Failed("requests failed")
        return (float(re.search(r"Requests/sec: +([\d.]+)", text)[1]),
                int(re.search(r"(\d+) requests in", text)[1]),
                tuple(latency[p] for p in self.percentiles))


class Node(Http):
    needs = ("node", "wrk")

    def argv(self):
        return ["node", "-e", "require('http').createServer((q, r) => r.end('hello\\n'))"
                f".listen({self.port}, '127.0.0.1')"]


class Nginx(Http):
    """One worker and the master process, a file of 612 bytes."""
    needs = ("nginx", "wrk")
    end = signal.SIGQUIT

    def prepare(self, bench):
        super().prepare(bench)
        self.place = os.path.join(bench.dir, "nginx")
        for name in ("html", "temp"):
            os.makedirs(os.path.join(self.place, name), exist_ok=True)
        with open(os.path.join(self.place, "html/index.html"), "w", encoding="ascii") as page:
            page.write("x" * 611 + "\n")

    def argv(self):
        conf = os.path.join(self.place, "conf")
        temp = "".join(f"{kind}_temp_path temp/{kind};"
                       for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(conf, "w", encoding="ascii") as f:
            f.write(("user root;" if os.getuid() == 0 else "")
                    + "worker_processes 1; pid temp/pid; error_log stderr; daemon off;"
                    "events { worker_connections 64; }"
                    f"http {{ access_log off; sendfile on; keepalive_requests 1000000; {temp}"
                    f"server {{ listen 127.0.0.1:{self.port}; root html; }} }}\n")
        return ["nginx", "-p", self.place + "/", "-c", conf]


class Postgres(Server):
    """pgbench's own script, two clients. It refuses to be root's: as root it becomes the user
    postgres, with a /dev/kvm of its own in a private mount namespace."""
    needs = ("pgbench", "psql")
    end = signal.SIGINT  # the fast shutdown

    def prepare(self, bench):
        super().prepare(bench)
        versions = "/usr/lib/postgresql"
        if not os.path.isdir(versions):
            raise Missing("postgres")
        self.bin = os.path.join(versions, max(os.listdir(versions), key=float), "bin")
        self.place = tempfile.mkdtemp(prefix="buffervm-bench.")
        self.data = os.path.join(self.place, "data")
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.as_user = []
        if os.getuid() == 0:
            shutil.chown(self.place, "postgres", "postgres")
            self.as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres",
                            "--init-groups"]
            kvm = os.path.join(self.place, "kvm")
            run(["cp", "-a", "/dev/kvm", kvm])
            shutil.chown(kvm, "postgres", "postgres")
            self.before = ["unshare", "--mount", "sh", "-c", f"mount --bind {kvm} /dev/kvm && "
                           "exec \"$@\"", "sh", *self.as_user]
        os.chmod(self.place, 0o700)
        run([*self.as_user, os.path.join(self.bin, "initdb"), "-A", "trust", "-U", self.user,
             "-D", self.data, "--no-sync"], cwd=self.place)
        self.filled = False

    def finish(self):
        shutil.rmtree(self.place)

    def argv(self):
        return [os.path.join(self.bin, "postgres"), "-D", self.data, "-p", self.port,
                "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.place}",
                "-c", "synchronous_commit=off"]

    def client(self, program, *argv):
        return [program, "-h", "127.0.0.1", "-p", self.port, "-U", self.user, *argv, "postgres"]

    def answers(self):
        run(self.client("psql", "-Atc", "select 1"))

    def load(self, scale):
        if not self.filled:
            run(self.client("pgbench", "-i", "-q", "-s", "1"))
            self.filled = True
        each = max(int(200 * scale), 20)
        with tempfile.TemporaryDirectory() as logs:
            text = run(self.client("pgbench", "-n", "-c", "2", "-t", str(each), "-l",
                                   f"--log-prefix={logs}/log"))
            times = []
            for name in os.listdir(logs):
                with open(os.path.join(logs, name), encoding="ascii") as log:
                    times += (float(line.split()[2]) for line in log)
        times.sort()
        if len(times) != 2 * each:
            raise Failed(f"{len(times)} transactions of {2 * each}")
        return (float(re.search(r"tps = ([\d.]+)", text)[1]), len(times),
                tuple(times[len(times) * p // 100] for p in self.percentiles))
