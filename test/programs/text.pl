# Pipes, forks, sockets, sorting, formats, eval, local time.
use strict;
use warnings;
use Socket;
use Time::HiRes qw(time sleep alarm);
use POSIX qw(:sys_wait_h strftime);

my %words;
open(my $passwd, '<', '/etc/passwd') or die;
while (<$passwd>) { $words{$_}++ for split /\W+/ }
print "$_=$words{$_} " for sort keys %words;
print "\n", strftime('%F %T', localtime), ' ', time, ' ', rand, "\n";
my @lines = `echo backtick; exit 3`;
print @lines, $? >> 8, "\n";
open(my $sort, '|-', 'sort -r') or die;
print $sort "$_\n" for 1 .. 5;
close $sort;
socketpair(my $mine, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
my $pid = fork;
if (!$pid) { close $mine; print $theirs "child $$\n"; exit 4 }
close $theirs;
print scalar <$mine>;
waitpid $pid, 0;
print 'child ended with ', $? >> 8, "\n";
eval {
    local $SIG{ALRM} = sub { die "alarm\n" };
    alarm 0.05;
    sleep 10;
};
print "ended by $@";
my $text = join ',', map { sprintf '%05d', $_ * 7919 % 100003 } 1 .. 20000;
my $found = () = $text =~ /(?:1[0-9]{2}3|42)/g;
print "$found matches\n";
