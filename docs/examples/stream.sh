#!/bin/sh
# Prices as they come, without a WebSocket:   sh stream.sh [TOPIC,TOPIC...]
# Server-sent events: a line `data: JSON`, an empty line, and so on. Needs curl and jq.
# Another gateway: TICKCAST_HTTP=https://prices.example
set -eu

case ${1-} in -*) echo "usage: sh stream.sh [TOPIC,TOPIC...]" >&2; exit 2 ;; esac
base=${TICKCAST_HTTP:-http://127.0.0.1:8080}
# At most four values a second of each topic, always the newest. Only a `live` price is a present one.
{ curl -sSN "$base/v1/stream?topics=${1:-BTC-USDT}&interval_ms=250" || :; printf '\ndata: {"type":"lost"}\n'; } |
  sed -u 's/^data: //' |
  jq --unbuffered -r '
    if .error then "\(.error.message)\n" | halt_error(1)
    elif .type == "lost" then "the stream ended\n" | halt_error(1)
    elif .type == "subscribed" then .rejected[] | "\(.topic) is no topic here: \(.message)"
    elif .type == "ticker" then
      "\(.topic) \(.last_price // "-") \(.state)\(if .simulated then " SIMULATED" else "" end)"
    else empty end'
