#!/bin/sh
# Give Prometheus a past, before it is started: the samples that `carbonfinops backfill` wrote, in
# one file or in several of different times, and what the recording rules make of them.
#
#   history.sh DATA DAYS HISTORY.om ...
#
# DATA is the directory that Prometheus gets as --storage.tsdb.path, new or empty. Needs prometheus
# and promtool, 2.42 or newer; a Prometheus of its own answers the rules meanwhile, on
# HISTORY_ADDRESS.
set -eu

if [ $# -lt 3 ]; then
    echo "usage: $0 DATA DAYS HISTORY.om ..." >&2
    exit 2
fi
data=$1 days=$2
shift 2
case $days in
'' | *[!0-9]* | 0*)
    echo "$0: DAYS is a whole number, not '$days'" >&2
    exit 2
    ;;
esac
for history in "$@"; do
    if [ ! -r "$history" ]; then
        echo "$0: cannot read $history" >&2
        exit 1
    fi
done
mkdir -p "$data"
if [ -n "$(ls -A "$data")" ]; then
    echo "$0: $data is not empty; what is loaded twice would be there twice" >&2
    exit 1
fi
rules=$(cd "$(dirname "$0")" && pwd)/rules
address=${HISTORY_ADDRESS:-127.0.0.1:19099}
work=$(mktemp -d)
server=
running=
complete=

stop() {
    if [ -n "$server" ]; then
        kill "$server"
        wait "$server" || true
        server=
    fi
}

leave() {
    trap '' INT TERM
    [ -z "$running" ] || kill $running 2>/dev/null || true
    stop
    wait
    rm -rf "$work"
    # A half history is none.
    [ -n "$complete" ] || rm -rf "${data:?}"/*
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "$0: $1" >&2
    [ ! -e "$2" ] || tail -n 5 "$2" >&2
    exit 1
}

start() {
    prometheus --config.file="$work/empty.yml" --storage.tsdb.path="$data" \
        --storage.tsdb.retention.time=10y --web.listen-address="$address" \
        >"$work/server.log" 2>&1 &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.3
        kill -0 "$server" 2>/dev/null || break
        # promtool asks, because an image need not have curl.
        ! promtool query instant "http://$address" 1 >/dev/null 2>&1 || return 0
    done
    server=
    fail "Prometheus does not answer on $address; set HISTORY_ADDRESS" "$work/server.log"
}

# The hidden flag keeps promtool from making a block of every two hours, which takes many times as
# long. It reads a file once for every block: let there be one. Rules are asked block by block, and
# no answer may have more than 11,000 points: let those be a week. Both become promtool, so that it
# can be told to end.
load() {
    exec promtool tsdb create-blocks-from --max-block-duration=39366h -q openmetrics "$1" "$2"
}

# Up to now, which samples last for: so nothing has ended when the Prometheus to come looks at it.
record() {
    now=$(date +%s)
    exec promtool tsdb create-blocks-from --max-block-duration=162h -q rules \
        --url="http://$address" --start=$((now - days * 86400)) --end="$now" \
        --eval-interval=180s --output-dir="$2" "$rules/$1.rules.yml"
}

# Call a function with each name at once, and move the blocks that it has made into DATA.
together() {
    call=$1
    shift
    number=0
    for name in "$@"; do
        number=$((number + 1))
        "$call" "$name" "$work/$number" >"$work/$number.log" 2>&1 &
        running="$running $!"
    done
    number=0
    for process in $running; do
        number=$((number + 1))
        wait "$process" || fail "cannot $call $*" "$work/$number.log"
    done
    running=
    for made in "$work"/*/; do
        mv "$made"* "$data"
        rm -r "$made"
    done
}

# Rules that need what was loaded and recorded before, and nothing of one another.
step() {
    start
    together record "$@"
    stop
}

echo "global: {}" >"$work/empty.yml"
together load "$@"
step places sources tag_sets
step availability fleet tags
step day month references sci
step decomposition forecast
complete=yes
