#!/bin/bash
# SPDX-License-Identifier: MIT
# addr2line of binutils 2.40 finds no line in the 64-bit form of DWARF 5.
#
# GCC writes the 64-bit form with -gdwarf64, for programs whose debugging information passes 4 GiB.
# The same program in both forms, and one question: in which line does the function begin?
#
# Seen with gcc 12.2, binutils 2.40 and elfutils 0.188 (Debian 12): in the 32-bit form both addr2line
# and eu-addr2line name file and line. In the 64-bit form eu-addr2line still does, and addr2line
# gives no line and says that an offset is greater than .debug_line_str and that the section is
# mangled; readelf, of the same binutils, prints that section's lines without complaint. So the file
# is right, and a tool that asks binutils' addr2line loses every line of it.
# shellcheck source=findings/pinned
. "$(dirname "$0")/pinned"
pinned "${gcc12[@]}" elfutils=0.188-2.1 libdw1=0.188-2.1 libelf1=0.188-2.1 libasm1=0.188-2.1

printf '%s\n' 'int twice(int n)' '{' '	return 2 * n;' '}' >t.c
for form in dwarf32 dwarf64; do
	compile -O1 -g -gdwarf-5 -g$form -nostdlib -static -Wl,-e,twice t.c -o $form
	at=0x$(in_root nm $form | awk '$3 == "twice" { print $1 }')
	in_root addr2line -e $form "$at" >$form.binutils 2>$form.said
	in_root eu-addr2line -e $form "$at" >$form.elfutils
done
expect "32 bits, addr2line" "$work/t.c:3" "$(cat dwarf32.binutils)"
expect "32 bits, eu-addr2line" "$work/t.c:3:11" "$(cat dwarf32.elfutils)"
expect "64 bits, eu-addr2line" "$work/t.c:3:11" "$(cat dwarf64.elfutils)"
said=$(cat dwarf64.binutils)
expect "64 bits, the line of addr2line" "?" "${said##*:}"
cat dwarf64.said
grep -q 'greater than or equal to .debug_line_str size' dwarf64.said
expect "64 bits, readelf's complaints" "" "$(in_root readelf --debug-dump=rawline dwarf64 2>&1 >/dev/null)"
in_root readelf --debug-dump=rawline dwarf64 | grep -E 't\.c$|Advance Line|Special opcode' | head -n 3
