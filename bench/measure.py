# SPDX-License-Identifier: MIT
"""Running one thing under several fronts in turns: natively, in the sandbox, in another sandbox.

A front is what stands before a command. What the sandbox's front prints on standard error is kept,
because KVM's counters are there (buffervm --stats=kvm).
"""
import os
import re
import shutil
import statistics
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
LONGEST = 300  # seconds of a command, before it is given up

# What stands before a command, where the program is installed. Both see the host's files.
OTHERS = {
    "bwrap": ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-all", "--share-net",
              "--die-with-parent"],
    "runsc": ["runsc", "--rootless", "--network=host", "do"],
}


class Failed(Exception):
    """A figure cannot be had: why, in one line."""


class Missing(Exception):
    """A program that a figure needs is not installed."""


def need(*programs):
    for name in programs:
        if not shutil.which(name):
            raise Missing(name)


def run(argv, **options):
    """Runs a command; its stdout. Failed when it ends with anything but 0."""
    options.setdefault("stderr", subprocess.PIPE)
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=LONGEST, check=False,
                              **options)
    except subprocess.TimeoutExpired as why:
        raise Failed(f"no end after {LONGEST} s") from why
    if done.returncode:
        line = (done.stderr or b"").decode(errors="replace").strip().splitlines()
        raise Failed(f"status {done.returncode}" + (f": {line[-1]}" if line else ""))
    return done.stdout.decode()


class Front:
    """One way to run commands. log: the file that takes standard error of the last one."""

    def __init__(self, name, argv, log):
        self.name, self.argv, self.log = name, argv, log

    def start(self, argv, before=(), **options):
        """A running command; `before` stands in front of the front itself."""
        with open(self.log, "wb") as log:
            return subprocess.Popen([*before, *self.argv, *argv], stderr=log, **options)

    def run(self, argv, **options):
        """Runs a command; its stdout. Failed when it ends with anything but 0."""
        try:
            with open(self.log, "wb") as log:
                return run([*self.argv, *argv], stderr=log, **options)
        except Failed as why:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                lines = log.read().strip().splitlines()
            raise Failed(f"{why}" + (f": {lines[-1]}" if lines else "")) from why

    def seconds(self, argv, **options):
        """From fork to the end of a command."""
        start = time.perf_counter()
        self.run(argv, **options)
        return time.perf_counter() - start

    def counting(self, flag):
        """The same sandbox with counters: "--stats=kvm" or "--stats=all"."""
        return Front(self.name, [self.argv[0], flag, *self.argv[1:]], self.log)

    def counters(self):
        """By name, what the last command's sandbox counted. Empty where it counts nothing."""
        found = {}
        with open(self.log, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                m = re.match(r"buffervm: (?:kernel: )? +(\d+)  (?: *\d+ us in )?(.*)", line)
                if m:
                    found[m[2]] = int(m[1])
        return found


class Bench:
    """The fronts of this run, and a directory for what they work on."""

    def __init__(self, build, rounds, scale=1.0, against=None, others=True):
        self.rounds, self.scale = rounds, scale
        self.dir = os.path.join(build, "bench")
        os.makedirs(self.dir, exist_ok=True)
        flags = os.environ.get("BUFFERVM_FLAGS", "").split()
        self.fronts = {"native": self.front("native", []),
                       "sandbox": self.front("sandbox", [os.path.join(build, "buffervm"), *flags])}
        if against:
            self.fronts["before"] = self.front("before", [against, *flags])
        self.absent = {}  # why there is no such column
        for name, argv in OTHERS.items() if others else ():
            if not shutil.which(argv[0]):
                self.absent[name] = "not installed"
                continue
            front = self.front(name, argv)
            try:
                front.run(["/bin/true"])
                self.fronts[name] = front
            except Failed as why:
                self.absent[name] = f"does not run here: {why}"

    def front(self, name, argv):
        return Front(name, argv, os.path.join(self.dir, name + ".log"))

    def sandboxes(self):
        return [f for name, f in self.fronts.items() if name in ("sandbox", "before")]

    def compiled(self, name, *flags):
        """The path of bench/NAME.c's program."""
        out = os.path.join(self.dir, name)
        source = os.path.join(ROOT, "bench", name + ".c")
        if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(source):
            run([os.environ.get("CC", "cc"), "-O2", *flags, source, "-o", out])
        return out

    def turns(self, figure, rounds):
        """Medians by front of a figure's value, and of its latencies, measured in turns. Others
        than the sandbox and native may fail: they are left out."""
        fronts = {n: f for n, f in self.fronts.items() if not figure.only or n in figure.only}
        results = {name: [] for name in fronts}
        for _ in range(rounds):
            for name in list(fronts):
                try:
                    results[name].append(figure.once(self, fronts[name], self.scale))
                except Failed:
                    if name in ("native", "sandbox"):
                        raise
                    del fronts[name], results[name]
        values = {name: statistics.median(r.value for r in rs) for name, rs in results.items()}
        latency = {name: [statistics.median(r.latency[i] for r in rs)
                          for i in range(len(rs[0].latency))]
                   for name, rs in results.items() if rs[0].latency}
        return values, latency

    def count(self, figure, front, flag):
        """What one operation of a figure costs: counters by name, and of how many operations it is
        the mean. Of a figure that is a whole program, the program; of others the difference of a
        long and a short run. Empty where this sandbox counts nothing."""
        front = front.counting(flag)
        operations = figure.once(self, front, self.scale).operations
        counted = front.counters()
        if figure.whole or not counted:
            return counted, 1
        operations -= figure.once(self, front, self.scale * figure.short).operations
        less = front.counters()
        if operations <= 0:
            raise Failed("the long run had no more operations than the short one")
        return {name: (n - less.get(name, 0)) / operations for name, n in counted.items()}, \
            operations
