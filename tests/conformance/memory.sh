# A program that allocates without end, in a sandbox of 256 MiB; natively its address space ends.
[ "$VM" ] && VM="$VM --mem=256M" || ulimit -v 300000
$VM bash -c 'perl -e "my @x; push @x, q(x) x 1048576 while 1" 2>/dev/null
	[ $? != 0 ] && echo it ended; echo the others go on; seq 3 | tail -n 1' 2>/dev/null
echo "status $?"
