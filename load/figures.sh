#!/usr/bin/env bash
# The figures of docs/figures.md, measured on this machine: a part of the scenarios in load/scenarios, in
# about a quarter of an hour. Arguments go to `tickcast-load bench` instead of that choice.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --workspace
[[ $# -gt 0 ]] || set -- --only hot,batch,overload,same-20,storm,idle,whole-way
exec target/release/tickcast-load bench "$@"
