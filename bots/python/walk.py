#!/usr/bin/env python3
"""A bot that only prints moves: ten steps in random directions, and then it is done."""

import random
import sys
import time

name = sys.argv[1] if len(sys.argv) > 1 else "py-walk"

for _ in range(10):
    # One move per line: a direction and the name of the player. flush=True sends the line now. Without it,
    # Python keeps what is printed into a pipe until it has some thousand bytes, or the program ends.
    print(random.choice("NSEW"), name, flush=True)
    time.sleep(0.2)
