# SPDX-License-Identifier: MIT
# fork, pipes, wait and signals as perl has them.
use strict;
use warnings;
$| = 1;

pipe(my $r, my $w) or die;
my $pid = fork;
if (!$pid) { close $r; print $w "from the child\n"; exit 5 }
close $w;
print <$r>;
waitpid $pid, 0;
print $? >> 8, "\n";

open my $h, "-|", "seq 3 | tac" or die;
print <$h>;
close $h;
open $h, "|-", "cat -n" or die;
print $h "a\nb\n";
close $h;
open $h, "-|" or do { print "of itself\n"; exit 2 };
print <$h>;
close $h;
print $? >> 8, "\n";

my @children;
for my $n (1 .. 20) {
	my $child = fork;
	exit $n if !$child;
	push @children, $child;
}
my $sum = 0;
for (@children) { waitpid $_, 0; $sum += $? >> 8 }
print "$sum\n";

system "exit 9";
print $? >> 8, "\n";
print `echo backticks`;
my $seen = 0;
$SIG{USR1} = sub { $seen++ };
$pid = fork;
if (!$pid) { kill 'USR1', getppid for 1 .. 3; exit }
waitpid $pid, 0;
print $seen > 0 ? "signalled\n" : "not signalled\n";
eval { local $SIG{ALRM} = sub { die "alarm\n" }; alarm 1; select undef, undef, undef, 10 };
print $@;
$pid = fork;
if (!$pid) { exec "kill -KILL \$\$" }
waitpid $pid, 0;
print $? & 127, "\n";
kill 'TERM', $$;
sleep 5;
