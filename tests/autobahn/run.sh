#!/usr/bin/env bash
# Runs the Autobahn test suite against the echo path of a test build.
#
#   tests/autobahn/run.sh                 all cases (the better part of an hour)
#   tests/autobahn/run.sh '1.*' '6.4.*'   some
#
# The suite (autobahntestsuite on PyPI) runs on Python 2.7 only: PYTHON2 may name it. Everything goes
# to target/autobahn, the report as reports/index.html. Exit codes: 0 none failed, 1 some failed,
# 77 the suite cannot be set up here; then gateway/tests/autobahn is what there is.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly suite=autobahntestsuite==25.10.1
# The last one that makes environments for Python 2.7.
readonly virtualenv=virtualenv==20.15.1
readonly work=$PWD/target/autobahn
readonly venv=$work/venv
# Time for the gateway to listen, in tenths of a second.
readonly patience=100

cannot() {
	echo "autobahn: $1" >&2
	exit 77
}

# The first interpreter that is a Python 2.7 and not only called so.
find_python() {
	local candidate
	for candidate in ${PYTHON2:-} python2.7 python2 pypy pypy2 "$HOME"/.pyenv/versions/2.7*/bin/python2.7; do
		if command "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
			echo "$candidate"
			return
		fi
	done
	cannot "no Python 2.7 here. Debian and Ubuntu dropped it; pyenv install 2.7.18 still builds it"
}

set_up() {
	[ -x "$venv/bin/wstest" ] && return
	local python
	python=$(find_python)
	"$python" -m pip --version >/dev/null 2>&1 || cannot "$python has no pip"
	rm -rf "$venv" "$work/bootstrap"
	echo "autobahn: setting up the suite in $work"
	"$python" -m pip install --quiet --target "$work/bootstrap" "$virtualenv" \
		|| cannot "virtualenv for Python 2.7 could not be installed"
	PYTHONPATH=$work/bootstrap "$python" -m virtualenv --quiet "$venv" \
		|| cannot "no environment for Python 2.7"
	"$venv/bin/pip" install --quiet "$suite" || cannot "$suite could not be installed"
}

mkdir -p "$work"
set_up
cargo build --locked --features testing --bin tickcast

target/debug/tickcast gateway --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
	--redis-url redis://127.0.0.1:1 --log-format json >"$work/gateway.log" 2>&1 &
gateway=$!
trap 'kill "$gateway" 2>/dev/null || true' EXIT

address=
for ((tenth = 0; tenth < patience && ${#address} == 0; tenth++)); do
	address=$(sed -n '/gateway listens/s/.*"address":"\([^"]*\)".*/\1/p' "$work/gateway.log")
	sleep 0.1
done
if [ -z "$address" ]; then
	echo "autobahn: the gateway does not listen; see $work/gateway.log" >&2
	exit 1
fi

cases=$(printf '"%s", ' "${@:-*}")
sed -e "s|@OUT@|$work/reports|; s|@ADDRESS@|$address|; s|@CASES@|${cases%, }|" \
	tests/autobahn/suite.json >"$work/suite.json"
rm -rf "$work/reports"
"$venv/bin/wstest" --mode fuzzingclient --spec "$work/suite.json" >"$work/suite.log" 2>&1 || {
	echo "autobahn: the suite did not run; see $work/suite.log" >&2
	exit 1
}
"$venv/bin/python" tests/autobahn/verdict.py "$work/reports/index.json"
