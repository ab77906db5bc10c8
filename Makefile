# The whole project by name. `make test` is what CI runs, and nothing else decides.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo build test figures faults upgrade adversary package check-tools check-servers browser-packages specification-packages specification page-frames deny audit dist fuzz-smoke autobahn

# Tests hold thousands of sockets; a soft limit below the hard one would fail them for no reason.
DESCRIPTORS := ulimit -n "$$(ulimit -Hn)" 2>/dev/null || true

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Simulated exchanges, feed, gateway and web page in one process
	cargo run --release --locked -- demo

build: ## The optimised programs, in target/release
	cargo build --release --locked --workspace

test: check-tools check-servers browser-packages specification-packages ## Format, lints, dependency rules, unit, integration and doc tests
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	$(DESCRIPTORS); cargo test --locked --workspace --all-features --no-fail-fast

# The packages of the browser tests, again whenever their list changes.
BROWSER := tests/browser/node_modules/.package-lock.json

browser-packages: $(BROWSER)

$(BROWSER): tests/browser/package-lock.json | check-servers
	cd tests/browser && npm ci --no-audit --no-fund --loglevel=error
	touch $@

# The Python packages that hold the gateway against its documents, again whenever their list changes.
# Debian's Python, whose `ensurepip` check-servers sees to, whichever comes first in PATH.
SPECIFICATION := tests/specification/.venv/.installed

specification-packages: $(SPECIFICATION)

$(SPECIFICATION): tests/specification/requirements.txt | check-servers
	/usr/bin/python3 -m venv --clear tests/specification/.venv
	tests/specification/.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

page-frames: $(BROWSER) ## How the live page keeps up with 500 topics x 20 updates/s, measured (half a minute)
	cargo build --release --locked --workspace
	node tests/browser/frames.js

figures: ## The figures of docs/figures.md, measured on this machine (about a quarter of an hour)
	load/figures.sh

# libFuzzer needs a nightly compiler; without one the same bodies still run in `make test`, on the seeds
# and what becomes of them (tests/hostile_input.rs). New findings go to tests/fuzz/artifacts.
FUZZ_SECONDS ?= 10

fuzz-smoke: ## Each fuzz target for some seconds, from its seeds (needs cargo-fuzz and a nightly compiler)
	@cargo +nightly --version >/dev/null 2>&1 || { \
		echo "make fuzz-smoke needs a nightly compiler. Run: rustup toolchain install nightly --profile minimal"; exit 1; }
	@cargo fuzz --version >/dev/null 2>&1 || { \
		echo "make fuzz-smoke needs cargo-fuzz. Run: cargo install --locked cargo-fuzz"; exit 1; }
	cd tests/fuzz && for target in $$(cargo fuzz list --fuzz-dir .); do \
		mkdir -p corpus/$$target; \
		cargo +nightly fuzz run --fuzz-dir . --dev -s none $$target corpus/$$target seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1; \
	done

autobahn: ## The Autobahn test suite against a test build (needs Python 2.7; some minutes to an hour)
	tests/autobahn/run.sh

faults: check-servers ## What attacks and faults do to feeds and gateways, measured (about half an hour)
	cargo build --release --locked --workspace
	$(DESCRIPTORS); target/release/tickcast-load faults

# OLD is the state to upgrade from, such as a tag.
OLD ?= HEAD^

upgrade: check-servers ## An upgrade from OLD (default: the last commit) under load, measured (builds both)
	$(DESCRIPTORS); tests/upgrade.sh $(OLD)

# A failure names its seed; `make adversary SEED=7 SEEDS=1` repeats it.
SEED ?= 1
SEEDS ?= 20
EVENTS ?= 60

adversary: check-servers ## Bad luck in random order, other draws than in `make test` (some 30 s a seed)
	@$(DESCRIPTORS); for seed in $$(seq $(SEED) $$(($(SEED) + $(SEEDS) - 1))); do \
		echo "seed $$seed, $(EVENTS) events"; \
		ADVERSARY_SEED=$$seed ADVERSARY_EVENTS=$(EVENTS) cargo test --locked --quiet --workspace --all-features \
			--test behaviour adversary; \
	done

# A failure names its seed as well.
EXAMPLES ?= 200

specification: check-servers specification-packages browser-packages ## Documents against gateway, more draws than in `make test` (EXAMPLES, SEED)
	SPECIFICATION_SEED=$(SEED) SPECIFICATION_EXAMPLES=$(EXAMPLES) cargo test --locked --workspace --all-features \
		--test behaviour specification

package: ## The Debian package, in target/debian (needs cargo-deb)
	@cargo deb --version >/dev/null 2>&1 || { \
		echo "make package needs cargo-deb. Run: cargo install --locked cargo-deb"; exit 1; }
	cargo build --release --locked
	rm -rf target/assets
	target/release/tickcast generate target/assets
	cargo deb --locked --no-build

deny: ## Licences, advisories and sources of all dependencies (needs cargo-deny)
	@cargo deny --version >/dev/null 2>&1 || { \
		echo "make deny needs cargo-deny. Run: cargo install --locked cargo-deny"; exit 1; }
	cargo deny --all-features --locked check

audit: ## Known holes of all dependencies (needs cargo-audit)
	@cargo audit --version >/dev/null 2>&1 || { \
		echo "make audit needs cargo-audit. Run: cargo install --locked cargo-audit"; exit 1; }
	cargo audit

dist: ## The Debian package, a tarball and checksums, in target/dist (needs cargo-deb)
	VERSION="$(VERSION)" .ci/dist

# rustfmt and clippy come with most toolchains; rustup adds them where they are missing.
check-tools:
	@for tool in rustfmt clippy; do \
		name=$$([ "$$tool" = rustfmt ] && echo fmt || echo clippy); \
		cargo $$name --version >/dev/null 2>&1 && continue; \
		if ! command -v rustup >/dev/null; then \
			echo "make test needs $$tool. Install it with your Rust toolchain, with rustup: rustup component add $$tool"; \
			exit 1; \
		fi; \
		echo "make test: adding $$tool to the toolchain"; \
		rustup component add $$tool; \
	done

# What the tests start or ask, each with the Debian package that brings it: a program's name, or a path
# with wildcards. They listen on free ports of their own; only the programs have to be there.
# libfaketime moves the wall clock of single processes; promtool comes with prometheus; without
# recommendations, since no service shall start.
define NEEDED
redis-server redis-server
/usr/lib/*/faketime/libfaketimeMT.so.1 libfaketime
haproxy haproxy
nginx nginx-light
promtool prometheus
systemd-analyze systemd
shellcheck shellcheck
chromium chromium
node nodejs
npm npm
/usr/lib/python3*/ensurepip python3-venv
/usr/lib/python3/dist-packages/websockets python3-websockets
jq jq
curl curl
endef
export NEEDED

check-servers:
	@missing=$$(while read -r what package; do \
		command -v "$$what" >/dev/null || compgen -G "$$what" >/dev/null || printf '%s ' "$$package"; \
	done <<<"$$NEEDED"); \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "make test: installing $$missing with apt-get"; \
		apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else \
		echo "make test needs $$missing. Run: sudo apt-get install -y --no-install-recommends $$missing"; \
		exit 1; \
	fi
