# SPDX-License-Identifier: MIT
# Forks until it may not any more, or has enough; all children end when their pipe closes.
use strict;
use warnings;
use Errno qw(EAGAIN);

my $enough = 500;
pipe(my $r, my $w) or die;
my @children;
while (@children < $enough) {
	my $pid = fork;
	if (!defined $pid) { last if $! == EAGAIN; die "fork: $!\n" }
	if (!$pid) { close $w; <$r>; exit 3 }
	push @children, $pid;
}
print scalar(@children), " children\n";
close $w;
my $sum = 0;
for (@children) { waitpid $_, 0; $sum += $? >> 8 }
print "$sum\n";
