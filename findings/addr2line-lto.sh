#!/bin/bash
# SPDX-License-Identifier: MIT
# A program of gcc -flto: addr2line names a file that does not exist, eu-addr2line no inlined function.
#
# With -flto the code of all translation units is compiled once more at link time, as one unit of the
# name "<artificial>"; the functions' descriptions stay in the units of their sources, and the new
# unit refers to them (DW_AT_abstract_origin across units).
#
# Seen with gcc 12.2, binutils 2.40, elfutils 0.188 and LLVM 14 (Debian 12), at the address of an
# inlined function's code: llvm-symbolizer gives both frames in t.c. addr2line -i gives both frames with
# the right lines, but says of the inner one, whose place is in the line table, that its file is
# "<artificial>": file 1 of the DWARF 5 table is t.c, and it takes entry 0. Without -flto entries 0 and
# 1 are both t.c, and nobody sees it. eu-addr2line -i has the right file, but gives the outer function
# alone, with the inner one's line: it does not follow the reference into the other unit.
# shellcheck source=findings/pinned
. "$(dirname "$0")/pinned"
# shellcheck source=findings/inlined
. "$findings/inlined"

for lto in no-lto lto; do
	compile -O1 -g -gdwarf-5 -f$lto -nostdlib -static -Wl,-e,outer t.c -o $lto
	at=0x$(in_root nm $lto | awk '$3 == "outer" { print $1 }')
	for tool in addr2line eu-addr2line llvm-symbolizer-14; do
		frames $tool $lto "$at" >$lto.$tool
	done
done
expect "addr2line" "inner t.c:3 outer t.c:8" "$(cat no-lto.addr2line)"
expect "eu-addr2line" "inner inlined at t.c:8:13 in outer t.c:3:9 outer t.c:8:13" \
	"$(cat no-lto.eu-addr2line)"
expect "-flto, llvm-symbolizer" "inner t.c:3:9 outer t.c:8:13" "$(cat lto.llvm-symbolizer-14)"
expect "-flto, addr2line" "inner <artificial>:3 outer t.c:8" "$(cat lto.addr2line)"
expect "-flto, eu-addr2line" "outer t.c:3:9" "$(cat lto.eu-addr2line)"
