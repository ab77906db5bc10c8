#!/bin/sh
# A certificate authority of our own, and certificates by it, with openssl.
#
#   make-certs.sh DIR NAME...        one certificate: the first name is that of its files, all of them are
#                                    what it is good for (host names and IP addresses)
#   make-certs.sh tls server redis1.internal 10.0.0.11
#   make-certs.sh tls feed           a client's
#
# The authority, DIR/ca.crt and DIR/ca.key, is made by the first call. Keep ca.key off the servers.
# A certificate that exists is made anew: that is how it is renewed. DAYS=397 is how long it is good.
set -eu
umask 077
if [ $# -lt 2 ]; then
    echo "usage: $0 DIR NAME [HOST-OR-ADDRESS...]" >&2
    exit 2
fi
dir=$1 name=$2
shift 2
days=${DAYS:-397}
mkdir -p "$dir"

if [ ! -e "$dir/ca.key" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj "/CN=Tickcast Redis CA" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
    chmod 644 "$dir/ca.crt"
    echo "wrote $dir/ca.crt and $dir/ca.key"
fi

good_for=DNS:$name
for host in "$@"; do
    case $host in
    *:* | *[0-9].[0-9]*.[0-9]*.[0-9]*) good_for=$good_for,IP:$host ;;
    *) good_for=$good_for,DNS:$host ;;
    esac
done
request=$(mktemp)
extensions=$(mktemp)
trap 'rm -f "$request" "$extensions"' EXIT
# Redis' nodes are each other's clients, so every certificate is good for both sides.
cat >"$extensions" <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = $good_for
END
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
    -keyout "$dir/$name.key" -out "$request" 2>/dev/null
openssl x509 -req -in "$request" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -days "$days" \
    -extfile "$extensions" -out "$dir/$name.crt" 2>/dev/null
chmod 644 "$dir/$name.crt"
echo "wrote $dir/$name.crt and $dir/$name.key, good for $good_for until $(openssl x509 -in "$dir/$name.crt" -noout -enddate | cut -d = -f 2)"
