#!/usr/bin/env bash
# Starts the demonstration of docker-compose.yml with a real Docker engine, checks that it does what
# README.md says, and stops it. It needs bash and python3, and uses free local ports.
#
#   tests/compose.sh                             with `docker compose`, or else `docker-compose`
#   COMPOSE=docker-compose tests/compose.sh      with this version of compose
#   BUILD_BASE=my-rust tests/compose.sh          with a local base image, without a registry
#
# Exits with 0 if all checks passed.
#
# shellcheck disable=SC2016  # The console prints moves in backquotes, and templates have their own variables.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${COMPOSE:-}" ]; then
    if docker compose version >/dev/null 2>&1; then COMPOSE="docker compose"; else COMPOSE="docker-compose"; fi
fi

# Separate names and free ports, so that a demonstration can run at the same time.
export COMPOSE_PROJECT_NAME="tribune-test-$$"
export TRIBUNE_IMAGE="tribune-test-$$" TRIBUNE_PORT="" TRIBUNE_WEB_PORT="" TRIBUNE_ECHO_PORT=""
# The defaults, regardless of .env and the environment.
export TRIBUNE_BOTS="" RUNTIME_BASE=""
DEADLINE=60
scratch=$(mktemp -d)

step() { printf -- '-- %s\n' "$*"; }
fail() { echo "$*" >"$scratch/failure"; exit 1; }
compose() { $COMPOSE "$@" </dev/null; }
# Prints the progress messages of compose only if it fails.
quietly() { "$@" >"$scratch/out" 2>&1 || { cat "$scratch/out" >&2; fail "$*"; }; }
# containers_of SERVICE...: the ids of their containers. It fails if there are none. A loop over it would
# ignore that, so callers assign it to a variable first.
containers_of() { compose ps -a -q "$@" | grep .; }

# eventually WHAT COMMAND...: repeats the command until it succeeds.
eventually() {
    local what=$1 end=$((SECONDS + DEADLINE))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "not within $DEADLINE s: $what"
        sleep 0.2
    done
}

# has_printed CONTAINER PATTERN SINCE: whether a line after the last one that matches SINCE matches PATTERN.
has_printed() {
    docker logs "$1" >"$scratch/log" 2>&1
    since=$3 pattern=$2 awk '$0 ~ ENVIRON["since"] { found = 0 } $0 ~ ENVIRON["pattern"] { found = 1 } END { exit !found }' \
        "$scratch/log"
}

# all_print SERVICE PATTERN [SINCE]: waits until each container has printed PATTERN since it last connected
# to a game, or since SINCE.
all_print() {
    local container containers
    containers=$(containers_of "$1")
    for container in $containers; do
        eventually "a container of $1 prints $2" has_printed "$container" "$2" "${3:-connected: game}"
    done
}

# connections CONTAINER: the number of times it has connected to a game.
connections() { docker logs "$1" 2>&1 | grep -c 'connected: game' || true; }
has_reconnected() { [ "$(connections "$1")" -gt "$2" ]; }

# assert_inspect CONTAINER FORMAT EXPECTED: checks what `docker inspect` prints in this format.
assert_inspect() {
    local found
    found=$(docker inspect --format "$2" "$1")
    [ "$found" = "$3" ] || fail "$2 of $(docker inspect --format '{{.Name}}' "$1") is $found, not $3"
}

# spectators_see_the_game [SINCE]: waits for moves of the programs and the robot, and a tick.
spectators_see_the_game() {
    all_print watch 'got `[NSEW] (john|mary|bill|jane|augustin|randalphe)` from ps#' "$@"
    all_print watch 'got `[NSEW] robot` from tcp#' "$@"
    all_print watch '^clock = ' "$@"
}

everything_comes_up() {
    step "$($COMPOSE version 2>/dev/null | head -1): build and up"
    quietly compose build
    quietly compose up -d
    [ "$(containers_of watch | wc -l)" -eq 2 ] || fail "there are not two watchers"
    spectators_see_the_game
    local stray
    # Some versions print a terminal's escape sequence for clearing a line.
    stray=$(compose logs --no-color | sed $'s/\033\\[2K//g' |
        grep -Ev '^Attaching to|^[a-z0-9_-]*(server|echo|watch|robot)[-_][0-9]+ +\| ' || true)
    [ -z "$stray" ] || fail "log lines without the name of a service: $stray"
}

containers_have_minimal_rights() {
    step "rights of the containers"
    local container containers size
    containers=$(containers_of)
    for container in $containers; do
        assert_inspect "$container" '{{.Config.User}}' 65532:65532
        assert_inspect "$container" '{{.HostConfig.ReadonlyRootfs}}' true
        assert_inspect "$container" '{{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}}' '[ALL] []'
        assert_inspect "$container" '{{.HostConfig.SecurityOpt}}' '[no-new-privileges:true]'
        assert_inspect "$container" '{{range .HostConfig.Ulimits}}{{.Name}} {{.Hard}}{{end}}' 'nofile 16384'
        assert_inspect "$container" '{{range $port, $at := .HostConfig.PortBindings}}{{range $at}}{{if ne .HostIp "127.0.0.1"}}{{.HostIp}}{{end}}{{end}}{{end}}' ''
        assert_inspect "$container" '{{.Config.StopSignal}}' SIGTERM
    done
    containers=$(containers_of server echo)
    for container in $containers; do
        assert_inspect "$container" '{{index .Config.Healthcheck.Test 0}} {{index .Config.Healthcheck.Test 1}}' 'CMD client'
        eventually "the container is healthy" is_healthy "$container"
    done
    if docker run --rm --entrypoint /bin/sh "$TRIBUNE_IMAGE" -c true 2>/dev/null; then fail "the image has a shell"; fi
    size=$(docker image inspect --format '{{.Size}}' "$TRIBUNE_IMAGE")
    [ "$size" -lt 20000000 ] || fail "the image has $size bytes, where 10 MB are usual"
}
is_healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]; }

