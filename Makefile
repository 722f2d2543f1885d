# Everything a person types. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test lint unit broker system broken faults bench bench-stream bench-match eval fuzz train lock format clean

# the first Python that fits and can make a virtual environment
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
ARGS ?=
CASES ?= 100000

help:  ## show what can be typed
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Earshot needs Python 3.11, 3.12 or 3.13 with venv (Debian: apt-get install python3-venv)" >&2; exit 2; }
	$(PYTHON) -m venv .venv

.venv/runtime: .venv/bin/python requirements.txt pyproject.toml
	@echo "installing the locked requirements into .venv (once, about a minute) ..."
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/runtime requirements-dev.txt
	@echo "installing the locked tools for tests into .venv ..."
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

setup: .venv/runtime  ## make .venv with the earshot command

setup-dev: .venv/dev  ## the same with the tools for tests

demo: .venv/runtime  ## replay a real crisis: broker, ingest, worker, delivery, inbox (ARGS="--json FILE")
	@$(BIN)/earshot demo $(ARGS)

test: lint unit broker broken system  ## everything that can be tested here
	@echo "make test: all passed"

lint: .venv/dev  ## ruff, mypy --strict, import-linter, yamllint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint -s .

# What fails is run once more, alone, and said: a shared machine stands still for longer than any deadline now and then,
# a fault of ours fails again (what Hypothesis found is tried first). Never so for the runs that break things on purpose.
define tested
	$(BIN)/python -m pytest -q $(1) $(2) $(ARGS) || { code=$$?; [ $$code = 1 ] || exit $$code; \
	  echo "FAILED ONCE, see above; what failed is run again, alone:"; \
	  $(BIN)/python -m pytest $(1) --last-failed --last-failed-no-failures none -v $(ARGS); }
endef

unit: .venv/dev  ## tests without a broker
	$(call tested,-m "not broker and not system and not faults",-n 3 --dist worksteal)

broker: .venv/dev  ## tests on the embedded broker, and on a real Kafka where Java and Maven are present
	$(call tested,-m broker -rs,-n 4 --dist worksteal)

broken: .venv/dev  ## tests that break things on purpose: 200 faults, and each point once
	$(BIN)/python -m pytest -q -m faults -rs -s $(ARGS)

faults: .venv/dev  ## the same for longer (ARGS="--faults 2000 --nodes 3 --seed 7")
	PYTHONPATH=. $(BIN)/python -m tests.faults $(ARGS)

system: .venv/dev  ## tests of the containers and with other real servers (IMAP, nginx, a PDS, Prism), where they can be had
	$(call tested,-m system -rs,)

bench: .venv/dev  ## the figures in docs/performance.md, on a real Kafka
	PYTHONPATH=. $(BIN)/python -m benchmarks.stream $(ARGS)

bench-stream: .venv/dev  ## our runtime beside its peers, on a real Kafka (ARGS="--events 1000000")
	python=$$(PYTHONPATH=. $(BIN)/python -m benchmarks.runtimes.homes) && PYTHONPATH=. "$$python" -m benchmarks.runtimes $(ARGS)

bench-match: .venv/dev  ## what matching costs, beside Lucene Monitor where Java and Maven are present
	PYTHONPATH=. $(BIN)/python -m benchmarks.bench_match $(ARGS)

eval: .venv/dev  ## how good the judgements are, on labelled data in EARSHOT_EVAL_DATA (ARGS=--record)
	PYTHONPATH=. $(BIN)/python -m benchmarks.eval $(ARGS)

fuzz: .venv/dev  ## matching beside the reference on 100,000 random queries and texts: an hour (CASES=2000 for a minute)
	EARSHOT_REFERENCE_CASES=$(CASES) $(BIN)/python -m pytest -q tests/pipeline/query/test_reference.py --timeout 0 -n 2 $(ARGS)

train: .venv/dev  ## learn pipeline/sentiment_*.tsv anew (DATA=FOLDER, ARGS=--check says whether they are as in the tree)
	PYTHONPATH=. $(BIN)/python -m benchmarks.train $(DATA) $(ARGS)

lock:  ## write the hashed requirements anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		--extra build pyproject.toml -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		--extra dev --extra build -c requirements.txt pyproject.toml -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		--extra onnx --extra build -c requirements-dev.txt pyproject.toml -o requirements-onnx.txt

format: .venv/dev  ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what make made
	rm -rf .venv .earshot .hypothesis .mypy_cache .ruff_cache .import_linter_cache
