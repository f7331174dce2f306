#!/bin/bash
# SPDX-License-Identifier: MIT
# With -gsplit-dwarf neither addr2line -i nor eu-addr2line -i shows inlined functions, and neither says
# that something is missing.
#
# The line table stays in the program, the description of functions goes into a .dwo file beside it.
# Who asks for lines alone gets them; frames of inlined functions want the .dwo file, by the name that
# the program's unit holds (DW_AT_dwo_name).
#
# Seen with gcc 12.2, binutils 2.40, elfutils 0.188 and LLVM 14 (Debian 12), DWARF 4 and 5, the .dwo
# file in its place: llvm-symbolizer gives the inlined function and its caller. addr2line -i and
# eu-addr2line -i give one frame: the outer function's name with the inner one's line, status 0 and no
# word on stderr. elfutils' library can follow the unit (its functions find the split unit); the tool
# does not.
# shellcheck source=findings/pinned
. "$(dirname "$0")/pinned"
# shellcheck source=findings/inlined
. "$findings/inlined"

for version in 4 5; do
	compile -O1 -g -gdwarf-$version -gsplit-dwarf -c t.c -o t.o
	compile -nostdlib -static -Wl,-e,outer t.o -o t
	at=0x$(in_root nm t | awk '$3 == "outer" { print $1 }')
	for tool in addr2line eu-addr2line llvm-symbolizer-14; do
		frames $tool t "$at" 2>$tool.said >$tool.out
		expect "DWARF $version, $tool's complaints" "" "$(cat $tool.said)"
	done
	expect "DWARF $version, llvm-symbolizer" "inner t.c:3:9 outer t.c:8:13" "$(cat llvm-symbolizer-14.out)"
	expect "DWARF $version, addr2line" "outer t.c:3" "$(cat addr2line.out)"
	expect "DWARF $version, eu-addr2line" "outer t.c:3:9" "$(cat eu-addr2line.out)"
done
