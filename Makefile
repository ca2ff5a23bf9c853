# `make demo` and `make test` do all of their own set-up on a fresh Debian machine.
SHELL := /bin/bash
PY := .venv/bin/python
ARGS ?=

.PHONY: help deps postgresql broker fault-tools browser php wordpress plugin demo test check soak bench format coverage reference clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp names what was installed: a change of the two files installs anew.
.venv/.ready: pyproject.toml constraints.txt tools/setup_python.sh
	bash tools/setup_python.sh

deps: .venv/.ready  ## Set up Python packages and the published Shopify schema
	@$(PY) tools/fetch_npm_data.py

postgresql:  ## Install the PostgreSQL server programs when they are missing
	@bash tools/setup_postgresql.sh

broker:  ## Install the Redis and RabbitMQ server programs when they are missing
	@bash tools/setup_broker.sh

fault-tools:  ## Install strace and faketime when they are missing
	@bash tools/setup_faults.sh

browser:  ## Install Chromium when it is missing
	@bash tools/setup_browser.sh

php:  ## Install PHP and PHPUnit when they are missing
	@bash tools/setup_php.sh

wordpress: deps  ## Bring the WordPress that the plugin is tried in
	@$(PY) tools/fetch_wordpress.py

plugin: deps  ## Build the zip of the WordPress plugin
	@$(PY) tools/build_plugin.py

demo: deps  ## Run two pretend shops against a real server (ARGS=--once ends by itself)
	@$(PY) -m webhooks.demo $(ARGS)

format: deps  ## Format and mend what the linter can mend
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

check: deps  ## Format, lint, types and import contracts
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/lint-imports
	@.venv/bin/mypy

test: check postgresql broker fault-tools browser php wordpress  ## Everything: check, then all tests
	@.venv/bin/pytest -q -m alone
	@# What failed beside another test is told and run once more by itself: many tests start
	@# servers, databases and brokers of their own, and two at a time can starve a small machine.
	@.venv/bin/pytest -q -m "not alone" -n 2 --dist loadfile || { \
	  echo "Once more, one after the other, what failed beside others:"; \
	  .venv/bin/pytest -q --last-failed --last-failed-no-failures none; }

soak: deps postgresql broker fault-tools  ## Kill and break it for long (ARGS="--kills 1000 --syscalls 60")
	@$(PY) -m tools.soak $(ARGS)

coverage: deps postgresql broker fault-tools browser php wordpress  ## All tests, with branch coverage
	@.venv/bin/coverage run -m pytest -q
	@.venv/bin/coverage report --skip-covered

bench: deps postgresql  ## Measure, each figure against another of the same run (ARGS=--quick)
	@bash tools/setup_bench.sh
	@$(PY) -m tools.bench $(ARGS)

reference: deps  ## Write the generated pages of docs/reference
	@$(PY) tools/write_reference.py

clean:  ## Remove what was set up and made
	rm -rf .venv .npm-data .wordpress .screenshots .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
