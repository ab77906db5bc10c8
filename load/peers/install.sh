#!/usr/bin/env bash
# Installs the peers of the comparison, at fixed versions, into load/peers/.install: nothing is
# started, no service is set up, and deleting that directory undoes it (nchan also needs an empty
# /var/lib/nginx). What is there already stays; what this machine cannot get is skipped with the
# reason.
#
#   load/peers/install.sh [--dry-run] [nchan] [nats] [bun] [ws] [sockudo]
#
# Without names: all of them. Ends with 1 when a peer was skipped.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$here/.install

# The versions of the published table; npm's stand in package.json with the sums of package-lock.json.
# apt's are beginnings: distributions add their own revision to them.
nginx_version=${NGINX_VERSION:-1.22.1-}
nchan_version=${NCHAN_VERSION:-1:1.3.6}
nats_version=${NATS_VERSION:-2.9.10-}
sockudo_version=${SOCKUDO_VERSION:-5.2.0}
# One of sockudo's crates calls it while it is compiled.
protoc_version=${PROTOC_VERSION:-3.21.12-}
# Compiling sockudo shares the machine politely; more jobs are faster and need more memory.
cargo_jobs=${CARGO_JOBS:-1}

dry_run=false
skipped=()

say() { printf '%s\n' "$*"; }
# The peer that is being installed cannot be had here: says why, and the others go on.
skip() { say "$peer: skipped: $*"; skipped+=("$peer"); return 1; }
# Says what is done and does it, with the tool's own chatter kept for the case that it fails.
run() {
  if "$dry_run"; then say "$peer: would run: $*"; return; fi
  say "$peer: $*"
  "$@" > "$target/last.log" 2>&1 || { tail -n 15 "$target/last.log"; skip "that failed, see above"; }
}
need() { command -v "$1" > /dev/null || skip "needs $1, which is not here${2:+; $2}"; }

