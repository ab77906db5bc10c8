#!/usr/bin/env bash
# Builds an earlier state of the repository and measures an upgrade from it to the present one: gateways
# behind HAProxy first, then the feed, while clients listen. Arguments after the state go to
# `tickcast-load faults`, such as --clients 300.
#
#   tests/upgrade.sh            from the commit before this one
#   tests/upgrade.sh v0.1.0     from a tag
#
# PROFILE=dev builds faster and measures less; SOURCE and TARGET say where the earlier state is unpacked
# and built.
set -euo pipefail
cd "$(dirname "$0")/.."

old=HEAD^
case ${1:-} in
    --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" && exit 0 ;;
    '' | --*) ;;
    *) old=$1 && shift ;;
esac
profile=${PROFILE:-release}
folder=$([ "$profile" = dev ] && echo debug || echo "$profile")
source=${SOURCE:-target/upgrade/source}
target=${TARGET:-$PWD/target/upgrade/build}

commit=$(git rev-parse --verify --quiet "$old^{commit}") || {
    echo "upgrade.sh: $old is no commit of this repository" >&2
    exit 2
}
# Without a checkout: nothing of the repository's own state changes.
rm -rf "$source" && mkdir -p "$source"
git archive "$commit" | tar -x -C "$source"
(cd "$source" && CARGO_TARGET_DIR=$target cargo build --locked --profile "$profile" --workspace)
cargo build --locked --profile "$profile" --workspace
echo "from $commit to $(git describe --always --dirty)"
exec "${CARGO_TARGET_DIR:-target}/$folder/tickcast-load" faults --only upgrade --old "$target/$folder/tickcast" \
    --out target/upgrade "$@"
