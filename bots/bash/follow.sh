#!/usr/bin/env bash
# A bot that plays from what it reads: it follows the player that moved last.

name=${1:-sh-follow}

# Sets REPLY to the value of the field $2 of the JSON object $1, a number or a simple text. The fields of an
# object have no fixed order, so each is looked for by its name.
field() {
    [[ $1 =~ \"$2\":\"?([^\",}]*) ]] && REPLY=${BASH_REMATCH[1]}
}

# Sets REPLY to -1, 0 or 1: the shorter way from $1 to $2 on a board without edges, $3 cells long.
step() {
    local ahead=$((($2 - $1 + $3) % $3))
    REPLY=0
    ((ahead == 0)) || REPLY=$((ahead <= $3 / 2 ? 1 : -1))
}

# The game comes on standard input: one JSON object per line, until the game ends.
while read -r line; do
    field "$line" type
    case $REPLY in
    welcome)
        field "$line" you && origin=$REPLY # as in ps#1: other programs may use the same name
        ;;
    state)
        field "$line" width && width=$REPLY
        field "$line" height && height=$REPLY
        ;;
    move)
        field "$line" x && x=$REPLY
        field "$line" y && y=$REPLY
        field "$line" from && from=$REPLY
        field "$line" name
        if [[ $from == "$origin" && $REPLY == "$name" ]]; then
            my_x=$x my_y=$y
        else
            target_x=$x target_y=$y
        fi
        ;;
    clock)
        # Once a second. The first move joins the game, and shows where this player is.
        if [[ -z $my_x ]]; then
            echo "N $name"
        elif [[ -n $target_x ]]; then
            step "$my_x" "$target_x" "$width" && dx=$REPLY
            step "$my_y" "$target_y" "$height" && dy=$REPLY
            case $dx$dy in
            1*) echo "E $name" ;;
            -1*) echo "W $name" ;;
            01) echo "S $name" ;;
            0-1) echo "N $name" ;;
            esac
        fi
        ;;
    esac
done
