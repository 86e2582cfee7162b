#!/usr/bin/env bash
# Brings the demonstration of docker-compose.yml up with a real engine, looks whether it does what
# README.md says, and takes it down. It needs bash, python3 and the local ports that are free.
#
#   tests/compose.sh                             with `docker compose`, or else `docker-compose`
#   COMPOSE=docker-compose tests/compose.sh      with this one
#   BUILD_BASE=my-rust tests/compose.sh          where no registry can be reached
#
# It exits with 0 if all was as it should be.
#
# shellcheck disable=SC2016  # Moves are told between backquotes, and templates have variables of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${COMPOSE:-}" ]; then
    if docker compose version >/dev/null 2>&1; then COMPOSE="docker compose"; else COMPOSE="docker-compose"; fi
fi

# Beside a demonstration that may be running already: names of its own, and ports that are free.
export COMPOSE_PROJECT_NAME="tribune-test-$$"
export TRIBUNE_IMAGE="tribune-test-$$" TRIBUNE_PORT="" TRIBUNE_ECHO_PORT=""
# As the demonstration has them, whatever .env or the environment say.
export TRIBUNE_BOTS="" RUNTIME_BASE=""
DEADLINE=60
scratch=$(mktemp -d)

step() { printf -- '-- %s\n' "$*"; }
fail() { echo "$*" >"$scratch/failure"; exit 1; }
compose() { $COMPOSE "$@" </dev/null; }
# What compose says of its own progress is of interest only if it fails.
quietly() { "$@" >"$scratch/out" 2>&1 || { cat "$scratch/out" >&2; fail "$*"; }; }
# containers_of SERVICE...: at least one, or it fails. A loop over it would not, so it is put into a variable first.
containers_of() { compose ps -a -q "$@" | grep .; }

# Repeats a command until it succeeds: eventually WHAT COMMAND...
eventually() {
    local what=$1 end=$((SECONDS + DEADLINE))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "not within $DEADLINE s: $what"
        sleep 0.2
    done
}

# has_said CONTAINER PATTERN SINCE: whether it has, since it last said SINCE.
has_said() {
    docker logs "$1" >"$scratch/log" 2>&1
    since=$3 pattern=$2 awk '$0 ~ ENVIRON["since"] { said = 0 } $0 ~ ENVIRON["pattern"] { said = 1 } END { exit !said }' \
        "$scratch/log"
}

# all_say SERVICE PATTERN [SINCE]: what each says after it was connected to the game that is on, or after SINCE.
all_say() {
    local container containers
    containers=$(containers_of "$1")
    for container in $containers; do
        eventually "a container of $1 says $2" has_said "$container" "$2" "${3:-connected: game}"
    done
}

# connections CONTAINER: how often it has been connected to a game.
connections() { docker logs "$1" 2>&1 | grep -c 'connected: game' || true; }
is_connected_again() { [ "$(connections "$1")" -gt "$2" ]; }

# is CONTAINER FORMAT EXPECTED
is() {
    local found
    found=$(docker inspect --format "$2" "$1")
    [ "$found" = "$3" ] || fail "$2 of $(docker inspect --format '{{.Name}}' "$1") is $found, not $3"
}

# spectators_see_the_game [SINCE]
spectators_see_the_game() {
    all_say watch 'got `[NSEW] (john|mary|bill|jane|augustin|randalphe)` from ps#' "$@"
    all_say watch 'got `[NSEW] robot` from tcp#' "$@"
    all_say watch '^clock = ' "$@"
}

everything_comes_up() {
    step "$($COMPOSE version 2>/dev/null | head -1): build and up"
    quietly compose build
    quietly compose up -d
    [ "$(containers_of watch | wc -l)" -eq 2 ] || fail "there are not two watchers"
    spectators_see_the_game
    local stray
    # Some versions clear the line of a terminal that is not there.
    stray=$(compose logs --no-color | sed $'s/\033\\[2K//g' |
        grep -Ev '^Attaching to|^[a-z0-9_-]*(server|echo|watch|robot)[-_][0-9]+ +\| ' || true)
    [ -z "$stray" ] || fail "log lines that do not say whose they are: $stray"
}

nothing_is_granted_that_is_not_needed() {
    step "what the containers can do"
    local container containers size
    containers=$(containers_of)
    for container in $containers; do
        is "$container" '{{.Config.User}}' 65532:65532
        is "$container" '{{.HostConfig.ReadonlyRootfs}}' true
        is "$container" '{{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}}' '[ALL] []'
        is "$container" '{{.HostConfig.SecurityOpt}}' '[no-new-privileges:true]'
        is "$container" '{{range .HostConfig.Ulimits}}{{.Name}} {{.Hard}}{{end}}' 'nofile 16384'
        is "$container" '{{range $port, $at := .HostConfig.PortBindings}}{{range $at}}{{if ne .HostIp "127.0.0.1"}}{{.HostIp}}{{end}}{{end}}{{end}}' ''
        is "$container" '{{.Config.StopSignal}}' SIGTERM
    done
    containers=$(containers_of server echo)
    for container in $containers; do
        is "$container" '{{index .Config.Healthcheck.Test 0}} {{index .Config.Healthcheck.Test 1}}' 'CMD client'
        eventually "it is healthy" is_healthy "$container"
    done
    if docker run --rm --entrypoint /bin/sh "$TRIBUNE_IMAGE" -c true 2>/dev/null; then fail "there is a shell"; fi
    size=$(docker image inspect --format '{{.Size}}' "$TRIBUNE_IMAGE")
    [ "$size" -lt 20000000 ] || fail "the image has $size bytes, and 10 MB is usual"
}
is_healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]; }

