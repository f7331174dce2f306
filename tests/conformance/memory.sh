# SPDX-License-Identifier: MIT
# A program that allocates without end, in a sandbox of 256 MiB; natively its address space ends. A
# process beside it, and its parent, do not notice.
[ "$VM" ] && VM="$VM --mem=256M" || ulimit -v 300000
$VM bash -c 'coproc cat; echo before >&${COPROC[1]}
	perl -e "my @x; push @x, q(x) x 1048576 while 1" 2>/dev/null
	[ $? != 0 ] && echo it ended; echo after >&${COPROC[1]}
	for i in 1 2; do read x <&${COPROC[0]} && echo "$x"; done
	echo the others go on; seq 3 | tail -n 1' 2>/dev/null
echo "status $?"
