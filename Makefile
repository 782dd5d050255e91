# The only door: everything a person or a machine does with this tree goes through here.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(HOME)/.cargo/bin:$(PATH)
# A browser of the system's, never one that a package downloads.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
export CHROMIUM ?= /usr/bin/chromium

PORT ?= 8545
DIR ?= .tulou/demo
CONSORTIUM ?= .tulou/consortium

.PHONY: abi consortium help run test check web web-deps bench tools browser test-rust test-web test-clients test-caliper test-e2e deny fuzz sim clean-demo

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: web ## build all and open the demo estate on http://localhost:8545
	cargo build --locked --workspace --bin tulou
	./target/debug/tulou dev --dir $(DIR) --port $(PORT) $(ARGS)

consortium: web ## five members of the demo estate on this machine, on http://localhost:8545
	cargo build --locked --workspace --bin tulou
	./target/debug/tulou consortium --dir $(CONSORTIUM) --port $(PORT) $(ARGS)

test: tools browser web build-tests test-rust test-web test-clients test-caliper test-e2e ## all tests, browser tests too

.PHONY: build-tests
# One command for the whole tree, so that features are unified once and nothing is compiled twice.
build-tests: web tests/clients/node_modules/.package-lock.json
	cargo build --locked --workspace --all-targets

test-rust: tools web tests/clients/node_modules/.package-lock.json
	cargo nextest run --locked --workspace

test-web: web-deps
	cd web && npm run test

test-clients: tests/clients/node_modules/.package-lock.json
	cargo build --locked --workspace --all-targets
	cd tests/clients && TULOU_BIN=$(CURDIR)/target/debug/tulou npm test

# solc, which compiles the contract anew, is one of the clients' packages.
test-caliper: tests/caliper/node_modules/.package-lock.json tests/clients/node_modules/.package-lock.json
	cargo build --locked --workspace --all-targets
	cd tests/caliper && TULOU_BIN=$(CURDIR)/target/debug/tulou npm test

test-e2e: browser web-deps
	cargo build --locked --workspace --all-targets
	cd web && TULOU_BIN=$(CURDIR)/target/debug/tulou npm run e2e

check: tools web-deps deny ## formatting, lints, house rules, licences, types
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo nextest run --locked --workspace -E 'binary(tidy)'
	cd web && npm run check

# The advisory database lives on the network; where it cannot be had the rest is still checked.
deny: tools
	cargo deny --locked check bans licenses sources
	@cargo deny --locked check advisories || \
	  { cargo deny --locked fetch >/dev/null 2>&1 && exit 1; \
	    echo "deny: the advisory database cannot be reached from here; advisories were NOT checked"; }

web: web-deps ## build the web app into web/dist
	@if [ ! -f web/dist/index.html ] || [ -n "$$(find web -newer web/dist/index.html -type f -not -path 'web/dist/*' -not -path 'web/node_modules/*' -not -path 'web/e2e/*' -not -path 'web/test-results/*' | head -n 1)" ]; then \
	  cd web && npm run build && touch ../crates/rpc/build.rs; fi

abi: ## write the modules' interfaces for the web app
	cargo build --locked --workspace --bin tulou
	./target/debug/tulou abi --out web/src/generated

web-deps: web/node_modules/.package-lock.json

# Not `npm ci`: it insists on packages for platforms that are not this one and that a mirror may lack.
# Versions and digests are the lock file's all the same.
web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm install --ignore-scripts --no-audit --no-fund
	@touch $@

tests/clients/node_modules/.package-lock.json: tests/clients/package-lock.json
	cd tests/clients && npm install --ignore-scripts --no-audit --no-fund
	@touch $@

tests/caliper/node_modules/.package-lock.json: tests/caliper/package-lock.json
	cd tests/caliper && npm install --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: caliper
URL ?= ws://127.0.0.1:$(PORT)
NUMBER ?= 5000
caliper: tests/caliper/node_modules/.package-lock.json ## drive a running node with Hyperledger Caliper: make caliper URL=ws://127.0.0.1:8545
	for name in simple native; do \
	  node tests/caliper/run.mjs $$name --url $(URL) --number $(NUMBER) --report target/caliper/$$name.html || exit 1; done

bench: web ## measure, print one table and write target/bench/latest.json
	cargo build --locked --release -p tulou
	./target/release/tulou bench --out target/bench/latest.json $(ARGS)

