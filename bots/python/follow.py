#!/usr/bin/env python3
"""A bot that plays from what it reads: it follows the player that moved last."""

import json
import sys

name = sys.argv[1] if len(sys.argv) > 1 else "py-follow"


def step(here, there, size):
    """-1, 0 or 1: the shorter way from here to there on a board without edges."""
    ahead = (there - here) % size
    if ahead == 0:
        return 0
    return 1 if ahead <= size // 2 else -1


me = target = None  # positions (x, y), as far as they are known

# The game comes on standard input: one JSON object per line, until the game ends.
for line in sys.stdin:
    event = json.loads(line)
    kind = event["type"]
    if kind == "welcome":
        origin = event["you"]  # as in ps#1: other programs may use the same name
    elif kind == "state":
        board = event["board"]
    elif kind == "move":
        position = event["x"], event["y"]
        if event["from"] == origin and event["name"] == name:
            me = position
        else:
            target = position
    elif kind == "clock":
        # Once a second. The first move joins the game, and shows where this player is.
        move = None
        if me is None:
            move = "N"
        elif target is not None:
            x = step(me[0], target[0], board["width"])
            y = step(me[1], target[1], board["height"])
            move = {(1, 0): "E", (-1, 0): "W", (0, 1): "S", (0, -1): "N"}.get((x, 0) if x else (0, y))
        if move:
            print(move, name, flush=True)  # at once, not when a buffer is full
