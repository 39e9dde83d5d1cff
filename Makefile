# Regulars on a fresh machine: Python 3.11 or newer and make are all it needs.
# `make help` lists what there is.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--no-emit-index-url --no-annotate --no-header

# The first Python on the path that is new enough; PYTHON=… names another.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$each" && break; done)

# What pytest is given: make test TESTS=tests/pure
TESTS ?=

# What starts whole installations and ends them, or tells all webhooks there are, has a database of
# its own; all else keeps apart by project, browsers after the rest: their event loop stays in the
# thread. tests/sharing_out.py says which worker gets what.
ALONE := tests/conformance tests/faults $(addprefix tests/slices/, config kit webhooks)
SIDE_BY_SIDE := tests/architecture tests/pure \
	$(filter-out $(ALONE) %.py %__pycache__, $(wildcard tests/slices/*))

.DEFAULT_GOAL := help
.PHONY: help run test check lint check-js bench lock install install-dev install-bench clean
.DELETE_ON_ERROR:

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: install ## Install and start everything on http://127.0.0.1:8000; Ctrl-C stops it
	@exec $(BIN)/regulars up

test: install-dev ## Install and run every test
	@$(BIN)/python scripts/find_chromium.py
ifdef TESTS
	$(BIN)/pytest $(TESTS)
else
	$(BIN)/pytest -q -n 2 --dist loadfile $(SIDE_BY_SIDE)
	$(BIN)/pytest -q -n 2 --dist loadfile tests/journeys
	$(BIN)/pytest -q -n 2 --dist loadfile $(ALONE)
endif

check: lint ## Lint, types, layers, documentation
	$(BIN)/pytest -q tests/architecture --ignore tests/architecture/test_stranger.py \
		tests/slices/config/test_documentation.py

lint: install-dev check-js
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy regulars tests
	$(BIN)/lint-imports

check-js: install-dev
	scripts/check-js

bench: install-bench ## The benchmark tables (takes an hour; close other programs)
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.filters
	$(BIN)/python -m tests.bench.funnel
	$(BIN)/python -m tests.bench.home
	$(BIN)/python -m tests.bench.messages
	$(BIN)/python -m tests.bench.emails
	$(BIN)/python -m tests.bench.campaigns

lock: install-dev ## Choose the newest versions that pyproject.toml allows, and pin them
	echo 'setuptools>=77' | $(COMPILE) --upgrade - --output-file requirements/build.lock
	$(COMPILE) --upgrade pyproject.toml --group pyproject.toml:dev \
		--output-file requirements/dev.lock
	$(COMPILE) --upgrade pyproject.toml --constraints requirements/dev.lock \
		--output-file requirements/runtime.lock
	$(COMPILE) --upgrade --group pyproject.toml:bench --constraints requirements/dev.lock \
		--output-file requirements/bench.lock

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

install-bench: $(VENV)/.installed-bench

clean: ## Remove the virtual environment and caches; data stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv module is needed (on Debian: apt install python3-venv)."; exit 1; }

$(VENV)/.installed: requirements/build.lock requirements/runtime.lock pyproject.toml | $(BIN)/python
	@echo "Installing Regulars into $(VENV) …"
	@$(PIP) install -r requirements/build.lock -r requirements/runtime.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements/dev.lock $(VENV)/.installed
	@echo "Installing what the tests need …"
	@$(PIP) install -r requirements/dev.lock
	@touch $@

$(VENV)/.installed-bench: requirements/bench.lock $(VENV)/.installed-dev
	@echo "Installing what the benchmark compares with …"
	@$(PIP) install -r requirements/bench.lock
	@touch $@
