#!/usr/bin/env bash
# The figures of README.md: Redis, a simulated exchange, a feed and a gateway on this machine, then
# the swarm against the gateway and against the bare loop in turns. Takes about four minutes, uses
# the ports below on 127.0.0.1, and ends everything that it started.
set -euo pipefail
cd "$(dirname "$0")/.."
redis_port=17379 venue_port=17001 gateway_port=17081 gateway_admin=17091 feed_admin=17092
bin=target/release
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

cargo build --release --locked --workspace
ulimit -n "$(ulimit -Hn)" || true
cat > "$work/tickcast.toml" <<TOML
redis_url = "redis://127.0.0.1:$redis_port"
[feed]
admin_listen = "127.0.0.1:$feed_admin"
[[feed.exchange]]
name = "kucoin"
symbols = ["BTC-USDT"]
rest_url = "http://127.0.0.1:$venue_port"
[gateway]
listen = "127.0.0.1:$gateway_port"
admin_listen = "127.0.0.1:$gateway_admin"
shards = ${SHARDS:-1}
TOML
start() { "$@" > "$work/$(basename "$1")-${#pids[@]}.log" 2>&1 & pids+=($!); }
start redis-server --port "$redis_port" --bind 127.0.0.1 --save "" --appendonly no --dir "$work"
start "$bin/tickcast-load" venue --exchange kucoin --listen "127.0.0.1:$venue_port" \
  --symbols BTC-USDT --rate 20 --stamp
start "$bin/tickcast" gateway --config "$work/tickcast.toml"
gateway=${pids[-1]}
start "$bin/tickcast" feed --config "$work/tickcast.toml"
for _ in $(seq 100); do
  price=$(curl -s "http://127.0.0.1:$gateway_port/v1/price/BTC-USDT" || true)
  [[ "$price" == *'"state":"live"'* ]] && break
  sleep 0.1
done
[[ "${price:-}" == *'"state":"live"'* ]] || { echo "no live price; logs:"; cat "$work"/*.log; exit 1; }

url="ws://127.0.0.1:$gateway_port/ws"
echo "== idle memory, 5000 connections without a subscription"
"$bin/tickcast-load" swarm --url "$url" --server-pid "$gateway" --clients 5000 --secs 3
echo "== exchange to client through Redis, 1000 clients, 20 updates/s"
"$bin/tickcast-load" swarm --url "$url" --server-pid "$gateway" --clients 1000 --topics BTC-USDT --secs 10
echo "== CPU a delivery beside the bare loop, five pairs"
"$bin/tickcast-load" pair --url "$url" --server-pid "$gateway" --clients 1000 --topics BTC-USDT \
  --secs 10 --rate 20 --pairs 5
