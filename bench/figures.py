# SPDX-License-Identifier: MIT
"""What is measured: one class for each kind of figure, one row for each figure.

A figure is measured once by `once(bench, front, scale)`; scale says how much of it is done. It gives
a Result: a value in the figure's unit, the number of operations that were done, and for servers the
latencies at the server's percentiles in microseconds.
"""
import collections
import os
import re
import shutil
import subprocess
import tempfile

from measure import Failed, ROOT, need, run
from servers import Nginx, Node, Postgres, Redis

Result = collections.namedtuple("Result", "value operations latency", defaults=((),))
CHILDREN = 16  # in how many the memory of a further process is measured
SLEEPERS = 2000


class Figure:
    only = ()       # fronts that it can be measured under; none named: all
    whole = False   # the value is of a whole program: so are the counts
    short = 0.2     # how much of it the short run of Bench.count does
    rate = False    # more is better
    more = 1        # rounds: so many times those of others
    counted = True  # operations of it can be counted
    svm = True      # can be measured inside QEMU's emulated AMD-V

    def prepare(self, bench):
        """Before the first run. Missing: a program that it needs is not installed."""

    def finish(self):
        """After the last run."""


class Probe(Figure):
    """A figure of bench/probe.c, which says its value and the number of operations."""

    def __init__(self, name, unit=1.0, file=False, rate=False, counted=True):
        self.name, self.unit, self.file = name, unit, file
        self.rate, self.counted = rate, counted

    def prepare(self, bench):
        self.argv = [bench.compiled("probe", "-pthread"), self.name]
        if self.file:
            self.argv.append(big_file(bench))

    def once(self, bench, front, scale):
        out = front.run(self.argv, env={**os.environ, "PROBE_SCALE": str(scale)}).split()
        return Result(float(out[0]) * self.unit, int(out[1]))


def big_file(bench):
    path = os.path.join(bench.dir, "64MiB")
    if not os.path.exists(path):
        with open(path + ".tmp", "wb") as out:
            for _ in range(64):
                out.write(os.urandom(1 << 20))
        os.rename(path + ".tmp", path)
    return path


class Command(Figure):
    """Milliseconds of a whole command."""
    whole = True

    def __init__(self, argv, more=4):
        self.argv, self.more = argv, more

    def prepare(self, bench):
        need(self.argv[0])

    def once(self, bench, front, scale):
        return Result(1e3 * front.seconds(self.argv), 1)


class RunAdded(Figure):
    """Milliseconds that `buffervm run /bin/true` takes more than `buffervm /bin/true`; natively, what
    /bin/true takes."""
    only = ("native", "sandbox", "before")
    counted = False

    def once(self, bench, front, scale):
        if front.name == "native":
            return Result(1e3 * front.seconds(["/bin/true"]), 1)
        options = ["run", "--quiet", "--cwd=/"]
        plain, jailed = [], []
        for _ in range(9):
            plain.append(front.seconds(["/bin/true"]))
            jailed.append(front.seconds([*options, "/bin/true"]))
        return Result(1e3 * (sorted(jailed)[4] - sorted(plain)[4]), 1)


class OpenInJail(Figure):
    """How many times as long as without a jail open, fstat and close of a file take."""
    only = ("native", "sandbox", "before")
    counted = False

    def __init__(self, option):
        self.option = option

    def prepare(self, bench):
        self.place = os.path.join(bench.dir, "tree")
        self.probe = bench.compiled("probe", "-pthread")
        os.makedirs(os.path.join(self.place, "a/b"), exist_ok=True)
        with open(os.path.join(self.place, "a/b/file"), "w", encoding="ascii") as f:
            f.write("x")

    def once(self, bench, front, scale):
        if front.name == "native":
            return Result(1, 1)
        argv = [self.probe, "open", "a/b/file"]
        options = ["run", "--quiet", "--env=PROBE_SCALE", "-r", self.probe, self.option, self.place, "--cwd",
                   self.place]
        env = {**os.environ, "PROBE_SCALE": str(scale / 20)}
        plain, jailed = [], []
        for _ in range(9):
            plain.append(float(front.run(argv, env=env, cwd=self.place).split()[0]))
            jailed.append(float(front.run([*options, *argv], env=env, cwd=self.place).split()[0]))
        return Result(sorted(jailed)[4] / sorted(plain)[4], 1)


