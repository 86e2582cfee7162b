#!/usr/bin/env python3
"""Rock, paper, scissors, for two players or more: a point for each player that you beat, and 5 points win a round.

tribune server --lockstep --turn 10s --game "python3 games/rps.py"     then, as a player:  rock ann
"""
import sys
from collections import Counter

BEATS = {"rock": "scissors", "paper": "rock", "scissors": "paper"}


def play():
    """All players that have chosen play against each other, at once."""
    choices = Counter(chosen.values())
    for player, choice in chosen.items():
        beaten = choices[BEATS[choice]]
        scores[player] += beaten
        if beaten:
            print("score", player, scores[player])
    print("note", ", ".join(f"{names[player]}: {choice}" for player, choice in chosen.items())[:200])
    chosen.clear()
    if max(scores.values()) >= 5:
        print("result")  # without players: ranked by score


for line in sys.stdin:
    word, *rest = line.split()
    if word == "game":  # a round begins: the players in the game join again
        names, scores, chosen = {}, {}, {}  # by the number of a player
        print("name rock-paper-scissors")
        print("actions rock|paper|scissors")
    elif word == "join":
        names[rest[0]], scores[rest[0]] = rest[1], 0
    elif word == "act":
        chosen[rest[0]] = rest[1]  # the last choice counts
    elif word == "leave":
        for table in names, scores, chosen:
            table.pop(rest[0], None)
    elif word == "turn":
        if len(chosen) > 1:
            play()
        print("go", flush=True)