.PHONY: soak
soak: web ## hours of ordinary use, watched for what grows: make soak HOURS=2
	cargo build --locked --release -p tulou
	./target/release/tulou soak --hours $(or $(HOURS),2) $(ARGS)

# The suites are inputs, not part of this tree: docs/conformance.md says where they come from.
.PHONY: conformance
conformance: tools ## Ethereum's public suites: make conformance DIR=folder of the archives
	TULOU_CONFORMANCE="$(abspath $(if $(filter command,$(origin DIR)),$(DIR),../shared/data/conformance))" TULOU_CONFORMANCE_SLOW=1 \
	  cargo nextest run --locked --workspace --no-fail-fast --success-output final --failure-output final -E 'binary(conformance)'

.PHONY: faults
RUNS ?= 3
BLOCKS ?= 10000
FAULTS := $(CURDIR)/target/faults.jsonl
faults: tools web ## every fault on real processes, RUNS=3 times; writes the table of docs/design/faults.md
	cargo build --locked --workspace --bin tulou --bin fault-table --test faults
	@command -v ip >/dev/null || echo "faults: without iproute2 (apt-get install iproute2) network namespaces are not tried"
	@rm -f $(FAULTS)
	for run in $$(seq $(RUNS)); do \
	  TULOU_FAULT_BLOCKS=$(BLOCKS) TULOU_FAULT_RECORD=$(FAULTS) \
	  cargo nextest run --locked --workspace --profile faults --success-output immediate -E 'binary(faults)' || true; done
	TULOU_FAULT_METHOD=", dev build, load average $$(cut -d' ' -f1-3 /proc/loadavg), $$(date -u +%Y-%m-%d), late joiner $(BLOCKS) blocks behind" \
	  ./target/debug/fault-table $(FAULTS) docs/design/faults.md

tools: ## install what the tests and checks need and say so
	@rustup component list --installed 2>/dev/null | grep -q clippy || rustup component add clippy rustfmt
	@command -v cargo-nextest >/dev/null || { echo "installing cargo-nextest (some minutes)"; cargo install --locked cargo-nextest; }
	@command -v cargo-deny >/dev/null || { echo "installing cargo-deny (some minutes)"; cargo install --locked cargo-deny; }
	@command -v xz >/dev/null || { \
	  echo "installing xz-utils, which unpacks the conformance suites"; \
	  if [ "$$(id -u)" = 0 ]; then S=; else S=sudo; fi; \
	  $$S apt-get update -qq && $$S env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq xz-utils >/dev/null; }
	@command -v pebble >/dev/null || { \
	  echo "installing pebble, the certificate authority that the tests of crates/node/src/acme ask"; \
	  if [ "$$(id -u)" = 0 ]; then S=; else S=sudo; fi; \
	  $$S apt-get update -qq && $$S env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq pebble >/dev/null || \
	  echo "tools: pebble cannot be had here; certificates by ACME are NOT tested against it"; }

browser:
	@[ -x $(CHROMIUM) ] && fc-list 2>/dev/null | grep -qi 'noto.*cjk' || { \
	  echo "installing chromium and fonts-noto-cjk"; \
	  if [ "$$(id -u)" = 0 ]; then S=; else S=sudo; fi; \
	  $$S apt-get update -qq && $$S env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk fontconfig >/dev/null; }

sim: tools ## simulate faults and lying members: make sim SEEDS=5000
	TULOU_SIM_SEEDS=$(or $(SEEDS),5000) cargo nextest run --locked --workspace --profile sim --test simulation

.PHONY: replay
replay: ## execute all of a stopped node's history anew with a release build: make replay NODE=folder
	cargo build --locked --release -p tulou
	./target/release/tulou verify --replay --dir $(or $(NODE),$(DIR))

.PHONY: invariants
invariants: tools ## random calls to all modules against their invariants: make invariants CASES=2000
	TULOU_INVARIANT_CASES=$(or $(CASES),2000) cargo nextest run --locked --workspace -E 'package(tulou-invariants)'

fuzz: ## fuzz one decoder, or the modules: make fuzz TARGET=modules SECONDS=60
	cargo fuzz run $(TARGET) --fuzz-dir fuzz -- -max_total_time=$(or $(SECONDS),60)

clean-demo: ## forget the demo estate
	rm -rf $(DIR)
