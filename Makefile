# The one list of jobs, for the laptop and for CI alike. `make` prints it.

PYTHON ?= python3
CARGO ?= cargo
# Where `make install` puts the program, in bin.
PREFIX ?= /usr/local
# Seconds for which `make demo` runs.
DEMO_SECONDS ?= 10
# Seconds of `make soak`, for each feed.
SOAK_SECONDS ?= 600
# How often loom takes a thread off in the middle of something.
LOOM_MAX_PREEMPTIONS ?= 3

# Everything is built where the jobs look for it, whatever the environment says.
export CARGO_TARGET_DIR := $(CURDIR)/target
export DRIFTSHM_BINARY := $(CURDIR)/target/release/driftshm
export PYTHON CARGO DEMO_SECONDS LOOM_MAX_PREEMPTIONS
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TOOLS := reader-py/requirements-dev.txt
# Python extensions: they are not tested by cargo, and linked by maturin only.
EXTENSIONS := --exclude driftshm-reader-py --exclude driftshm-floors
BENCH := cd benches/python && $(CURDIR)/target/bench-venv/bin/python

.DEFAULT_GOAL := help
ifndef BUILDING
.NOTPARALLEL:
endif
.PHONY: help build wheel install demo test soak lint loom bench bench-quick bench-instructions drift-rs stubs clean need writer quick-writer reader prepared

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

# Side by side: each ends with one long step that keeps a single core busy.
build: need ## target/release/driftshm, and .venv with the Python package
	@$(MAKE) --no-print-directory --jobs 2 BUILDING=1 writer reader

# Older ones go, so that dist/driftshm-*.whl is this one.
wheel: need $(VENV)/.maturin ## dist/driftshm-….whl: the Python package, for pip install anywhere
	rm -f dist/driftshm-*.whl
	cd reader-py && MAKEFLAGS= CARGO_TARGET_DIR=$(CURDIR)/target/python \
		../$(BIN)/maturin build --locked --release --quiet --out $(CURDIR)/dist
	@ls dist/driftshm-*.whl

# It builds nothing: as root it would leave files in target/ that their owner cannot remove.
install: ## The program to PREFIX/bin (/usr/local/bin), once it is built
	@[ -x target/release/driftshm ] || { echo "driftshm: make build comes first" >&2; exit 1; }
	install -D -m 0755 target/release/driftshm $(DESTDIR)$(PREFIX)/bin/driftshm

# Without the live feeds a cold machine needs a third of the time. Where there is a whole driftshm
# already, that one is used.
demo: need ## A writer on the simulated feed and two bots, for DEMO_SECONDS (10)
	@if [ -x target/release/driftshm ]; then \
		$(MAKE) --no-print-directory --jobs 2 BUILDING=1 writer reader && \
		exec $(BIN)/python examples/demo.py; \
	else \
		$(MAKE) --no-print-directory --jobs 2 BUILDING=1 quick-writer reader && \
		DRIFTSHM_BINARY=$(CURDIR)/target/demo/driftshm exec $(BIN)/python examples/demo.py; \
	fi

test: build $(VENV)/.tools ## Every test but the loom models
	@.ci/need test
	$(CARGO) test --locked --workspace $(EXTENSIONS)
	RUSTFLAGS="--cfg driftshm_words" $(CARGO) test --locked --target-dir target/words \
		--package driftshm-layout --lib --test region
	$(BIN)/python -m pytest tests/python

soak: build ## A day of the live feeds in miniature, SOAK_SECONDS (600) a feed, a fault every 5 s
	DRIFTSHM_SOAK_SECONDS=$(SOAK_SECONDS) $(CARGO) test --locked --package driftshm-tests --test live -- soak --nocapture

lint: build $(VENV)/.tools ## Formatting, clippy, ruff, mypy, and whether stubs and docs are current
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	RUSTFLAGS="--cfg driftshm_loom" $(CARGO) clippy --locked --target-dir target/loom \
		--package driftshm-layout --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings --allow rustdoc::private_intra_doc_links" \
		$(CARGO) doc --locked --workspace $(EXTENSIONS) --no-deps --quiet
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict reader-py/python reader-py/stubs examples docs
	$(BIN)/python -m mypy.stubtest --allowlist reader-py/stubs/stubtest-allowlist.txt driftshm
	$(BIN)/python reader-py/stubs/check_module.py
	$(BIN)/python reader-py/stubs/generate.py --check
	$(BIN)/python docs/check.py

loom: need ## Models of everything lock-free
	RUSTFLAGS="--cfg driftshm_loom" $(CARGO) test --locked --release --target-dir target/loom \
		--package driftshm-layout --test 'loom_*'

# Its .cargo/config.toml counts only from inside. Some six hundred crates: they stay out of every
# other job, and so do these tests.
drift-rs: need ## drift-rs as an independent decoder of the same accounts (builds for minutes)
	@.ci/need drift_rs
	cd tests/drift-rs && $(CARGO) fmt --check && \
		MAKEFLAGS= $(CARGO) test --locked --target-dir $(CURDIR)/target/drift-rs

bench: prepared ## Every figure against what a user would pick instead; writes benches/RESULTS.md
	$(CARGO) bench --locked --package driftshm-benches
	$(BENCH) bench.py

bench-quick: prepared ## Whether every bench runs, and the instruction counts of the hot paths
	$(CARGO) bench --locked --package driftshm-benches -- --test
	$(BENCH) bench.py --quick
	$(BENCH) instructions.py --check

bench-instructions: prepared ## Writes the instruction counts of the hot paths anew
	$(BENCH) instructions.py --update

# What the benches run with; they are measured as wheels, in an environment of their own.
prepared: build
	$(CARGO) build --locked --release --package driftshm-benches --package driftshm-cluster
	@benches/prepare

stubs: need ## Writes anew what is made from code: typing stubs, pictures in docs/
	$(PYTHON) reader-py/stubs/generate.py
	$(PYTHON) docs/check.py --write

clean: ## Removes everything that was built
	rm -rf target dist $(VENV) .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -f reader-py/python/driftshm/*.so

need:
	@.ci/need build

writer:
	MAKEFLAGS= $(CARGO) build --locked --release --package driftshm-writer

quick-writer:
	MAKEFLAGS= $(CARGO) build --locked --profile demo --package driftshm-writer --no-default-features

# An editable install: what is Python in the package needs no step, what is Rust this one, which
# does nothing if nothing changed. Its dependencies have other features than the writer's, so a
# target directory in common would save nothing, and have one wait for the other.
reader: $(VENV)/.maturin
	cd reader-py && MAKEFLAGS= VIRTUAL_ENV=$(CURDIR)/$(VENV) \
		CARGO_TARGET_DIR=$(CURDIR)/target/python ../$(BIN)/maturin develop --locked --release --quiet

$(VENV)/.maturin: $(TOOLS)
	$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) --constraint $(TOOLS) maturin
	@touch $@

$(VENV)/.tools: $(TOOLS) $(VENV)/.maturin
	$(PIP) --requirement $(TOOLS)
	@touch $@
