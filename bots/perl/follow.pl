#!/usr/bin/env perl
# A bot that plays from what it reads: it follows the player that moved last.
use strict;
use warnings;
use JSON::PP;    # comes with Perl

$| = 1;          # sends each line at once, not when a buffer is full

my $name = shift // 'pl-follow';
my ($origin, $board, $me, $target);

# -1, 0 or 1: the shorter way from here to there on a board without edges.
sub step {
    my ($here, $there, $size) = @_;
    my $ahead = ($there - $here) % $size;
    return $ahead == 0 ? 0 : $ahead <= $size / 2 ? 1 : -1;
}

# What to do next; undef for nothing.
sub next_move {
    return 'N' unless $me;    # The first move joins the game, and shows where this player is.
    return unless $target;
    my $x = step($me->{x}, $target->{x}, $board->{width});
    my $y = step($me->{y}, $target->{y}, $board->{height});
    return $x == 1 ? 'E' : $x == -1 ? 'W' : $y == 1 ? 'S' : $y == -1 ? 'N' : undef;
}

# The game comes on standard input: one JSON object per line, until the game ends.
while (my $line = <STDIN>) {
    my $event = decode_json($line);
    my $type  = $event->{type};
    if ($type eq 'welcome') {
        $origin = $event->{you};    # as in ps#1: other programs may use the same name
    }
    elsif ($type eq 'state') {
        $board = $event->{board};
    }
    elsif ($type eq 'move') {
        my $is_mine = $event->{from} eq $origin && $event->{name} eq $name;
        ($is_mine ? $me : $target) = { x => $event->{x}, y => $event->{y} };
    }
    elsif ($type eq 'clock') {      # once a second
        my $move = next_move();
        print "$move $name\n" if defined $move;
    }
}
