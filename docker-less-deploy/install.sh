#!/bin/sh
# Installs Tickcast where there is no package for it, and takes it away again. Run it as often as you
# like: what is in place already stays as it is.
set -eu

usage() {
	cat <<'TEXT'
Usage: install.sh [OPTION...]

Installs the program, its manual pages, completions, documentation, configurations of Redis,
HAProxy and so on (share/tickcast), systemd units, the user tickcast and /etc/tickcast. A
configuration that you changed is never written over: the new one goes beside it as
tickcast.toml.new.

  --binary FILE     the program to install [bin/tickcast beside this directory, as in a release's
                    tarball; else target/release/tickcast of this checkout]
  --prefix DIR      where to install; with systemd /usr or /usr/local [/usr/local]
  --root DIR        install below DIR, an image say; nothing is started [/]
  --feed GROUP      enable and start a feed for this group, such as main
  --gateways PORTS  enable and start gateways on these ports, such as 8080,8081
  --no-systemd      neither units nor user: something else keeps the program running
  --uninstall       stop everything and remove it; /etc/tickcast stays
  --purge           with --uninstall: remove /etc/tickcast and the user as well
  --dry-run         say what would be done, and do nothing
  --help            this text
TEXT
}

# systemd learned to take a directory of credentials in 251.
SYSTEMD_NEEDED=251
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

fail() {
	echo "install.sh: $*" >&2
	exit 1
}

mistake() {
	echo "install.sh: $*; see --help" >&2
	exit 2
}

binary='' prefix=/usr/local root='' feed='' gateways='' systemd=yes uninstall='' purge='' dry=''

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--binary | --prefix | --root | --feed | --gateways)
			[ -n "${2-}" ] || mistake "$1 needs a value"
			set_option "$1" "$2"
			shift
			;;
		--no-systemd) systemd='' ;;
		--uninstall) uninstall=yes ;;
		--purge) purge=yes ;;
		--dry-run) dry=yes ;;
		--help)
			usage
			exit 0
			;;
		*) mistake "unknown argument $1" ;;
		esac
		shift
	done
}

set_option() {
	case $1 in
	--binary) binary=$2 ;;
	--feed) feed=$2 ;;
	--gateways) gateways=$2 ;;
	--prefix) prefix=${2%/} ;;
	--root) root=${2%/} ;;
	esac
}

