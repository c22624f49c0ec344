#!/bin/sh
# The demo: a simulated fleet and, where prometheus and promtool are on the path, a Prometheus that
# has known it for eight days. Nothing stays on disk.
#
#   demo.sh CARBONFINOPS [ARGUMENT ...]      the command of the exporter
#
# INSTANCES is the size of the fleet, DAYS how long it is known, PROMETHEUS_ADDRESS where Prometheus
# listens (19090: a packaged one that was started on installation holds 9090), DEMO_OPTIONS what else
# `demo` gets.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
instances=${INSTANCES:-50}
address=${PROMETHEUS_ADDRESS:-127.0.0.1:19090}
exporter=${CARBONFINOPS_WEB__LISTEN_ADDRESS:-127.0.0.1:10105}
days=${DAYS:-8}
work=$(mktemp -d)
running=

leave() {
    trap '' INT TERM
    [ -z "$running" ] || kill $running 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$@" demo --instances "$instances" ${DEMO_OPTIONS:-} &
demo=$!
running=$demo

# What the demo has to say of its end it has said itself.
alive() {
    kill -0 "$demo" 2>/dev/null || { wait "$demo"; exit; }
}

if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
    echo "demo: install Prometheus for graphs and alerts over days: apt-get install prometheus," \
        "brew install prometheus, or see https://prometheus.io/download/" >&2
    wait "$demo"
    exit
fi
if promtool query instant "http://$address" 1 >/dev/null 2>&1; then
    echo "demo: a Prometheus listens on $address already; set PROMETHEUS_ADDRESS" >&2
    exit 1
fi

echo "demo: a Prometheus with $days days of history follows within a minute" >&2
parts=
for part in 1 2; do
    "$@" backfill --days "$days" --part "$part/2" --instances "$instances" \
        --instance "$exporter" --output "$work/$part.om" 2>"$work/$part.log" &
    parts="$parts $!"
done
running="$demo$parts"
for part in $parts; do
    wait "$part" || { cat "$work"/*.log >&2; exit 1; }
    alive
done
"$here/history.sh" "$work/data" "$days" "$work"/*.om &
history=$!
running="$demo $history"
# In the background: a shell does not hear a signal while something is in its foreground.
wait "$history"
running=$demo
alive
rm "$work"/*.om

sed -e "s/exporter:10105/$exporter/" -e "s/localhost:9090/$address/" \
    -e "s|rules/|$here/rules/|" -e '/^alerting:/,/^$/d' "$here/prometheus.yml" >"$work/prometheus.yml"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --storage.tsdb.retention.time=60d --web.listen-address="$address" >"$work/prometheus.log" 2>&1 &
prometheus=$!
running="$demo $prometheus"
sleep 1
if ! kill -0 "$prometheus" 2>/dev/null; then
    echo "demo: Prometheus has ended; is $address taken? Set PROMETHEUS_ADDRESS" >&2
    grep level=error "$work/prometheus.log" >&2
    exit 1
fi
echo "demo: Prometheus with the last $days days: http://$address/" >&2
wait "$demo"
