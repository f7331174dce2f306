# SPDX-License-Identifier: MIT
"""The table of bugs (bugs/bug.h has its grammar): what is expected, and what a tool said.

Used by tests/check/run, which holds `buffervm check` to each word of it, and by bench/check, which
asks the same of Valgrind and AddressSanitizer with more patience: they have other words, and no
offsets in some messages.
"""

import json
import os
import re
import subprocess
import xml.etree.ElementTree

ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray", "free", "memalign", "posix_memalign",
              "aligned_alloc", "valloc", "pvalloc", "cfree", "operator new", "operator new[]",
              "operator delete", "operator delete[]", "malloc_usable_size"}
WHERE = {"interior", "stack", "global", "code", "mapped", "unmapped"}
AFTER_FREE = {"heap-use-after-free", "heap-use-after-realloc", "double-free"}


def plain_name(function):
    """A demangled name without arguments, templates, return type and scopes."""
    if not function:
        return "?"
    text = function.replace("(anonymous namespace)::", "")
    if text.startswith("operator "):
        return re.sub(r"\(.*", "", text)
    while re.search(r"<[^<>]*>", text):
        text = re.sub(r"<[^<>]*>", "", text)
    text = re.sub(r"\[clone .*?\]|\[abi:.*?\]|@.*", "", text)
    while re.search(r"\([^()]*\)", text):
        text = re.sub(r"\([^()]*\)", "", text)
    text = text.replace(" const", "").strip()
    return text.split(" ")[-1].split("::")[-1].split(".")[0] or "?"


class Report:
    """What a tool said of one bug. What it did not say is None."""

    def __init__(self):
        self.kind = None
        self.where = self.access = self.bytes = self.offset = self.size = self.count = None
        self.stacks = {}  # "in", "alloc", "free": names, innermost first

    def __str__(self):
        words = [self.kind or "?"]
        words += [w for w in (self.where, self.access) if w]
        if self.bytes is not None:
            words.append(str(self.bytes))
        if self.offset is not None:
            words.append("at %d" % self.offset)
        if self.size is not None:
            words.append("of %d" % self.size)
        if self.count:
            words.append("; %d objects" % self.count)
        return " ".join(words) + "".join(
            "; %s=%s" % (k, ",".join(v[:6])) for k, v in self.stacks.items() if v)


class Bug:
    """A row of the table."""

    def __init__(self, program, variant, line):
        self.program, self.variant = program, variant
        self.name, expect = line.split(" | ", 1)
        self.options, self.stacks, self.only = [], {}, None
        self.reports, self.objects = 1, None
        head, *clauses = [part.strip() for part in expect.split(";")]
        words = head.split()
        self.kinds = words.pop(0).split("|")
        self.where = self.access = self.bytes = self.offset = self.size = None
        if words and words[0] in WHERE:
            self.where = words.pop(0)
        while words:
            word = words.pop(0)
            if word == "at":
                self.offset = words.pop(0)
            elif word == "of":
                self.size = words.pop(0)
            else:
                self.access = word.split("|")
                if words and words[0] not in ("at", "of"):
                    self.bytes = words.pop(0)
        for clause in clauses:
            if match := re.fullmatch(r"(in|alloc|free)=(\S+)", clause):
                self.stacks[match[1]] = match[2].split(",")
            elif clause.startswith("with "):
                self.options = clause.split()[1:]
            elif clause.startswith("only "):
                self.only = clause.split()[1:]
            elif match := re.fullmatch(r"(\d+) reports", clause):
                self.reports = int(match[1])
            elif match := re.fullmatch(r"(\d+) objects", clause):
                self.objects = int(match[1])
            else:
                raise ValueError("%s/%s: what is %r?" % (program, self.name, clause))
        self.stacks.setdefault("in", [self.name])
        if self.size is not None:
            self.stacks.setdefault("alloc", [self.name])
        if set(self.kinds) & AFTER_FREE:
            self.stacks.setdefault("free", [self.name])

    def __str__(self):
        return "%s/%s/%s" % (self.variant, self.program, self.name)

    def stack_is_right(self, expected, names):
        """Debian's musl has no frame tables: a stack that goes through a callback ends in it."""
        if stack_matches(expected, names):
            return True
        return (self.variant.startswith("musl") and ".." in expected[1:] and
                0 < len(names) <= 2 and
                stack_matches(expected[:expected.index("..")], names))

    def differences(self, report):
        """What of the report is not as expected, in words; [] when all is."""
        wrong = []

        def check(what, expected, said):
            if expected not in (None, "?") and str(said) not in str(expected).split("|"):
                wrong.append("%s %s, not %s" % (what, said, expected))

        check("kind", "|".join(self.kinds), report.kind)
        check("where", self.where, report.where)
        if self.access:
            check("access", "|".join(self.access), report.access)
        check("bytes", self.bytes, report.bytes)
        check("offset", self.offset, report.offset)
        check("size", self.size, report.size)
        check("objects", self.objects, report.count)
        for which, expected in self.stacks.items():
            if not self.stack_is_right(expected, report.stacks.get(which) or []):
                wrong.append("%s=%s, not %s" % (
                    which, ",".join((report.stacks.get(which) or ["-"])[:6]), ",".join(expected)))
        return wrong


