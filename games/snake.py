#!/usr/bin/env python3
"""Snake as a referee: the same game as `server --game snake`, turn for turn.

    tribune server --game "python3 games/snake.py" --turn 150ms

The server sends which players join, act and leave, and when a turn is due. The answer to a turn is what has changed in
it: cells, scores and players that are out. `docs/games.md` describes the lines, `docs/snake.md` the rules.

All numbers that look random follow from the seed, so the same seed and the same actions give the same game.
"""

import sys
from collections import defaultdict

STEPS = {"N": (0, -1), "S": (0, 1), "E": (1, 0), "W": (-1, 0)}
OPPOSITE = {"N": "S", "S": "N", "E": "W", "W": "E"}

MAX_WAITING = 2     # So many directions of a player can wait, one for each of the next turns.
FIRST_LENGTH = 3    # A snake enters as a head, and grows to this length.
ENTRY_TRIES = 32    # So many cells are tried for a snake that enters,
CLEAR_TRIES = 24    # and so many of them must have no snake next to them.


class Random:
    """The SplitMix64 generator, seeded by the round and by what it is used for (an FNV-1a hash)."""

    MASK = 2**64 - 1

    def __init__(self, seed, purpose):
        hashed = 0xCBF29CE484222325
        for byte in purpose.encode():
            hashed = (hashed ^ byte) * 0x100000001B3 & self.MASK
        self.state = seed ^ hashed

    def below(self, limit):
        """The next number, from 0 to limit - 1."""
        self.state = self.state + 0x9E3779B97F4A7C15 & self.MASK
        mixed = self.state
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & self.MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & self.MASK
        return (mixed ^ mixed >> 31) % limit


class Player:
    def __init__(self, name, random):
        self.name = name
        letters = (c for c in name if c.isascii() and c.isalpha())
        self.glyph = next(letters, "@").lower()
        self.random = random
        self.score = 0
        self.body = []          # Its cells, from head to tail; empty if it is not on the board.
        self.entering = None    # The cell that is tried first, if it waits to enter.
        self.growth = 0
        self.heading = None     # The direction of its last step.
        self.waiting = []       # The directions of the next steps.

    def steer(self, direction):
        if self.heading is None:
            self.waiting = [direction]
            return
        before = self.waiting[-1] if self.waiting else self.heading
        if direction not in (before, OPPOSITE[before]) and len(self.waiting) < MAX_WAITING:
            self.waiting.append(direction)