class Hello(Command):
    def __init__(self):
        super().__init__([])

    def prepare(self, bench):
        self.argv = [bench.compiled("hello")]


class Traced(Command):
    """How many times as long a command takes with --trace=/dev/null."""
    whole = False

    def once(self, bench, front, scale):
        plain = front.seconds(self.argv)
        if front not in bench.sandboxes():
            return Result(1, 1)
        return Result(front.counting("--trace=/dev/null").seconds(self.argv) / plain, 1)


class PythonRun(Figure):
    """
    Milliseconds that the Python module's run(["true"]) takes beyond the command itself; natively,
    subprocess.run beyond the program.
    """
    counted = False
    svm = False
    SCRIPT = """import os, sys, time
import buffervm, subprocess
command = sys.argv[1:]
module = buffervm if command else subprocess
first = (command + ["/bin/true"])[0]
least = []
for run in (lambda: os.waitpid(os.posix_spawn(first, command + ["/bin/true"], os.environ), 0),
            lambda: module.run(["/bin/true"])):
    times = []
    for _ in range(20):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    least.append(sorted(times)[len(times) // 2])
print(1e3 * (least[1] - least[0]))
"""

    def prepare(self, bench):
        need("/usr/bin/python3")

    def once(self, bench, front, scale):
        boxed = front in bench.sandboxes()
        env = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "python")}
        if boxed:
            env["BUFFERVM"] = front.argv[0]
        out = run(["/usr/bin/python3", "-c", self.SCRIPT, *(front.argv if boxed else ())], env=env)
        return Result(max(float(out), 0.001), 1)


class Shell(Figure):
    """Command substitutions with a pipeline in bash, milliseconds each."""
    svm = False

    def prepare(self, bench):
        need("bash", "sed")

    def once(self, bench, front, scale):
        n = max(int(40 * scale), 1)
        text = f"for ((i = 0; i < {n}; i++)); do x=$(echo a | sed s/a/b/); done; [ $x = b ]"
        return Result(1e3 * front.seconds(["bash", "-c", text]) / n, n)


class Sqlite(Command):
    """A table of 5,000 rows in a file, an index, and some questions."""
    svm = False
    SCRIPT = """create table t (i integer primary key, s text);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
insert into t select i, hex(i * 7919 % 5000) from n;
commit;
create index x on t (s);
select count(*) from t where s between '31' and '33';
delete from t where i % 7 = 0;
select sum(i) from t;
"""

    def __init__(self):
        super().__init__(["sqlite3"], more=1)

    def once(self, bench, front, scale):
        with tempfile.TemporaryDirectory(dir=bench.dir) as place:
            argv = ["sqlite3", os.path.join(place, "db"), self.SCRIPT]
            return Result(1e3 * front.seconds(argv), 1)


class GitStatus(Command):
    """In a repository of 500 files in 20 directories."""
    svm = False

    def __init__(self):
        super().__init__(["git", "status", "--short"], more=1)

    def prepare(self, bench):
        super().prepare(bench)
        self.place = os.path.join(bench.dir, "repository")
        if os.path.exists(os.path.join(self.place, ".git", "index")):
            return
        shutil.rmtree(self.place, ignore_errors=True)
        for n in range(500):
            path = os.path.join(self.place, f"d{n % 20}", f"f{n}")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as f:
                f.write(f"file {n}\n" * 20)
        for argv in (["init", "-q"], ["add", "."],
                     ["-c", "user.name=bench", "-c", "user.email=", "commit", "-qm", "all"]):
            run(["git", *argv], cwd=self.place)

    def once(self, bench, front, scale):
        return Result(1e3 * front.seconds(self.argv, cwd=self.place), 1)


