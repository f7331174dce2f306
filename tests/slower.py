#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""By how much this machine is slower than the time limits of the tests suppose: the only home of it.

tests/slower.py     prints the factor, a whole number, 1 at least

A limit only ends what hangs. It is written for a machine that is fast and idle, and a test asks for
limit(SECONDS), which is more generous and grows with the factor. A pause in which others are to get
somewhere is written for such a machine, too, and is pause(SECONDS).

The factor is measured once in a run, in half a second or so: programs that start and a program that
computes, natively, and under buffervm where there is a /dev/kvm. Means count, not the best: other
load is a reason to be patient, too. TESTS_SLOWER in the environment is the factor (tests/run sets it,
and so does factor() for what is started from here).

Environment: TESTS_SLOWER, BUILD (build), BUFFERVM (BUILD/buffervm).
"""

import math
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
GENEROUS = 4  # other load may come later
MOST = 100

# Seconds on a machine of factor 1.
COMPUTES = 0.1
STARTS = 0.1
STARTS_VM = 0.2
# An emulated CPU's (QEMU's TCG): limits are for what the tests leave of themselves there.
EMULATED = 30


def cpu_is_emulated():
    with open("/proc/cpuinfo") as f:
        return "QEMU TCG" in f.read()


def seconds_of(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


def computes():
    return sum(i * i for i in range(1000000))


def starts(command, times):
    for _ in range(times):
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60, check=False)


def measure():
    usual = EMULATED if cpu_is_emulated() else 1
    slower = [seconds_of(computes) / COMPUTES,
              seconds_of(lambda: starts(["/bin/true"], 20)) / STARTS]
    build = os.environ.get("BUILD", os.path.join(ROOT, "build"))
    buffervm = os.environ.get("BUFFERVM", os.path.join(build, "buffervm"))
    if os.access("/dev/kvm", os.R_OK | os.W_OK) and os.access(buffervm, os.X_OK):
        try:
            slower.append(
                seconds_of(lambda: starts([buffervm, "/bin/true"], 5)) / STARTS_VM)
        except subprocess.TimeoutExpired:
            slower.append(MOST * usual)
    return min(max(math.ceil(max(slower) / usual), 1), MOST)


def factor():
    if not os.environ.get("TESTS_SLOWER"):
        os.environ["TESTS_SLOWER"] = str(measure())
    return max(int(os.environ["TESTS_SLOWER"]), 1)


def limit(seconds):
    """After so many seconds something hangs."""
    return seconds * GENEROUS * factor()


def pause(seconds):
    """So many seconds, for others to get to where a test needs them."""
    time.sleep(seconds * factor())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(__doc__.strip())
        sys.exit(2)
    print(factor())