class Snake:
    def __init__(self, seed, width, height):
        self.seed, self.width, self.height = seed, width, height
        self.players = {}
        self.cells = {}     # What is in the cells that are not empty: (glyph, id of the player).
        self.shown = {}     # The same as it was last sent to the server.
        self.food = min(max(3, width * height // 64), width * height // 4)

    # What players do

    def join(self, id, name):
        player = Player(name, Random(self.seed, name))
        player.entering = self.any_cell(player.random)
        self.players[id] = player

    def act(self, id, direction):
        player = self.players[id]
        if not player.body and player.entering is None:
            # It was out, and comes back.
            player.entering = self.any_cell(player.random)
            player.heading, player.waiting = None, []
        player.steer(direction)

    def leave(self, id):
        self.erase(self.players.pop(id))

    # A turn

    def turn(self, number):
        """Plays a turn, and returns lines with what has changed."""
        lines = []
        heads = self.advance_tails()
        deaths = self.deaths(heads)
        for id in deaths:
            self.erase(self.players[id])
        for id, cell in heads.items():
            if id not in deaths and self.advance_head(id, cell):
                lines.append(f"score {id} {self.players[id].score}")
        lines += [f"out {id} {deaths[id]}" for id in sorted(deaths)]
        self.place_entering_snakes()
        self.place_food(number)
        return self.draw() + lines

    def advance_tails(self):
        """Tails leave their cells, unless the snake grows. Returns where the heads go."""
        heads = {}
        for id, player in sorted(self.players.items()):
            if not player.body:
                continue
            if player.waiting:
                player.heading = player.waiting.pop(0)
            elif player.heading is None:
                player.heading = "NSEW"[player.random.below(4)]
            heads[id] = self.neighbour(player.body[0], player.heading)
            if player.growth:
                player.growth -= 1
            else:
                del self.cells[player.body.pop()]
        return heads

    def deaths(self, heads):
        """The players whose snakes die, with the reasons: bodies first, then heads that meet."""
        deaths = {}
        meetings = defaultdict(list)
        for id, cell in heads.items():
            glyph, owner = self.cells.get(cell, (None, 0))
            if owner == id:
                deaths[id] = "ran into itself"
            elif owner:
                deaths[id] = "ran into " + self.players[owner].name
            else:
                meetings[cell].append(id)
        for ids in meetings.values():
            ids.sort(key=lambda id: (-self.length(id), self.players[id].name, id))
            for id in ids:
                other = next((other for other in ids if other != id), None)
                if other and self.length(other) >= self.length(id):
                    longer = "longer" if self.length(other) > self.length(id) else "as long"
                    deaths[id] = f"met {self.players[other].name}, which was {longer}"
        return deaths

    def length(self, id):
        return len(self.players[id].body)

    def advance_head(self, id, cell):
        """The head of a snake enters a cell. Returns whether it has eaten."""
        player = self.players[id]
        food, _ = self.cells.get(cell, ("0", 0))
        player.growth += int(food)
        player.score += int(food)
        player.body.insert(0, cell)
        self.cells[cell] = (player.glyph, id)
        return food != "0"

    def erase(self, player):
        for cell in player.body:
            del self.cells[cell]
        player.body = []

    def place_entering_snakes(self):
        """Snakes enter that wait for it, by name."""
        waiting = [id for id in sorted(self.players) if self.players[id].entering is not None]
        for id in sorted(waiting, key=lambda id: self.players[id].name):
            player = self.players[id]
            for tried in range(ENTRY_TRIES):
                cell = player.entering
                if cell not in self.cells and (tried >= CLEAR_TRIES or self.is_clear_around(cell)):
                    player.body, player.entering = [cell], None
                    player.growth = FIRST_LENGTH - 1
                    self.cells[cell] = (player.glyph, id)
                    break
                player.entering = self.any_cell(player.random)

    def place_food(self, number):
        """Places as much food as is missing, if it finds empty cells."""
        missing = self.food - sum(player == 0 for _, player in self.cells.values())
        random = Random(self.seed, f"food {number}")
        for _ in range(2 * missing):
            cell, value = self.any_cell(random), 1 + random.below(9)
            if missing > 0 and cell not in self.cells:
                self.cells[cell] = (str(value), 0)
                missing -= 1

    def draw(self):
        """The cells that have changed, row by row."""
        before, self.shown = self.shown, dict(self.cells)
        changed = [
            cell for cell in before.keys() | self.cells.keys()
            if before.get(cell) != self.cells.get(cell)
        ]
        changed.sort(key=lambda cell: (cell[1], cell[0]))
        lines = []
        for x, y in changed:
            glyph, id = self.cells.get((x, y), (".", 0))
            lines.append(f"draw {x} {y} {glyph} {id}")
        return lines

    # The board, which has no edges

    def neighbour(self, cell, direction):
        (x, y), (dx, dy) = cell, STEPS[direction]
        return ((x + dx) % self.width, (y + dy) % self.height)

    def is_clear_around(self, cell):
        around = (self.cells.get(self.neighbour(cell, direction)) for direction in STEPS)
        return not any(content and content[1] for content in around)

    def any_cell(self, random):
        index = random.below(self.width * self.height)
        return (index % self.width, index // self.width)


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    print("name snake")
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "game":
            snake = Snake(*map(int, rest))
        elif word == "join":
            snake.join(int(rest[0]), rest[1])
        elif word == "act":
            snake.act(int(rest[0]), rest[1])
        elif word == "leave":
            snake.leave(int(rest[0]))
        elif word == "turn":
            print(*snake.turn(int(rest[0])), "go", sep="\n", flush=True)


if __name__ == "__main__":
    main()
