# SPDX-License-Identifier: MIT
"""The price of `buffervm check`: programs natively, in the sandbox, and at each level, with what makes
the difference. CPU time, so that what else the host does matters less."""

import os
import subprocess

COMPILED = "abc"  # units that the row "cc" compiles
COUNTS = (  # columns of the counts, and what --stats=all calls them
    ("entries", "guest entries"),
    ("faults", "faults of shadow or nested paging"),
    ("emulated", "instructions emulated"),
    ("flushed", "kernel: single pages flushed"),
    ("spaces", "kernel: whole address spaces flushed"),
    ("hostcalls", "kernel: hostcalls"),
    ("aliases", "kernel: heap: aliases made"),
    ("pages", "kernel: heap: objects with pages of their own"),
)
LEVELS = ("auto", "sampled", "packed")
# Times plain: for programs that allocate little, and for others.
TARGETS = {"auto": (1.3, 1.6), "sampled": (1.05, 1.05), "packed": (5, 5)}
MEMORY = 2.5  # times native: packed, beyond what the sandbox itself takes


def write(bench, name, text):
    with open(os.path.join(bench.work, name), "w") as f:
        f.write(text)


def inputs(bench):
    size = bench.o.scale
    write(bench, "insert", "create table t(id integer primary key, name text); begin;\n" + "".join(
        "insert into t values(%d,'name %d');\n" % (i, i * 7919 % 100003)
        for i in range(int(400000 * size))) + "commit; select count(*), min(name) from t;\n")
    for unit in COMPILED:
        write(bench, unit + ".c", "".join(
            "int %s%d(int x) { int s = 0; for (int i = 0; i < x; i++) s += i * %d ^ (s >> 3); "
            "return s; }\n" % (unit, i, i) for i in range(40)) +
            ("int main(void) { return a1(0); }\n" if unit == "a" else ""))
    write(bench, "cc.sh", "".join("gcc -O1 -c %s.c -o %s.o || exit\n" % (u, u) for u in COMPILED) +
          "gcc %s -o program\n" % " ".join(u + ".o" for u in COMPILED))
    write(bench, "outer.sh", 'x=$(echo hello | sed s/h/j/)\nexec sh ./inner.sh "$x"\n')
    write(bench, "inner.sh", "y=$(basename /a/b)\n/usr/bin/python3 json.load.py\n")
    write(bench, "json.load.py",
          "import json\nd = {str(i): list(range(i %% 9)) for i in range(2000)}\n"
          "for i in range(%d): s = json.dumps(d); e = json.loads(s)\nprint(len(s), d == e)\n" %
          max(int(100 * size), 1))


def programs(bench, perl):
    """[(name, allocates little, command, input)]"""
    return [
        ("sqlite3 inserts", False, ["sqlite3", ":memory:"], "insert"),
        ("perl hashes", False, ["perl", "-e", perl % int(250000 * bench.o.scale)], None),
        ("three compiles, a link", False, ["sh", "cc.sh"], None),
        ("python json in shells", False, ["sh", "outer.sh"], None),
        ("xz", True, ["xz", "-c", "-1", "data"], None),
        ("openssl", True, ["openssl", "dgst", "-sha256", "large"], None),
    ]


def counts(bench, command, stdin):
    """What --stats=all counts in one run: {column: number}"""
    with open(stdin or os.devnull, "rb") as source:
        done = subprocess.run(command, stdin=source, stdout=subprocess.DEVNULL, cwd=bench.work,
                              stderr=subprocess.PIPE, check=False)
    found = {}
    for line in done.stderr.decode(errors="replace").splitlines():
        words = line.replace("buffervm:", "", 1).split()
        kernel = words[:1] == ["kernel:"]
        words = words[kernel:]
        if len(words) < 2 or not words[0].isdigit():
            continue
        text = ("kernel: " if kernel else "") + " ".join(words[1:])
        for column, name in COUNTS:
            if text == name:
                found.setdefault(column, int(words[0]))
    return found


def count_rows(bench, builds, command, stdin):
    for build, path in builds:
        for level in (None, *LEVELS):
            front = bench.sandbox(level, path)
            row = counts(bench, [front[0], "--stats=all", *front[1:], *command], stdin)
            print("    %-28s" % (build + (level or "plain")),
                  *("%9s" % row.get(column, "-") for column, _ in COUNTS), flush=True)


def table(bench, valgrind, perl, judge):
    """bench: a Bench of bench/check, whose inputs exist; judge: its function of that name."""
    inputs(bench)
    builds = [("", None)] + ([("before: ", bench.o.against)] if bench.o.against else [])
    columns = ["plain", *LEVELS] + [b + t for b, _ in builds[1:] for t in ("plain", *LEVELS)]
    columns += ["Valgrind"]
    print("The price, CPU time x native (x plain). ASan: - (these are the distribution's programs).")
    print("%-32s" % "counts of one run, below each", *("%9s" % c for c, _ in COUNTS))
    missed = {level: [] for level in LEVELS}
    memory = []
    for name, few, command, stdin in programs(bench, perl):
        stdin = stdin and os.path.join(bench.work, stdin)
        fronts = {"native": []}
        for build, path in builds:
            for level in (None, *LEVELS):
                fronts[build + (level or "plain")] = bench.sandbox(level, path)
        if not bench.o.no_others:
            fronts["Valgrind"] = [*valgrind, "--trace-children=yes"]
        # In turns, so that the host's changes of mood meet all.
        results = {t: [] for t in fronts}
        for i in range(bench.o.rounds):
            for tool, front in fronts.items():
                if tool != "Valgrind" or i == 0:
                    results[tool].append(bench.run([*front, *command], stdin))
        cost = {t: sorted(r[2] for r in all_)[len(all_) // 2] if all(all_) else None
                for t, all_ in results.items()}
        if not cost["native"] or not cost["plain"]:
            bench.failed += 1
            print("%-24s FAILED" % name)
            continue
        print("%-24s native %.3f s, %.0f MiB" % (name, cost["native"],
                                                results["native"][0][1] / 1024))
        for tool in columns:
            if cost.get(tool):
                print("    %-20s %7.2f (%.2f), %.0f MiB" % (
                    tool, cost[tool] / cost["native"], cost[tool] / cost["plain"],
                    results[tool][0][1] / 1024), flush=True)
            elif tool in fronts:
                bench.failed += 1
                print("    %-20s  failed" % tool)
        for level in LEVELS:
            ratio = cost[level] / cost["plain"] if cost[level] else 1e9
            if ratio > TARGETS[level][0 if few else 1]:
                missed[level].append("%s %.2f" % (name, ratio))
        if results["packed"][0] and not few:
            own = results["native"][0][1]
            memory.append((results["packed"][0][1] - results["plain"][0][1] + own) / own)
        count_rows(bench, builds, command, stdin)
    for level in LEVELS:
        judge(bench, level + (": " + ", ".join(missed[level]) if missed[level] else ""),
              not missed[level], "at most %s x plain, %s where little is allocated" % (
                  TARGETS[level][1], TARGETS[level][0]))
    judge(bench, "packed, memory", max(memory, default=0) <= MEMORY,
          "at most %s x native beyond what the sandbox itself takes" % MEMORY)
