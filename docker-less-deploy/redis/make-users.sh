#!/bin/sh
# Makes a password for every user of users.acl: writes DIR/users.acl with their hashes, for Redis, and
# DIR/passwords with the passwords, for you. Both are readable by their owner only.
#
#   make-users.sh DIR          passwords that DIR/passwords has already stay as they are
#
# By hand, for one user:  printf %s "$PASSWORD" | sha256sum   and the sum, behind a #, into users.acl
set -eu
umask 077
if [ $# -ne 1 ]; then
    echo "usage: $0 DIR    (writes DIR/users.acl and DIR/passwords)" >&2
    exit 2
fi
template=$(dirname "$0")/users.acl
mkdir -p "$1"
touch "$1/passwords"
made=$(mktemp "$1/users.acl.XXXXXX")
trap 'rm -f "$made"' EXIT
while IFS= read -r line; do
    name=$(printf %s "$line" | cut -d ' ' -f 2)
    case $line in
    *" #0000"*)
        password=$(sed -n "s/^$name //p" "$1/passwords")
        if [ -z "$password" ]; then
            password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
            echo "$name $password" >>"$1/passwords"
        fi
        hash=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
        printf '%s\n' "$line" | sed "s/#0000[0-9a-f]*/#$hash/"
        ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$template" >"$made"
mv "$made" "$1/users.acl"
trap - EXIT
echo "wrote $1/users.acl (for Redis) and $1/passwords (for you: keep it, and let nobody read it)"
