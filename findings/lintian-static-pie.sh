#!/bin/bash
# SPDX-License-Identifier: MIT
# lintian tells a static-pie program from a shared library by what it lacks.
#
# A static position-independent program (gcc -static-pie) is an ELF file of type DYN without a
# PT_INTERP segment, as a shared library is. What does lintian say of it in a package, beside what it
# says of the same program linked with -static?
#
# Seen with lintian 2.116.3 (Debian 12), gcc 12.2, binutils 2.40: the static program has the tag
# "statically-linked-binary"; the static-pie one has none of that name, but the shared library's tag
# "shared-library-lacks-prerequisites". So an override for static linking does not fit it, and a check
# of one's packages for static programs by this tag misses each static-pie one.
#
# The names say nothing of "static": lintian exempts files and packages that end in -static.
#
# Needs root or a system that has the packages. Makes everything in a temporary folder.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missing=()
for package in lintian gcc libc6-dev dpkg-dev; do
	dpkg-query -W -f='${db:Status-Status}' $package 2>/dev/null | grep -qx installed ||
		missing+=("$package")
done
[ ${#missing[@]} = 0 ] ||
	apt-get -q -y install --no-install-recommends "${missing[@]}" >"$work/apt" 2>&1 ||
	{ cat "$work/apt" >&2; exit 2; }
cd "$work"
lintian --version
gcc --version | head -n 1

# package NAME LINK-OPTION: a package with one program that returns 0.
package()
{
	mkdir -p "$1/DEBIAN" "$1/usr/bin" "$1/usr/share/doc/$1"
	echo 'int main(void) { return 0; }' | gcc -O2 "$2" -x c - -o "$1/usr/bin/$1"
	strip "$1/usr/bin/$1"
	readelf -hl "$1/usr/bin/$1" | grep -E '^ *Type:|INTERP' | sed "s/^ */$1: /"
	cat >"$1/DEBIAN/control" <<-CONTROL
		Package: $1
		Version: 1.0-1
		Architecture: amd64
		Maintainer: A Packager <packager@example.org>
		Section: misc
		Priority: optional
		Description: program that does nothing
		 It is here to be looked at.
	CONTROL
	dpkg-deb --root-owner-group -b "$1" >/dev/null
	lintian --allow-root "$1.deb" 2>/dev/null |
		grep -E 'statically-linked|lacks-prerequisites' | tee "$1.tags" || :
}
package hello-fixed -static
package hello-pie -static-pie

grep -q 'statically-linked-binary' hello-fixed.tags
if grep -q 'statically-linked-binary' hello-pie.tags; then exit 1; fi
grep -q 'shared-library-lacks-prerequisites' hello-pie.tags
echo "as stated: -static is statically-linked-binary, -static-pie is shared-library-lacks-prerequisites"
