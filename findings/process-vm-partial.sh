#!/bin/bash
# SPDX-License-Identifier: MIT
# process_vm_readv(2) does split an iovec element, at a page.
#
# The manual says under RETURN VALUE that a partial transfer ends between two elements and never within
# one. One element of three pages, the last of which is not mapped, should so give EFAULT and no byte.
#
# Seen on Linux 6.18, with manpages-dev 6.03 (Debian 12): the call returns the bytes of the
# first two pages, and they are in the buffer. The same holds for a local buffer that ends in memory
# without a mapping. The length that is returned is the only sign of where the memory ends; a debugger
# that reads whole structures in one element must look at it.
# shellcheck source=findings/pinned
. "$(dirname "$0")/pinned"
pinned manpages-dev=6.03-2

zcat "$root/usr/share/man/man2/process_vm_readv.2.gz" | grep -B2 -A1 'splits a single'
uname -sr
cat >read.py <<'PY'
import ctypes, os

class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.process_vm_readv.restype = ctypes.c_ssize_t
libc.process_vm_readv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p,
                                  ctypes.c_ulong, ctypes.c_ulong]
PAGE = os.sysconf("SC_PAGESIZE")
short = libc.mmap(None, 3 * PAGE, 3, 0x22, -1, 0)
libc.munmap(short + 2 * PAGE, PAGE)
ctypes.memset(short, 7, 2 * PAGE)
whole = ctypes.create_string_buffer(3 * PAGE)

def read(to, source):
    local, remote = Iovec(to, 3 * PAGE), Iovec(source, 3 * PAGE)
    return libc.process_vm_readv(os.getpid(), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)

pages = read(ctypes.addressof(whole), short) / PAGE
print("from memory that ends:", pages, "pages,", whole.raw.count(7) / PAGE, "of them in the buffer")
print("to memory that ends:", read(short, ctypes.addressof(whole)) / PAGE, "pages")
PY
python3 read.py | tee seen
diff seen - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
from memory that ends: 2.0 pages, 2.0 of them in the buffer
to memory that ends: 2.0 pages
SEEN
