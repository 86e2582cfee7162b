#!/usr/bin/env python3
"""A bot for snake: it goes to the nearest food by cells that are empty.

    tribune server --game snake --bot "python3 bots/python/snake.py"
"""

import json
import sys

name = sys.argv[1] if len(sys.argv) > 1 else "py-snake"
STEPS = {"N": (0, -1), "S": (0, 1), "E": (1, 0), "W": (-1, 0)}

cells = {}  # (x, y): (glyph, player) of every cell that is not empty
my_id = head = None


def draw(changed):
    """Takes over cells that changed, and notes where my head is: the one cell of mine that is new."""
    global head
    for x, y, glyph, player in changed:
        if glyph:
            cells[x, y] = glyph, player
            if player == my_id:
                head = x, y
        else:
            cells.pop((x, y), None)


def best_move():
    """The direction of the empty cell next to my head that is nearest to food."""

    def distance(a, b):
        dx, dy = abs(a[0] - b[0]), abs(a[1] - b[1])
        return min(dx, width - dx) + min(dy, height - dy)  # the board has no edges

    food = [place for place, (glyph, player) in cells.items() if player == 0]
    moves = []
    for direction, (dx, dy) in STEPS.items():
        place = (head[0] + dx) % width, (head[1] + dy) % height
        if place not in cells or place in food:
            moves.append((min((distance(place, f) for f in food), default=0), direction))
    return min(moves)[1] if moves else "N"


for line in sys.stdin:
    event = json.loads(line)
    kind = event["type"]
    move = None
    if kind == "welcome":
        origin = event["you"]
    elif kind == "state":  # at the start, and again if this bot was too slow to read every event
        width, height = event["board"]["width"], event["board"]["height"]
        cells = {}
        draw(event.get("cells", []))
    elif kind == "round":  # the board is empty now
        cells, head = {}, None
    elif kind == "joined" and event["from"] == origin and event["name"] == name:
        my_id = event["player"]
    elif kind == "turn":
        draw(event.get("cells", []))
        if any(player == my_id for player, reason in event.get("out", [])):
            head = None
        if head:
            move = best_move()
    elif kind == "clock" and head is None:
        move = "N"  # Joins the game, or comes back: refused until three seconds after the end.
    if move:
        print(move, name, flush=True)  # at once, not when a buffer is full
