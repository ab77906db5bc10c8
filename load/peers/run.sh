#!/usr/bin/env bash
# Installs the peers, then runs Tickcast, the bare loop and the peers in turns under the scenarios
# peers and peers-overload (load/scenarios), and leaves nothing running.
#
#   load/peers/run.sh [nchan] [nats] [nats-tcp] [bun] [ws] [sockudo] [-- OPTION...]
#
# Without names: all of them, half an hour. Options go to `tickcast-load bench`, such as
# `-- --pairs 1 --secs 3 --out DIR`. INSTALL=no takes what is installed, BIN=DIR the programs there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

peers=()
while [[ $# -gt 0 && "$1" != -- ]]; do
  [[ -f "$here/$1.toml" ]] || { echo "there is no $here/$1.toml" >&2; exit 2; }
  peers+=("$1")
  shift
done
[[ $# -eq 0 ]] || shift
[[ ${#peers[@]} -gt 0 ]] || peers=(nchan nats nats-tcp bun ws sockudo)

cd "$here/../.."
if [[ "${INSTALL:-yes}" == yes ]]; then
  # nats-tcp is nats dialled in another way. What cannot be had is skipped, here and by the benchmark.
  "$here/install.sh" "${peers[@]/#nats-tcp/nats}" || true
fi
[[ -n "${BIN:-}" ]] || cargo build --release --locked --workspace
# Each connection is a descriptor in the server and another in the generator.
ulimit -n "$(ulimit -Hn)" || true

# The benchmark ends its servers when it ends or is told to; this waits for it whatever happens. It
# runs in the background because only then does a signal to this script count at once.
bench=
trap '[[ -z "$bench" ]] || { kill "$bench" && wait "$bench"; } 2> /dev/null || true' EXIT
trap 'exit 130' INT TERM
# Each server has the first core for itself; the benchmark sees to it.
"${BIN:-target/release}/tickcast-load" bench --only peers,peers-overload \
  --sides "$(IFS=,; echo "limit,${peers[*]}")" "$@" &
bench=$!
outcome=0
wait "$bench" || outcome=$?
bench=
exit "$outcome"