class Build(Figure):
    """Seconds that make -j4 takes for 100 C files."""
    whole = True
    more = 0.34
    svm = False

    def prepare(self, bench):
        need("make", "gcc")
        self.place = os.path.join(bench.dir, "project")
        os.makedirs(self.place, exist_ok=True)
        if not os.path.exists(os.path.join(self.place, "Makefile")):
            run([os.path.join(ROOT, "tests/conformance/make-project")], cwd=self.place)

    def once(self, bench, front, scale):
        for name in os.listdir(self.place):
            if name == "program" or name.endswith(".o"):
                os.unlink(os.path.join(self.place, name))
        return Result(front.seconds(["/usr/bin/make", "-s", "-j4"], cwd=self.place), 1)


def smaps(pid, field):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return int(re.search(rf"^{field}:\s+(\d+)", rollup.read(), re.M).group(1)) / 1024


class Memory(Figure):
    """Resident MiB of a program that waits, and of nothing else."""
    only = ("native", "sandbox", "before")
    counted = False

    def prepare(self, bench):
        self.probe = bench.compiled("probe", "-pthread")

    def waiting(self, front, argv, look):
        """look(pid, line) of a program that waits for its input to end, after its first line."""
        with front.start([self.probe, *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
            try:
                line = p.stdout.readline().decode()
                if not line:
                    raise Failed("it ended before it was looked at")
                return look(p.pid, line)
            finally:
                p.stdin.close()

    def once(self, bench, front, scale):
        return Result(self.waiting(front, ["idle"], lambda pid, line: smaps(pid, "Rss")), 1)


class Family(Memory):
    """MiB that a further waiting process costs; natively its private pages."""

    def once(self, bench, front, scale):
        if not front.argv:
            own = self.waiting(front, ["family", "1"], lambda pid, line: int(line.split()[1]))
            return Result(own / 1024, 1)
        few, many = (self.waiting(front, ["family", str(n)], lambda pid, line: smaps(pid, "Rss"))
                     for n in (1, 1 + CHILDREN))
        return Result((many - few) / CHILDREN, 1)


class Sleepers(Memory):
    """KiB that a thread costs which sleeps in a futex; natively its stack and no memory of Linux's."""

    def once(self, bench, front, scale):
        few, many = (self.waiting(front, ["sleepers", str(n)], lambda pid, line: smaps(pid, "Rss"))
                     for n in (SLEEPERS, 2 * SLEEPERS))
        return Result((many - few) * 1024 / SLEEPERS, 1)


class Served(Figure):
    """Thousands of requests a second of a server in the sandbox, asked from outside. Its counts are
    of a request."""
    rate = True
    svm = False
    short = 0.0  # the server starts, answers once, and ends

    def __init__(self, server):
        self.server = server

    def prepare(self, bench):
        self.server.prepare(bench)

    def finish(self):
        self.server.finish()

    def once(self, bench, front, scale):
        with self.server.running(front):
            if scale == 0:
                return Result(0, 0)
            rate, requests, latency = self.server.load(scale)
        return Result(rate / 1e3, requests, latency)


# How a target is judged. Kinds of limits for the value, and for the entries into the guest:
#   most N           the sandbox's value
#   doorbell N       the value less one hostcall that leaves the guest (buffervm -v)
#   ratio N          value over native
#   speed N          native over value, at least
#   rate N           the sandbox's rate over native, at least
#   beyond N         value less native
#   gain N           better than the build before by this factor, at least (--against)
#   entries N        guest entries of an operation
#   entries-part N   guest entries over those of the build before (--against)
# The limits are those of a host on which an entry into the guest costs about 20 us; the last two
# kinds, ratios and gains are to hold anywhere.

# name, text with unit, how, targets
FIGURES = [
    ("hello", "dynamic hello, exec to exit, ms", Hello(), [("most", 7), ("gain", 2.2)]),
    ("true", "/bin/true, ms", Command(["/bin/true"]),
     [("entries", 110), ("entries-part", 0.38)]),
    ("run", "run /bin/true above plain, ms", RunAdded(), [("most", 2)]),
    ("open-read", "open in a jail's read-only tree, times plain", OpenInJail("-r"), [("most", 1.15)]),
    ("open-overlay", "open in an overlay, times plain", OpenInJail("--overlay"), [("most", 1.5)]),
    ("python", "python3 -c pass, ms", Command(["/usr/bin/python3", "-c", "pass"]),
     [("most", 28), ("gain", 2.4), ("entries", 400), ("entries-part", 0.29)]),
    ("integer", "integer loop, ns", Probe("integer", counted=False), [("speed", 0.98)]),
    ("avx", "AVX2 loop, ns", Probe("avx", counted=False), [("speed", 0.98)]),
    ("chase", "pointer chase in 64 MiB, ns", Probe("chase", counted=False), [("speed", 0.98)]),
    ("mutex", "uncontended mutex, ns", Probe("mutex", counted=False), [("speed", 0.98)]),
    ("call", "system call (getppid), us", Probe("call", 1e-3), [("most", 0.4), ("gain", 50)]),
    ("read-one", "1-byte read, us", Probe("read-one", 1e-3), [("doorbell", 5), ("gain", 1.3)]),
    ("read-big", "1 MiB reads, MB/s", Probe("read-big", 1e-6, file=True, rate=True),
     [("rate", 0.8)]),
    ("touch", "first touch of a page, us", Probe("touch", 1e-3), [("most", 1.5), ("gain", 3)]),
    ("memory", "RSS of an idle program, MiB", Memory(), [("beyond", 8)]),
    ("family", "one more idle process, MiB", Family(), [("beyond", 1)]),
    ("sleepers", "one more sleeping thread, KiB", Sleepers(), [("beyond", 24)]),
    ("fork", "fork + exit + wait, us", Probe("fork", 1e-3),
     [("most", 500), ("gain", 5), ("entries", 15), ("entries-part", 0.2)]),
    ("vfork", "spawn /bin/true + wait, us", Probe("vfork", 1e-3),
     [("most", 4000), ("gain", 3), ("entries", 100), ("entries-part", 0.26)]),
    ("thread", "thread create + join, us", Probe("thread", 1e-3),
     [("most", 60), ("gain", 7), ("entries", 0)]),
    ("pipe", "pipe there and back, us", Probe("pipe", 1e-3),
     [("most", 60), ("gain", 4.5), ("entries", 2), ("entries-part", 0.25)]),
    ("thread-pipe", "pipe between two threads, us", Probe("thread-pipe", 1e-3),
     [("most", 2), ("gain", 100)]),
    ("thread-socket", "socketpair between two threads, us", Probe("thread-socket", 1e-3), []),
    ("futex", "futex hand-over and back, us", Probe("futex", 1e-3), [("most", 2), ("gain", 100)]),
    ("epoll", "epoll_wait, 1 of 100 pipes, us", Probe("epoll", 1e-3), []),
    ("trace", "find, --trace=/dev/null / plain",
     Traced(["find", "/usr/share/doc", "/usr/lib"], more=1), [("most", 1.5)]),
    ("python-run", "Python run(['true']), ms beyond", PythonRun(), [("most", 2)]),
    ("shell", "$(echo a | sed) in bash, ms", Shell(), [("ratio", 6), ("gain", 5)]),
    ("sqlite", "sqlite3, 5,000 rows, ms", Sqlite(), []),
    ("git", "git status, 500 files, ms", GitStatus(), []),
    ("build", "100 files, make -j4, s", Build(), [("ratio", 1.8), ("gain", 2)]),
    ("redis", "redis GET, 1000/s", Served(Redis(1, 5000)), [("rate", 0.25), ("gain", 8)]),
    ("redis-16", "redis GET, -P 16, 1000/s", Served(Redis(16, 50000)),
     [("rate", 0.6), ("gain", 10)]),
    ("node", "Node.js HTTP server, 1000/s", Served(Node()), []),
    ("nginx", "nginx, 1000/s", Served(Nginx()), []),
    ("pgbench", "PostgreSQL, pgbench, 1000/s", Served(Postgres()), []),
]
