#!/usr/bin/env bash
# A bot that only prints moves: ten steps in random directions, and then it is done.

name=${1:-sh-walk}
directions=(N S E W)

for _ in {1..10}; do
    # One move per line: a direction and the name of the player. Bash sends each line at once. In front of
    # programs that do not, such as sed or grep, write: stdbuf -oL
    echo "${directions[RANDOM % 4]} $name"
    sleep 0.2
done
