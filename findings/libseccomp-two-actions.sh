#!/bin/bash
# SPDX-License-Identifier: MIT
# libseccomp: two rules for one call that ask for different actions. Which holds, and is one told?
#
# The manual of seccomp_rule_add(3) says that a more specific rule is dropped where a more general one
# with the same action is added, and that -EACCES is for a rule that conflicts with the filter. One
# would think that two rules with different actions conflict, or that the more specific one holds, or
# that the order does not matter.
#
# Seen with libseccomp 2.5.4 (Debian 12), by the filter that seccomp_export_pfc prints:
# - a rule without conditions takes the call over, whichever comes first, and both calls return 0: the
#   rule with a condition is gone without a word;
# - of two rules with conditions, the longer of which repeats the shorter's: shorter first, both return
#   0 and the longer is gone; longer first, the shorter is refused with -EEXIST and the longer stays;
# - the same condition twice, with different actions: -EEXIST.
# So who builds a filter from tables of exceptions must test the filter, not the returned values.
# shellcheck source=findings/pinned
. "$(dirname "$0")/pinned"
pinned libseccomp2=2.5.4-1+deb12u1

cat >rules.py <<'PY'
import ctypes, os, sys, tempfile

class Cmp(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]

lib = ctypes.CDLL(sys.argv[1])
lib.seccomp_init.restype = ctypes.c_void_p
lib.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int,
                                       ctypes.c_uint, ctypes.c_void_p]
lib.seccomp_export_pfc.argtypes = [ctypes.c_void_p, ctypes.c_int]
ALLOW, EQ, SOCKET = 0x7fff0000, 4, 41

def errno(number):
    return 0x00050000 | number

def arg(number, value):
    return Cmp(number, EQ, value, 0)

# Adds the rules for socket(2); returns what the calls returned and the actions of the filter.
def build(*rules):
    context = lib.seccomp_init(ctypes.c_uint32(ALLOW))
    said = []
    for action, conditions in rules:
        array = (Cmp * max(len(conditions), 1))(*conditions)
        said.append(lib.seccomp_rule_add_array(context, errno(action), SOCKET, len(conditions), array))
    with tempfile.TemporaryFile() as f:
        assert lib.seccomp_export_pfc(context, f.fileno()) == 0
        f.seek(0)
        text = f.read().decode()
    return f"{said} " + " ".join(word for word in text.replace(";", "").split() if "ERRNO" in word)

UNIX, STREAM = arg(0, 1), arg(1, 1)
print("condition then none:", build((1, [UNIX]), (13, [])))
print("none then condition:", build((13, []), (1, [UNIX])))
print("shorter then longer:", build((13, [UNIX]), (1, [UNIX, STREAM])))
print("longer then shorter:", build((1, [UNIX, STREAM]), (13, [UNIX])))
print("same then same:", build((1, [UNIX]), (13, [UNIX])))
PY
python3 rules.py "$root/usr/lib/x86_64-linux-gnu/libseccomp.so.2" >seen
cat seen
diff seen - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
condition then none: [0, 0] ERRNO(13)
none then condition: [0, 0] ERRNO(13)
shorter then longer: [0, 0] ERRNO(13)
longer then shorter: [0, -17] ERRNO(1)
same then same: [0, -17] ERRNO(1)
SEEN
