# A loop that a timer interrupts: where it is shows in variables only, which lie three pointers behind the interpreter's registers.
use strict;
use warnings;
use Time::HiRes qw(setitimer ITIMER_REAL);

my ($ticks, $rounds, %last, @some) = (0, 0);
$SIG{ALRM} = sub { $ticks++; print "tick $ticks: $rounds\n" };
setitimer(ITIMER_REAL, 0.01, 0.01);
while ($ticks < 12) {
    $rounds++;
    $last{$rounds % 1000} = $rounds;
    push @some, $rounds;
    @some = () if @some > 100;
}
setitimer(ITIMER_REAL, 0);
print "rounds $rounds\n";
