# Two commands matter: `make run` and `make test`. Both start from a bare machine that has GNU make, bash and Python >= 3.11.
# Settings by environment or on the line: PORT, DATABASE_URL, SAMPLE, SAMPLE_DATE, and the rest listed in docs/operations.md.
MAKEFLAGS += --no-print-directory
.PHONY: help run up down test lint bench soak clean lock texts
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 14

run: ## everything from a bare machine, then serve in the foreground
	@bin/prepare run && exec .venv/bin/python -m app.cli.serve

up: ## the same in the background; returns when the service is ready
	@bin/prepare run && exec .venv/bin/python -m app.cli.serve --background

down: ## stop web, worker and the private database
	@bin/down

test: ## everything from a bare machine, then lint, types, imports and all tests
	@bin/test

lint: ## lint, format, types and the direction of imports
	@bin/venv test && bin/lint

bench: ## benchmarks side by side with peers, one figure a line (ONLY=name for one of them)
	@bin/prepare bench && .venv/bin/python -m benchmarks $(ONLY)

soak: ## a long run under load that looks for leaks and drift, then kills of database and web under load
	@bin/system soak && bin/prepare test && .venv/bin/python -m benchmarks.soak && .venv/bin/python -m benchmarks.kills

clean: ## remove environment, assets and private database (asks; FORCE=1 does not)
	@bin/clean

lock: ## pin the requirements anew, with hashes
	@bin/lock

texts: ## collect the visible texts for translation
	@bin/venv test && bin/texts
