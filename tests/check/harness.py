# SPDX-License-Identifier: MIT
"""What the scripts of tests beside the table have in common: special, valid, ends, lines, hot, outputs,
integrations.

Each is a module of functions that ask one question each. run(globals()) runs them, each in a
directory of its own, with one line of output as tests/check/run. Arguments: [--ring=3|0] [--list]
[NAME...]. Environment: BUILD (build), BUFFERVM (BUILD/buffervm), BUFFERVM_FLAGS, TESTS_SLOWER (see
tests/slower.py).
"""

import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests")]
sys.dont_write_bytecode = True
import slower  # noqa: E402
import table  # noqa: E402

BUILD = os.path.realpath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
BUFFERVM = os.environ.get("BUFFERVM", os.path.join(BUILD, "buffervm"))
FLAGS = os.environ.get("BUFFERVM_FLAGS", "").split()
LIMIT = slower.limit(120)  # seconds, for one run


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


class Run:
    """A finished `buffervm check`, with its reports."""

    def __init__(self, *arguments, stdin=b""):
        done = subprocess.run(
            [BUFFERVM, *FLAGS, "check", "--error-exitcode=99", "--json=reports.json", *arguments],
            input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT, check=False)
        self.status, self.out = done.returncode, done.stdout
        self.err = done.stderr.decode(errors="replace")
        self.reports = table.from_ours("reports.json")
        with open("reports.json") as f:
            self.lines = [json.loads(line) for line in f]


def expect(condition, why):
    if not condition:
        raise Failed(why)


def built(variant, program, name=None):
    """A copy of a built program in the working directory, to be harmed."""
    source = os.path.join(BUILD, "tests/check", variant, program)
    if not os.path.exists(source):
        raise Skipped(source + " is not built")
    to = os.path.join(os.getcwd(), name or program)
    shutil.copy(source, to)
    return to


def tool(*command):
    if not shutil.which(command[0]):
        raise Skipped(command[0] + " is missing")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def expect_one(run, kind, offset, size):
    expect(len(run.reports) == 1, "%d reports, status %d: %s" % (
        len(run.reports), run.status, run.err[-300:]))
    report = run.reports[0]
    expect((report.kind, report.offset, report.size) == (kind, offset, size), str(report))
    expect(run.status == 99, "status %d" % run.status)
    return report


def compiled(name, text, *options, compiler="gcc"):
    """Compiles a program or library from text."""
    source = name.replace("/", ".") + (".cc" if "++" in compiler else ".c")
    with open(source, "w") as f:
        f.write(text)
    tool(compiler, "-g", "-fno-builtin", "-o", name, source, *options)
    return "./" + name


def expect_silent(run, out):
    """A program without a bug ran as it does natively."""
    expect(not run.reports and run.status == 0, "status %d: %s" % (run.status, run.err[-400:]))
    expect(run.out == out, "output %r" % run.out)


def run(module):
    """Runs the tests of a module. Returns the exit status."""
    tests = {name: test for name, test in module.items()
             if callable(test) and getattr(test, "__code__", None) and
             test.__code__.co_argcount == 0 and test.__module__ == module["__name__"] and
             name.count("_") > 1}
    names = []
    for arg in sys.argv[1:]:
        if arg == "--list":
            print("\n".join(tests))
            return 0
        if arg.startswith("--ring="):
            FLAGS.insert(0, arg)
        elif arg.startswith("-"):
            print(module["__doc__"].strip())
            return 2
        else:
            names.append(arg)
    count = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for name, test in tests.items():
        if names and not any(fnmatch.fnmatch(name, n) for n in names):
            continue
        kind, why = "PASS", ""
        with tempfile.TemporaryDirectory(prefix="buffervm-check.") as directory:
            os.chdir(directory)
            try:
                test()
            except Skipped as e:
                kind, why = "SKIP", str(e)
            except Failed as e:
                kind, why = "FAIL", str(e)
            except (OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError) as e:
                kind, why = "FAIL", repr(e)
            os.chdir("/")
        count[kind] += 1
        print("%s %s%s" % (kind, name, ": " + why.replace("\n", " ") if why else ""), flush=True)
    print("%(PASS)d passed, %(FAIL)d failed, %(SKIP)d skipped" % count)
    return 1 if count["FAIL"] else 0
