#!/usr/bin/env python3
"""Conway's Game of Life: a game without players. Each turn is a generation on a board without edges.

tribune server --turn 100ms --game "python3 games/life.py"
"""
import collections
import random
import sys


def next_generation(alive, width, height):
    """A cell lives if it has three neighbours, or two and was alive."""
    neighbours = collections.Counter(
        ((x + dx) % width, (y + dy) % height)
        for x, y in alive
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
        if (dx, dy) != (0, 0)
    )
    return {cell for cell, count in neighbours.items() if count == 3 or (count == 2 and cell in alive)}


for line in sys.stdin:
    word, *rest = line.split()
    if word == "game":
        seed, width, height = map(int, rest)
        dice = random.Random(seed)  # the same seed, the same game
        cells = [(x, y) for x in range(width) for y in range(height)]
        following = {cell for cell in cells if dice.random() < 0.3}
        alive, before, generation, next_look = set(), None, 0, 1
        print("name life")
        print("actions")  # no actions: no client can play
    elif word == "turn":
        for x, y in following - alive:
            print("draw", x, y, "#", 0)
        for x, y in alive - following:
            print("draw", x, y, ".", 0)
        alive = following
        if alive == before:  # it only repeats itself: the next round has another seed
            print("note after", rest[0], "turns it repeats itself")
            print("result")
        generation += 1
        if generation == next_look:  # the time to the next look doubles: it finds repetitions of any length
            before, next_look = alive, 2 * next_look
        following = next_generation(alive, width, height)
        print("go", flush=True)
