#!/bin/sh
# Spreads in basis points, from `tickcast watch --json`:   sh spread.sh [TOPIC...]
# It stays connected; a word about that goes to the standard error. Needs tickcast and jq.
# Another gateway: TICKCAST_URL=wss://prices.example/ws; another place: TICKCAST=target/release/tickcast
set -eu

case ${1-} in -*) echo "usage: sh spread.sh [TOPIC...]" >&2; exit 2 ;; esac
[ $# -gt 0 ] || set -- 'ticker:*:BTC-USDT'
# A pipeline ends as its last command does: jq is told when tickcast has ended, which has said why.
{ "${TICKCAST:-tickcast}" watch --json --url "${TICKCAST_URL:-ws://127.0.0.1:8080/ws}" "$@" || :; echo '{"type":"lost"}'; } |
  jq --unbuffered -r 'if .type == "lost" then "" | halt_error(1) else . end
    | select(.type == "ticker" and .state == "live" and .bid_price and .ask_price)
    | (.bid_price | tonumber) as $bid | (.ask_price | tonumber) as $ask
    | "\(.topic) \(($ask - $bid) / ($ask + $bid) * 20000 * 100 | round / 100) bps"'