player_joins_from_outside() {
    step "a player from outside"
    local address
    address=$(compose port server 7777)
    exec 3<>"/dev/tcp/${address%:*}/${address#*:}"
    echo 'N outsider' >&3
    all_print watch 'got `N outsider` from tcp#'
    exec 3>&-
}

page_is_served() {
    step "the page"
    local address
    address=$(compose port server 7778)
    # Python, as curl is not on every machine.
    python3 - "$address" <<'EOF' || fail "the page of the game is not at http://$address"
import json, sys, urllib.request
def get(path):
    return urllib.request.urlopen(f"http://{sys.argv[1]}{path}", timeout=10)
assert "<title>Tribune</title>" in get("/").read().decode()
stream = get("/stream")
assert [json.loads(stream.readline())["type"] for _ in range(2)] == ["welcome", "state"]
EOF
}

watchers_scale() {
    step "up --scale watch=5"
    quietly compose up -d --scale watch=5
    [ "$(containers_of watch | wc -l)" -eq 5 ] || fail "there are not five watchers"
    spectators_see_the_game
}

# herd SERVICE EXIT OPTION...: runs a herd, checks its exit code, and keeps its report.
herd() {
    local service=$1 expected=$2 code=0
    shift 2
    compose run --rm -T "$service" --json "$@" >"$scratch/report" 2>"$scratch/err" || code=$?
    [ "$code" -eq "$expected" ] || { cat "$scratch/err" "$scratch/report" >&2; fail "$service $* exits with $code"; }
}

# Checks that the report has all jobs completed, 50 at a time, and all deliveries received.
report_is_complete() {
    python3 - "$scratch/report" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
achieved, ledger = report["achieved"], report["ledger"]
assert report["verdict"] == "pass", report["failed"]
assert (achieved["completed"], achieved["max_active"]) == (200, 50), achieved
assert ledger["received"] == ledger["expected"] >= 200 and ledger["lost"] == 0, ledger
PYTHON
}

herds_pass() {
    step "herds"
    herd herd 0 && report_is_complete
    herd herd-echo 0 && report_is_complete
    # The exit code is that of the herd, and added options win over those of the service.
    herd herd 4 --jobs 5 --hold 1s --fail-if 'deliveries<1000000'
}

watchers_reconnect_after_the_server_was_killed() {
    step "kill"
    local container containers
    docker kill "$(containers_of server)" >/dev/null
    all_print watch 'trying again'
    containers=$(containers_of watch robot)
    for container in $containers; do
        echo "$container $(connections "$container")"
    done >"$scratch/connections"
    quietly compose up -d --scale watch=5
    while read -r container before; do
        eventually "the container has reconnected" has_reconnected "$container" "$before"
    done <"$scratch/connections"
    spectators_see_the_game
}

own_bot_plays() {
    step "a bot in a mounted folder"
    mkdir "$scratch/bots"
    # The line that is commented out as an example.
    sed 's/# \({ at = 1, command\)/\1/' bots/scenario.toml >"$scratch/bots/scenario.toml"
    printf '#!/bin/sh\nfor turn in 1 2 3; do echo E mine; done\n' >"$scratch/bots/bot"
    chmod -R a+rX "$scratch" && chmod a+x "$scratch/bots/bot"
    # A script needs a base with its interpreter. Every image to build in has a shell.
    export TRIBUNE_BOTS="$scratch/bots" TRIBUNE_IMAGE="$TRIBUNE_IMAGE-bots"
    export RUNTIME_BASE=${BUILD_BASE:-docker.io/library/debian:bookworm-slim}
    quietly compose up -d --build
    all_print watch 'got `E mine` from ps#'
}

bot_that_uses_all_memory_does_not_end_the_demonstration() {
    step "a bot that uses all memory"
    local end='worker ps#[0-9]+ \(memory-hog\) - exit signal 9'
    if [ "$(docker info --format '{{.MemoryLimit}}')" != true ]; then
        step "skipped: this engine cannot limit memory"
        return
    fi
    echo 'worker = [{ at = 0, command = ["tail", "/dev/zero"], name = "memory-hog" }, { at = 1, predef = 1 }]' \
        >"$scratch/bots/scenario.toml"
    # The server reads the scenario when it starts. The game ends, and its clients reconnect to the next.
    quietly compose restart server
    all_print watch "$end"
    spectators_see_the_game "$end"
}

# have_exited SERVICE CODE: checks that all containers of the service have exited with this code.
have_exited() {
    local container containers
    containers=$(containers_of "$1")
    for container in $containers; do
        assert_inspect "$container" '{{.State.Running}} {{.State.ExitCode}}' "false $2"
    done
}

everything_stops() {
    step "stop and down"
    local left
    # The server ends the game and all programs.
    quietly compose stop server
    all_print watch '0 still running'
    all_print watch '^terminated - bye$'
    quietly compose up -d
    spectators_see_the_game
    quietly compose stop
    # 137 would mean killed after the grace period, 143 is the code of clients after SIGTERM.
    have_exited server 0
    have_exited echo 0
    have_exited watch 143
    have_exited robot 143
    quietly compose down
    left=$(docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")
    [ -z "$left" ] || fail "remaining containers: $left"
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
containers_have_minimal_rights
player_joins_from_outside
page_is_served
watchers_scale
herds_pass
watchers_reconnect_after_the_server_was_killed
own_bot_plays
bot_that_uses_all_memory_does_not_end_the_demonstration
everything_stops
step "passed"