# Unpacks a Debian package instead of installing it: that needs no root, and nginx and nats-server
# would otherwise start as services.
unpack() { # package, beginning of the version
  local package=$1 version=$2 stamp=$target/apt/.unpacked/$1=$2
  if [[ -e "$stamp" ]]; then say "$peer: $package is here"; return; fi
  need apt-get "it is fetched from Debian's or Ubuntu's packages" && need dpkg-deb || return 1
  local offered
  offered=$(apt-cache madison "$package" | awk -F' *[|] *' '{ print $2 }' | sort -u | paste -sd' ')
  [[ " $offered" == *" $version"* ]] ||
    skip "$package ${version}* is not offered here (${offered:-nothing is; try apt-get update})" || return 1
  run fetch "$package" "$version"
}
fetch() { # package, beginning of the version
  local scratch stamp=$target/apt/.unpacked/$1=$2
  scratch=$(mktemp -d)
  # The scratch directory is root's when root runs this, and apt's own user may not write there.
  (cd "$scratch" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$1=$2*") &&
    mkdir -p "${stamp%/*}" && dpkg-deb -x "$scratch/$1"_*.deb "$target/apt" &&
    dpkg-deb -f "$scratch/$1"_*.deb Version > "$stamp"
  local outcome=$?
  rm -rf "$scratch"
  return "$outcome"
}

install_nchan() {
  unpack nginx "$nginx_version" && unpack libnginx-mod-nchan "$nchan_version" || return
  nginx_directory || return
  "$dry_run" && return
  linked "$target/apt/usr/sbin/nginx" || return
  printf 'nchan %s, nginx %s\n' "$(cat "$target/apt/.unpacked/libnginx-mod-nchan=$nchan_version")" \
    "$(cat "$target/apt/.unpacked/nginx=$nginx_version")" > "$target/versions/nchan"
}
# The one thing outside .install: nchan opens nginx's built-in directories whatever nginx.conf says.
nginx_directory() {
  local directory=/var/lib/nginx
  [[ -w "$directory" || -d "$directory/scgi" ]] && return
  [[ $(id -u) == 0 ]] ||
    skip "nchan wants $directory; as root: install -d -o $(id -un) $directory" || return
  run mkdir -p "$directory"
}
install_nats() {
  unpack nats-server "$nats_version"
}
# Unpacking brings no other packages along.
linked() {
  local missing
  missing=$(ldd "$1" | awk '/not found/ { print $1 }' | paste -sd' ')
  [[ -z "$missing" ]] || skip "the system has no $missing; install the packages that hold them"
}

# Both at once; the second finds the first one's work done.
install_npm() {
  if cmp -s "$here/package-lock.json" "$target/npm/package-lock.json" &&
    [[ -e "$target/npm/node_modules/.package-lock.json" ]]; then
    say "$peer: its npm package is here"
    return
  fi
  if ! command -v npm > /dev/null; then
    [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null ||
      skip "needs Node 18 or newer with npm (as root: apt-get install nodejs npm)" || return
    # Starts no service. These two come from the system as they are.
    run apt-get install -y --no-install-recommends nodejs npm || return
  fi
  "$dry_run" || { mkdir -p "$target/npm"; cp "$here/package.json" "$here/package-lock.json" "$target/npm/"; }
  # No scripts: Bun's only puts its program into another place.
  run npm ci --prefix "$target/npm" --ignore-scripts --no-audit --no-fund
}
install_ws() { install_npm && node_here; }
# The benchmark starts programs by their place; one that is missing means that the peer is.
node_here() { "$dry_run" || ln -sf "$(command -v node)" "$target/bin/node"; }
install_bun() {
  install_npm || return
  "$dry_run" && return
  local program
  for program in "$target"/npm/node_modules/@oven/bun-linux-*/bin/bun; do
    [[ -x "$program" ]] && ln -sf "$program" "$target/bin/bun" && return
  done
  skip "npm has no Bun for $(uname -sm)"
}

install_sockudo() {
  if [[ "$("$target/cargo/bin/sockudo" --version 2> /dev/null)" == *" $sockudo_version" ]]; then
    say "sockudo: $sockudo_version is here"
  else
    compile_sockudo || return
  fi
  # What the benchmark starts; a link that is missing means that the peer is.
  "$dry_run" || ln -sf "$here/sockudo/start.sh" "$target/bin/sockudo"
}
compile_sockudo() {
  need cargo "install Rust 1.95 or newer" && need cc "it compiles C as well" || return
  need node "publish.js signs with it" && node_here || return
  local protoc
  if command -v protoc > /dev/null; then
    protoc=(PROTOC="$(command -v protoc)")
  else
    unpack protobuf-compiler "$protoc_version" && unpack libprotoc32 "$protoc_version" &&
      unpack libprotobuf32 "$protoc_version" && unpack libprotobuf-dev "$protoc_version" || return
    protoc=(PROTOC="$target/apt/usr/bin/protoc"
      LD_LIBRARY_PATH="$target/apt/usr/lib/$(uname -m)-linux-gnu")
  fi
  "$dry_run" || say "sockudo: compiles several hundred crates; this takes long"
  # A build directory of its own survives an interruption, and goes when it has served.
  run env "${protoc[@]}" CARGO_TARGET_DIR="$target/sockudo-build" nice -n 19 cargo install --locked \
    --version "$sockudo_version" --jobs "$cargo_jobs" --root "$target/cargo" sockudo || return
  "$dry_run" || rm -rf "$target/sockudo-build"
}

peers=()
for argument in "$@"; do
  case $argument in
    --dry-run) dry_run=true ;;
    nchan | nats | bun | ws | sockudo) peers+=("$argument") ;;
    *) say "usage: install.sh [--dry-run] [nchan] [nats] [bun] [ws] [sockudo]" >&2; exit 2 ;;
  esac
done
[[ ${#peers[@]} -gt 0 ]] || peers=(nchan nats bun ws sockudo)
"$dry_run" || mkdir -p "$target/bin" "$target/versions"
for peer in "${peers[@]}"; do
  "install_$peer" || true
done
if [[ ${#skipped[@]} -gt 0 ]]; then say "not installed: ${skipped[*]}"; exit 1; fi
"$dry_run" || say "all of ${peers[*]} installed in $target"