def stack_matches(expected, names):
    """Innermost first; ".." stands for any frames, "-" for any stack, the rest is not looked at."""
    if expected == ["-"]:
        return True
    if not expected:
        return True
    if expected[0] == "..":
        return any(stack_matches(expected[1:], names[i:]) for i in range(len(names) + 1))
    return bool(names) and names[0] == expected[0] and stack_matches(expected[1:], names[1:])


def read(build, variant):
    """The rows of all programs of a variant."""
    place = os.path.join(build, "tests/check", variant)
    bugs = []
    for program in sorted(os.listdir(place) if os.path.isdir(place) else []):
        if program.endswith(".so"):
            continue
        out = subprocess.run([os.path.join(place, program)], stdout=subprocess.PIPE, check=True)
        for line in out.stdout.decode().splitlines():
            bug = Bug(program, variant, line)
            if not bug.only or variant in bug.only:
                bugs.append(bug)
    return bugs


def without_allocator(names):
    """A stack from the caller of malloc on."""
    while names and names[0] in ALLOCATORS:
        names = names[1:]
    return names


# ---- buffervm check --json

ACCESS = {"execute": "exec", "read by system call": "syscall-read",
          "write by system call": "syscall-write"}
STACKS = {"stack": "in", "allocation_stack": "alloc", "free_stack": "free"}


def from_ours(path):
    """Reports of a whole run; ValueError when the file does not end with a summary."""
    with open(path, errors="replace") as f:
        lines = [json.loads(line) for line in f]
    if not lines or lines[-1]["type"] != "summary":
        raise ValueError("%s has no summary" % path)
    reports = []
    for line in lines[:-1]:
        report = Report()
        report.kind = line["kind"]
        report.where = line.get("where")
        report.access = ACCESS.get(line.get("access"), line.get("access"))
        report.bytes = line.get("size")
        report.count = line.get("objects")
        if block := line.get("object"):
            report.size = block["size"]
            report.offset = int(line["address"], 16) - int(block["start"], 16)
        for name, which in STACKS.items():
            report.stacks[which] = [plain_name(f.get("function")) for f in line.get(name, [])]
        reports.append(report)
    return reports


# ---- Valgrind: --xml=yes

def from_valgrind(path):
    """Reports in an XML file."""
    reports = []
    with open(path, errors="replace") as f:
        # A forked child's reports follow its parent's in one file; one that was killed ends early.
        parts = re.findall(r"(?s)<(?:error|fatal_signal)>.*?</(?:error|fatal_signal)>", f.read())
    said = xml.etree.ElementTree.fromstring("<said>%s</said>" % "".join(parts))
    for error in said.iter("error"):
        report = Report()
        kind = error.findtext("kind")
        what = error.findtext("what") or error.findtext("xwhat/text") or ""
        stacks = [[plain_name(f.findtext("fn")) for f in s.iter("frame")]
                  for s in error.findall("stack")]
        aux = error.findtext("auxwhat") or ""
        block = re.search(r"is ([\d,]+) bytes (inside|after|before) a block of size ([\d,]+) (\S+)",
                          aux)
        if block:
            number, report.size = (int(block[i].replace(",", "")) for i in (1, 3))
            report.offset = {"inside": number, "after": report.size + number,
                             "before": -number}[block[2]]
        match = re.search(r"(read|write) of size (\d+)", what)
        if match:
            report.access, report.bytes = match[1], int(match[2])
        freed = block and block[4].startswith("free")
        report.stacks["in"] = stacks[0] if stacks else []
        if freed:
            report.stacks["free"] = without_allocator(stacks[1]) if len(stacks) > 1 else []
            report.stacks["alloc"] = without_allocator(stacks[2]) if len(stacks) > 2 else []
        elif len(stacks) > 1:
            report.stacks["alloc"] = without_allocator(stacks[1])
        if kind in ("InvalidRead", "InvalidWrite", "SyscallParam", "InvalidJump"):
            if kind == "SyscallParam":
                report.access = "syscall-" + ("write" if "(buf)" in what and "read(" in what else
                                              "read")
            if not block:
                report.kind = "wild-pointer"
            elif freed:
                report.kind = "heap-use-after-free"
            else:
                report.kind = ("heap-underflow" if report.offset < 0 else
                               "heap-overflow" if report.offset >= report.size or
                               report.offset + (report.bytes or 1 << 40) > report.size else kind)
        elif kind == "InvalidFree":
            report.kind = "double-free" if freed else "invalid-free"
        elif kind == "MismatchedFree":
            report.kind = "mismatched-free"
        elif kind == "FishyValue":
            report.kind = "bad-size"
        elif kind and kind.startswith("Leak_"):
            report.kind = {"Leak_DefinitelyLost": "leak", "Leak_StillReachable": "still-reachable"
                           }.get(kind, "leak-" + kind)
            report.size = int(error.findtext("xwhat/leakedbytes") or 0)
            report.count = int(error.findtext("xwhat/leakedblocks") or 0)
            report.stacks["alloc"] = without_allocator(report.stacks.pop("in"))
        else:
            report.kind = kind
        report.stacks["in"] = without_allocator(report.stacks.get("in", []))
        reports.append(report)
    for signal in said.iter("fatal_signal"):
        report = Report()
        report.kind = "stack-overflow" if "tack overflow" in (signal.findtext("event") or "") else (
            "signal")
        report.stacks["in"] = [plain_name(f.findtext("fn")) for f in signal.iter("frame")]
        reports.append(report)
    return reports


