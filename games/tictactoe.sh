#!/usr/bin/env bash
# Tic-tac-toe in Bash, for the first two players that join; others wait until one of the two leaves.
# The squares are  1 2 3 / 4 5 6 / 7 8 9.  Each game is a round.
#
# tribune server --turn 200ms --game "bash games/tictactoe.sh"     then, as a player:  5 ann
set -f # a glyph is never a file name

lines=("1 2 3" "4 5 6" "7 8 9" "1 4 7" "2 5 8" "3 6 9" "1 5 9" "3 5 7")
declare -A name # of each player, by its number
declare -A mark # of each player that plays: X or O
declare -a square

# A note that players can cause at any time: the server accepts no more than 100 notes in a turn.
note() { ((++notes <= 50)) && echo "note $1"; }

new_game() {
    name=() mark=() square=() waiting=() x='' o='' turn_of=X moves=0 over=''
}

# The players that have waited longest take the free marks.
fill_marks() {
    for player in "${waiting[@]}"; do
        if [[ -z $x ]]; then x=$player mark[$player]=X
        elif [[ -z $o ]]; then o=$player mark[$player]=O
        else continue; fi
        note "${name[$player]} plays ${mark[$player]}"
    done
    left=()
    for player in "${waiting[@]}"; do [[ ${mark[$player]} ]] || left+=("$player"); done
    waiting=("${left[@]}")
}

has_won() {
    for line in "${lines[@]}"; do
        read -r a b c <<<"$line"
        [[ ${square[a]}${square[b]}${square[c]} == "$1$1$1" ]] && return
    done
    return 1
}

place() { # PLAYER SQUARE
    local sign=${mark[$1]}
    if [[ -z $sign || -z $x || -z $o || $over ]]; then note "${name[$1]} has to wait"
    elif [[ $sign != "$turn_of" ]]; then note "it is not the turn of ${name[$1]}"
    elif [[ ${square[$2]} ]]; then note "square $2 is taken"
    else
        square[$2]=$sign
        echo "draw $((($2 - 1) % 3)) $((($2 - 1) / 3)) $sign $1"
        [[ $sign == X ]] && turn_of=O || turn_of=X
        if has_won "$sign"; then finish "$1" "${name[$1]} has won"
        elif ((++moves == 9)); then echo "note a draw"; echo "result $x=$o"; over=1
        fi
    fi
}

finish() { # WINNER REASON
    echo "score $1 1"
    echo "note $2"
    echo "result $1"
    over=1
}

leave() { # PLAYER
    local sign=${mark[$1]}
    unset "name[$1]" "mark[$1]"
    case $sign in X) x='' ;; O) o='' ;; esac
    # The one that remains has won, if the game had begun.
    if [[ $sign && -z $over && -n ${square[*]} && -n $x$o ]]; then
        finish "$x$o" "${name[$x$o]} has won, as the other has left"
    fi
    left=()
    for player in "${waiting[@]}"; do [[ $player == "$1" ]] || left+=("$player"); done
    waiting=("${left[@]}")
    fill_marks
}

while read -r word one two three; do
    case $word in
    game)
        new_game
        echo "name tic-tac-toe"
        echo "actions [1-9]"
        if ((two < 3 || three < 3)); then echo "end the board has to be at least 3x3"; fi
        ;;
    join) name[$one]=$two waiting+=("$one"); fill_marks ;;
    act) place "$one" "$two" ;;
    leave) leave "$one" ;;
    turn) notes=0; echo go ;;
    esac
done
