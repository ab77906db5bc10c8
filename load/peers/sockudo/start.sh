#!/usr/bin/env bash
# Starts the signing publisher apart from the server that is measured, and becomes sockudo:
#   start.sh CONFIG HOST PORT PUBLISH_PORT
set -euo pipefail
config=$1 host=$2 port=$3 publish_port=$4
# install.sh links to this file once sockudo is there.
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
# The cores that sockudo was not given, where there are any.
mine=$(taskset -p $$ | sed 's/.* //')
all=$(((1 << $(nproc --all)) - 1))
others=$((all & ~16#$mine))
# In a session of its own, so that it is not counted as sockudo's; it ends when this process, which
# becomes sockudo, has ended.
(setsid taskset "$(printf '%#x' $((others == 0 ? all : others)))" ../.install/bin/node publish.js \
  "$host" "$publish_port" "$port" $$ < /dev/null > /dev/null 2>&1 &)
exec ../.install/cargo/bin/sockudo --config "$config"