one_can_play_from_outside() {
    step "a player from outside"
    local address
    address=$(compose port server 7777)
    exec 3<>"/dev/tcp/${address%:*}/${address#*:}"
    echo 'N outsider' >&3
    all_say watch 'got `N outsider` from tcp#'
    exec 3>&-
}

there_can_be_more_watchers() {
    step "up --scale watch=5"
    quietly compose up -d --scale watch=5
    [ "$(containers_of watch | wc -l)" -eq 5 ] || fail "there are not five watchers"
    spectators_see_the_game
}

# herd SERVICE EXIT OPTION...: runs a herd, which is to end so, and keeps what it reports.
herd() {
    local service=$1 expected=$2 code=0
    shift 2
    compose run --rm -T "$service" --json "$@" >"$scratch/report" 2>"$scratch/err" || code=$?
    [ "$code" -eq "$expected" ] || { cat "$scratch/err" "$scratch/report" >&2; fail "$service $* exits with $code"; }
}

# The report, by which all jobs were done, 50 at a time, and everything was received.
all_were_served() {
    python3 - "$scratch/report" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
achieved, ledger = report["achieved"], report["ledger"]
assert report["verdict"] == "pass", report["failed"]
assert (achieved["completed"], achieved["max_active"]) == (200, 50), achieved
assert ledger["received"] == ledger["expected"] >= 200 and ledger["lost"] == 0, ledger
PYTHON
}

herds_pass_and_say_so() {
    step "herds"
    herd herd 0 && all_were_served
    herd herd-echo 0 && all_were_served
    # The exit code is the herd's own, and an option that is added is the one that counts.
    herd herd 4 --jobs 5 --hold 1s --fail-if 'deliveries<1000000'
}

watchers_come_back_after_the_server_was_killed() {
    step "kill"
    local container containers
    docker kill "$(containers_of server)" >/dev/null
    all_say watch 'trying again'
    containers=$(containers_of watch robot)
    for container in $containers; do
        echo "$container $(connections "$container")"
    done >"$scratch/connections"
    quietly compose up -d --scale watch=5
    while read -r container before; do
        eventually "it is connected again" is_connected_again "$container" "$before"
    done <"$scratch/connections"
    spectators_see_the_game
}

your_own_bot_plays() {
    step "a bot of one's own"
    mkdir "$scratch/bots"
    # The line that is there to be made one's own.
    sed 's/# \({ at = 1, command\)/\1/' bots/scenario.toml >"$scratch/bots/scenario.toml"
    printf '#!/bin/sh\nfor turn in 1 2 3; do echo E mine; done\n' >"$scratch/bots/bot"
    chmod -R a+rX "$scratch" && chmod a+x "$scratch/bots/bot"
    # A script needs a base with its interpreter, and any on which something can be built has a shell.
    export TRIBUNE_BOTS="$scratch/bots" TRIBUNE_IMAGE="$TRIBUNE_IMAGE-bots"
    export RUNTIME_BASE=${BUILD_BASE:-docker.io/library/debian:bookworm-slim}
    quietly compose up -d --build
    all_say watch 'got `E mine` from ps#'
}

a_bot_that_eats_all_memory_harms_nobody() {
    step "a bot that eats all memory"
    local end='worker ps#[0-9]+ \(glutton\) - exit signal 9'
    if [ "$(docker info --format '{{.MemoryLimit}}')" != true ]; then
        step "not looked at, as this engine cannot limit memory"
        return
    fi
    echo 'worker = [{ at = 0, command = ["tail", "/dev/zero"], name = "glutton" }, { at = 1, predef = 1 }]' \
        >"$scratch/bots/scenario.toml"
    # This is how a scenario takes effect. The game ends, and all who were there come back to the next.
    quietly compose restart server
    all_say watch "$end"
    spectators_see_the_game "$end"
}

# have_ended SERVICE CODE: every container of it has ended, and with this exit code.
have_ended() {
    local container containers
    containers=$(containers_of "$1")
    for container in $containers; do
        is "$container" '{{.State.Running}} {{.State.ExitCode}}' "false $2"
    done
}

everything_ends() {
    step "stop and down"
    local left
    # The end of the server is that of the game, and of every player.
    quietly compose stop server
    all_say watch '0 still running'
    all_say watch '^terminated - bye$'
    quietly compose up -d
    spectators_see_the_game
    quietly compose stop
    # What is killed for taking too long ends with 137, and on its own with 0, or 143 for SIGTERM.
    have_ended server 0
    have_ended echo 0
    have_ended watch 143
    have_ended robot 143
    quietly compose down
    left=$(docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")
    [ -z "$left" ] || fail "containers are left: $left"
}

clean_up() {
    local code=$?
    [ "$code" -eq 0 ] || compose logs --no-color --tail 20 >&2 || true
    compose down --timeout 1 >/dev/null 2>&1 || true
    docker rmi "tribune-test-$$" "tribune-test-$$-bots" >/dev/null 2>&1 || true
    [ "$code" -eq 0 ] || echo "FAILED: $(cat "$scratch/failure" 2>/dev/null || echo "see above")" >&2
    rm -rf "$scratch"
    exit "$code"
}
trap clean_up EXIT

everything_comes_up
nothing_is_granted_that_is_not_needed
one_can_play_from_outside
there_can_be_more_watchers
herds_pass_and_say_so
watchers_come_back_after_the_server_was_killed
your_own_bot_plays
a_bot_that_eats_all_memory_harms_nobody
everything_ends
step "passed"
