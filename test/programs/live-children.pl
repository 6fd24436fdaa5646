# Children by open2 and fork, an interval timer, a substitution. Prints the same each time; uses no file.
use strict;
use warnings;
use IPC::Open2;
use Time::HiRes qw(ualarm usleep);

$| = 1;
my $ticks = 0;
$SIG{ALRM} = sub { $ticks++ };
ualarm(3000, 3000);
for my $i (1 .. 4) {
    my $pid = open2(my $out, my $in, 'sort', '-n');
    print $in "$_\n" for 5, 3, 9, $i;
    close $in;
    chomp(my @sorted = <$out>);
    waitpid $pid, 0;
    print "@sorted, ended with ", $? >> 8, "\n";
}
for my $i (1 .. 5) {
    next if fork;
    usleep(2000);
    exit $i;
}
my $sum = 0;
while (wait > 0) { $sum += $? >> 8 }
ualarm(0);
print "sum $sum\n", `echo back | tr a-z A-Z`;
exit 12;