check_options() {
	case $prefix in
	/*[!A-Za-z0-9/._-]* | '') mistake "--prefix takes an absolute path of letters, digits, . _ - and /" ;;
	/*) ;;
	*) mistake "--prefix takes an absolute path, not $prefix" ;;
	esac
	case $root in
	/* | '') ;;
	*) mistake "--root takes an absolute path, not $root" ;;
	esac
	case $feed in
	*[!a-z0-9_-]*) mistake "--feed takes the name of a group such as main, not $feed" ;;
	esac
	case $prefix in
	/usr | /usr/local) ;;
	*)
		[ -z "$systemd" ] || [ -n "$uninstall" ] ||
			mistake "systemd looks for units below /usr and /usr/local only: --prefix $prefix needs --no-systemd"
		;;
	esac
	[ -z "$purge" ] || [ -n "$uninstall" ] || mistake "--purge needs --uninstall"
	if [ -n "$uninstall" ] && [ -n "$feed$gateways" ]; then
		mistake "--uninstall stops every instance: leave out --feed and --gateways"
	fi
	if [ -z "$systemd" ] && [ -n "$feed$gateways" ]; then
		mistake "--feed and --gateways need systemd: leave out --no-systemd"
	fi
	check_ports
}

# The operators' port of a gateway has a 1 before it, so that five digits are too many.
check_ports() {
	case $gateways in
	*[!0-9,]* | ,* | *, | *,,*) mistake "--gateways takes ports such as 8080,8081, not $gateways" ;;
	esac
	for port in $(ports); do
		case $port in
		0* | ?????*) mistake "--gateways takes ports from 1 to 9999, not $port" ;;
		esac
	done
}

ports() {
	echo "$gateways" | tr , ' '
}

check_system() {
	[ "$(uname -s)" = Linux ] || fail "Tickcast runs on Linux only, and this is $(uname -s)"
	[ -z "$root" ] || [ -d "$root" ] || fail "--root $root: there is no such directory"
	if [ -z "$root" ] && [ "$(id -u)" != 0 ] && [ -z "$dry" ]; then
		fail "only root can install here: run it with sudo, or with --root DIR"
	fi
	[ -z "$systemd" ] || [ -n "$uninstall" ] || check_systemd
}

check_systemd() {
	command -v systemctl >/dev/null ||
		fail "there is no systemd here: with --no-systemd the program alone is installed"
	version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
	[ "${version:-0}" -ge $SYSTEMD_NEEDED ] ||
		fail "the units need systemd $SYSTEMD_NEEDED, and this is ${version:-unknown}; see --no-systemd"
	if [ -z "$root" ] && [ -n "$feed$gateways" ] && [ ! -d /run/systemd/system ] && [ -z "$dry" ]; then
		fail "systemd does not run here, so nothing can be started: leave out --feed and --gateways"
	fi
}

# The machine that the program was built for stands at byte 18 of its file (elf(5)).
check_binary() {
	if [ -z "$binary" ]; then
		binary=$HERE/../bin/tickcast
		[ -f "$binary" ] || binary=$HERE/../target/release/tickcast
		[ -f "$binary" ] || fail "build it first with: cargo build --release --locked; or name it with --binary"
	fi
	[ -f "$binary" ] || fail "--binary $binary: there is no such file"
	[ "$(od -An -c -N4 "$binary" | tr -d ' ')" = '177ELF' ] || fail "$binary is no program for Linux"
	case $(uname -m) in
	x86_64) wanted=62 ;;
	aarch64) wanted=183 ;;
	*) fail "this machine is $(uname -m); Tickcast is tested on x86_64 and aarch64 only" ;;
	esac
	[ "$(od -An -tu2 -j18 -N2 "$binary" | tr -d ' ')" = "$wanted" ] ||
		fail "$binary was built for another machine than $(uname -m)"
	version=$("$binary" --version 2>&1) || fail "$binary does not run here: $version"
	case $version in
	'tickcast '*) ;;
	*) fail "$binary is not tickcast: it says $version" ;;
	esac
}

# Does it, or says so with --dry-run.
act() {
	if [ -n "$dry" ]; then
		echo "would run: $*"
	else
		"$@"
	fi
}

# Puts a file in its place, unless it is there.
place() {
	mode=$1 from=$2 to=$root$3
	if [ -f "$to" ] && cmp -s "$from" "$to" && [ "$(stat -c %a "$to")" = "$mode" ]; then
		echo "unchanged: $to"
		return
	fi
	if [ -n "$dry" ]; then
		echo "would install: $to"
		return
	fi
	mkdir -p "$(dirname "$to")"
	# A program that runs cannot be written over, but renamed over.
	install -m "$mode" "$from" "$to.installing"
	mv -f "$to.installing" "$to"
	echo "installed: $to"
}

place_program() {
	"$binary" generate "$work"
	place 755 "$binary" "$prefix/bin/tickcast"
	for page in "$work"/man/*.1; do
		place 644 "$page" "$prefix/share/man/man1/$(basename "$page")"
	done
	place 644 "$work/completions/tickcast.bash" "$prefix/share/bash-completion/completions/tickcast"
	place 644 "$work/completions/_tickcast" "$prefix/share/zsh/site-functions/_tickcast"
	place 644 "$work/completions/tickcast.fish" "$prefix/share/fish/vendor_completions.d/tickcast.fish"
	place 644 "$HERE/debian/copyright" "$prefix/share/doc/tickcast/copyright"
	place_below "$prefix/share/doc/tickcast" "$HERE"/*.md "$HERE"/docs/*.md
	place_below "$prefix/share/tickcast" "$HERE/rolling-restart.sh" "$HERE/haproxy/haproxy.cfg" \
		"$HERE/nginx/tickcast.conf" "$HERE"/redis/*.conf "$HERE/redis/users.acl" "$HERE"/redis/*.sh \
		"$HERE"/prometheus/*.yml "$HERE/grafana/tickcast.json" "$HERE"/sysctl.d/*.conf
}

# Files of this directory, below another one as they stand here; scripts can be run.
place_below() {
	below=$1
	shift
	for file in "$@"; do
		case $file in
		*.sh) place 755 "$file" "$below${file#"$HERE"}" ;;
		*) place 644 "$file" "$below${file#"$HERE"}" ;;
		esac
	done
}

place_units() {
	for unit in "$HERE"/systemd/*.service "$HERE"/systemd/*.socket "$HERE"/systemd/*.target "$HERE"/systemd/*.slice; do
		name=$(basename "$unit")
		sed "s#/usr/bin/tickcast#$prefix/bin/tickcast#" "$unit" >"$work/$name"
		place 644 "$work/$name" "$prefix/lib/systemd/system/$name"
	done
	place 644 "$HERE/systemd/tickcast.sysusers" "$prefix/lib/sysusers.d/tickcast.conf"
	place 644 "$HERE/systemd/tickcast.tmpfiles" "$prefix/lib/tmpfiles.d/tickcast.conf"
	if [ -z "$root" ] && ! getent passwd tickcast >/dev/null; then
		act systemd-sysusers "$HERE/systemd/tickcast.sysusers"
	fi
}

# The group tickcast may read what stands here, and root alone the credentials.
place_configuration() {
	to=$root/etc/tickcast
	[ -d "$to" ] || act mkdir -p -m 0750 "$to"
	for directory in credentials credentials/feed credentials/gateway; do
		[ -d "$to/$directory" ] || act mkdir -m 0700 "$to/$directory"
	done
	example=$HERE/config/tickcast.toml
	if [ -f "$to/tickcast.toml" ] && ! cmp -s "$example" "$to/tickcast.toml"; then
		echo "kept: $to/tickcast.toml, which was changed; the one of this version goes beside it"
		place 640 "$example" /etc/tickcast/tickcast.toml.new
	else
		place 640 "$example" /etc/tickcast/tickcast.toml
	fi
	if [ -z "$root" ] && getent group tickcast >/dev/null; then
		act chgrp tickcast "$to" "$to"/tickcast.toml*
	fi
}

units() {
	[ -z "$feed" ] || echo "tickcast-feed@$feed.service"
	for port in $(ports); do
		echo "tickcast-gateway@$port.socket tickcast-gateway@$port.service"
	done
}

enable_units() {
	[ -z "$root" ] && [ -d /run/systemd/system ] && act systemctl daemon-reload
	if [ -z "$feed$gateways" ]; then
		[ -n "$root" ] || echo "next: edit /etc/tickcast/tickcast.toml, then run this with --feed main --gateways 8080"
		return
	fi
	# Words of their own: the names hold no blanks.
	# shellcheck disable=SC2046
	if [ -n "$root" ]; then
		act systemctl --root="$root" enable tickcast.target $(units)
	else
		act systemctl enable --now tickcast.target $(units)
	fi
}

stop_units() {
	[ -z "$root" ] && [ -d /run/systemd/system ] || return 0
	act systemctl stop 'tickcast-gateway@*.socket' 'tickcast-gateway@*.service' \
		'tickcast-feed@*.service' tickcast.target
}

remove() {
	for file in "$@"; do
		if [ -e "$file" ] || [ -L "$file" ]; then
			act rm -rf "$file"
			[ -n "$dry" ] || echo "removed: $file"
		fi
	done
}

uninstall() {
	stop_units
	at=$root$prefix
	remove "$at"/bin/tickcast "$at"/share/man/man1/tickcast.1 "$at"/share/man/man1/tickcast-*.1 \
		"$at"/share/bash-completion/completions/tickcast "$at"/share/zsh/site-functions/_tickcast \
		"$at"/share/fish/vendor_completions.d/tickcast.fish "$at"/share/doc/tickcast "$at"/share/tickcast \
		"$at"/lib/systemd/system/tickcast-feed@.service "$at"/lib/systemd/system/tickcast-gateway@.service \
		"$at"/lib/systemd/system/tickcast-gateway@.socket "$at"/lib/systemd/system/tickcast.target \
		"$at"/lib/systemd/system/tickcast.slice "$at"/lib/sysusers.d/tickcast.conf \
		"$at"/lib/tmpfiles.d/tickcast.conf
	remove "$root"/etc/systemd/system/multi-user.target.wants/tickcast.target \
		"$root"/etc/systemd/system/tickcast.target.wants
	if [ -z "$root" ] && [ -d /run/systemd/system ]; then
		act systemctl daemon-reload
	fi
	if [ -n "$purge" ]; then
		remove "$root/etc/tickcast"
		if [ -z "$root" ] && getent passwd tickcast >/dev/null; then
			act userdel tickcast
		fi
	elif [ -d "$root/etc/tickcast" ]; then
		echo "kept: $root/etc/tickcast; --purge removes it"
	fi
}

parse "$@"
check_options
check_system
if [ -n "$uninstall" ]; then
	uninstall
	exit 0
fi
check_binary
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
place_program
[ -z "$systemd" ] || place_units
place_configuration
[ -z "$systemd" ] || enable_units
