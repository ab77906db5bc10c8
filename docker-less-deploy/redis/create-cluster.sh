#!/bin/sh
# Makes a cluster of running, empty nodes that have cluster.conf in force, and waits until it works.
#
#   create-cluster.sh REPLICAS HOST:PORT...
#   create-cluster.sh 1 10.0.0.11:6379 10.0.0.12:6379 10.0.0.13:6379 10.0.0.14:6379 10.0.0.15:6379 10.0.0.16:6379
#
# REPLICAS is how many each master gets: 1 makes three masters of six nodes, 0 three of three.
# The admin's password is read from REDISCLI_AUTH. With TLS, name the directory of make-certs.sh:
# TLS=/etc/redis/tls (its ca.crt, admin.crt, admin.key).
set -eu
if [ $# -lt 4 ]; then
    echo "usage: REDISCLI_AUTH=PASSWORD $0 REPLICAS HOST:PORT HOST:PORT HOST:PORT..." >&2
    exit 2
fi
replicas=$1
shift
host=${1%:*} port=${1##*:} nodes=$#
ask() {
    if [ -n "${TLS:-}" ]; then
        set -- --tls --cacert "$TLS/ca.crt" --cert "$TLS/admin.crt" --key "$TLS/admin.key" "$@"
    fi
    if [ -n "${REDISCLI_AUTH:-}" ]; then
        set -- --user "${REDIS_USER:-admin}" --no-auth-warning "$@"
    fi
    redis-cli "$@"
}
ask --cluster create "$@" --cluster-replicas "$replicas" --cluster-yes >/dev/null ||
    { echo "the cluster was not made; are all nodes empty and in cluster mode?" >&2; exit 1; }
tries=0
until ask -h "$host" -p "$port" CLUSTER INFO | tr -d '\r' |
    awk -F: -v n="$nodes" '$1=="cluster_state"&&$2=="ok"{s=1} $1=="cluster_known_nodes"&&$2==n{k=1} END{exit !(s&&k)}'; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || { echo "the nodes do not agree on the cluster; see their logs" >&2; exit 1; }
    sleep 0.5
done
ask -h "$host" -p "$port" CLUSTER NODES
