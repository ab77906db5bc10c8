#!/bin/sh
# The present price by REST, once:   sh price.sh [SYMBOL] [EXCHANGE]
# Exits with 3 when it is not live, so that nothing goes on with an old one. Needs curl and jq.
# Another gateway: TICKCAST_HTTP=https://prices.example
set -eu

case ${1-} in -*) echo "usage: sh price.sh [SYMBOL] [EXCHANGE]" >&2; exit 2 ;; esac
base=${TICKCAST_HTTP:-http://127.0.0.1:8080}
answer=$(curl -sS --max-time 10 "$base/v1/price/${1:-BTC-USDT}${2:+?exchange=$2}") || exit 1
printf '%s\n' "$answer" | jq -r '
  if .error then "\(.error.message)\n" | halt_error(1) else . end
  | "\(.topic) \(.last_price // "-") \(.state), \(.age_ms // "-") ms old\(if .simulated then ", SIMULATED" else "" end)",
    (if .state == "live" then empty else "not live\n" | halt_error(3) end)'