# ---- AddressSanitizer and LeakSanitizer: their text

ASAN_KINDS = {
    "heap-use-after-free": "heap-use-after-free", "heap-buffer-overflow": "heap-overflow",
    "attempting": "double-free", "alloc-dealloc-mismatch": "mismatched-free",
    "stack-overflow": "stack-overflow", "SEGV": "wild-pointer", "BUS": "wild-pointer",
    "calloc": "bad-size", "reallocarray": "bad-size", "requested": "bad-size", "negative-size-param": "heap-overflow",
    "invalid-posix-memalign-alignment": "bad-size",
}


def from_asan(text):
    """Reports in the text of one run."""
    reports = []
    for part in re.split(r"(?m)^=+$", text):
        match = re.search(r"ERROR: AddressSanitizer:? (\S+)(.*)", part)
        if match:
            reports.append(asan_report(match[1].rstrip(":"), match[2], part))
        for leak in re.finditer(r"(?ms)^(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) "
                                r"object.*?\n(.*?)\n\n", part):
            report = Report()
            report.kind = "leak"
            report.size, report.count = int(leak[2]), int(leak[3])
            report.stacks["alloc"] = without_allocator(asan_stack(leak[4]))
            reports.append(report)
    return reports


def asan_stack(text):
    names = []
    for line in text.splitlines():
        match = re.match(r"\s+#\d+ 0x\w+ (?:in (.*) )?(?:/|\(/|\.\.)", line)
        if match:
            names.append(plain_name(match[1]))
        elif names:
            break
    names = [re.sub(r"^__interceptor_|^___interceptor_", "", n) for n in names]
    return names


def asan_report(kind, rest, text):
    report = Report()
    report.kind = ASAN_KINDS.get(kind, kind)
    if kind == "attempting" and "double-free" not in rest:
        report.kind = "invalid-free"
    match = re.search(r"(READ|WRITE) of size (\d+)", text)
    if match:
        report.access, report.bytes = match[1].lower(), int(match[2])
    block = re.search(r"is located (\d+) bytes (inside of|to the right of|to the left of|after|"
                      r"before) (\d+)-byte region", text)
    if block:
        number, report.size = int(block[1]), int(block[3])
        report.offset = {"inside of": number, "to the right of": report.size + number,
                         "after": report.size + number}.get(block[2], -number)
        if report.kind == "heap-overflow" and report.offset < 0:
            report.kind = "heap-underflow"
    report.stacks["in"] = without_allocator(asan_stack(text))
    for which, pattern in (("free", r"freed by thread.*\n"),
                           ("alloc", r"allocated by thread.*\n")):
        match = re.search(pattern, text)
        if match:
            report.stacks[which] = without_allocator(asan_stack(text[match.end():]))
    return report


# ---- other tools, more patiently

SAME = {
    "heap-use-after-realloc": {"heap-use-after-free"},
    "heap-slack-overwritten": {"heap-overflow"},
    "null-pointer": {"wild-pointer"},
    "wild-pointer": {"signal"},
    "invalid-free": {"wild-pointer"},  # a fault inside free
}


def verdict(bug, reports):
    """"right", "other blame" or "silent", of a tool with other words than ours. Right is the kind of
    bug and the functions; of the bad access the outermost one named, since the innermost frames get
    lost in the C library and in very short functions."""
    if not reports:
        return "silent"
    kinds = set(bug.kinds)
    for kind in bug.kinds:
        kinds |= SAME.get(kind, set())
    for report in reports:
        if report.kind in kinds and all(
                stack_matches([".."] + (expected[-1:] if which == "in" else expected),
                              report.stacks.get(which) or [])
                for which, expected in bug.stacks.items()
                if expected != ["-"] and (which != "in" or bug.kinds[0] != "bad-size")):
            return "right"
    return "other blame"
