#!/usr/bin/env perl
# A bot that only prints moves: ten steps in random directions, and then it is done.
use strict;
use warnings;

# Sends each line at once. Without this, Perl keeps what is printed into a pipe until it has some thousand
# bytes, or the program ends.
$| = 1;

my $name = shift // 'pl-walk';
my @directions = qw(N S E W);

for (1 .. 10) {
    # One move per line: a direction and the name of the player.
    print "$directions[rand 4] $name\n";
    select(undef, undef, undef, 0.2);    # sleeps for a part of a second
}
