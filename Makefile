# Everything starts here: `make run` and `make test` do their own set-up. PYTHON=/path/to/python3.11 picks an interpreter.

# Asked by running it: a name on the path may be a version manager's shim for a Python that is not there.
SUITABLE = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	if $$python -c $(SUITABLE) >/dev/null 2>&1; then echo $$python; exit; fi; done; echo python3)
IN_ENVIRONMENT = .venv/bin/python -m

.PHONY: help setup run test bench faults audit style lint clean-demo clean

help:
	@echo "make run         start everything with demo data (Ctrl-C ends it)"
	@echo "make test        style, types, rooms, tests, faults at small scale"
	@echo "make bench       speed, as ratios measured in one run"
	@echo "make faults      the faults at full scale"
	@echo "make audit       dangerous constructs, and known weaknesses of the locked dependencies"
	@echo "make setup       the set-up alone"
	@echo "make clean-demo  forget the demo's data (the register in .threegates is deleted)"
	@echo "make clean       forget .venv and caches (data stays)"

setup:
	@$(PYTHON) deploy/setup.py run

run:
	@$(PYTHON) deploy/setup.py run && exec .venv/bin/threegates up --demo

style:
	@$(PYTHON) deploy/setup.py test
	$(IN_ENVIRONMENT) ruff check .
	$(IN_ENVIRONMENT) ruff format --check .
	.venv/bin/lint-imports

lint: style
	$(IN_ENVIRONMENT) mypy --strict

# Types are asked beside the tests.
test: style
	$(IN_ENVIRONMENT) tests

bench:
	@$(PYTHON) deploy/setup.py bench
	$(IN_ENVIRONMENT) tests.bench

faults:
	@$(PYTHON) deploy/setup.py test
	$(IN_ENVIRONMENT) tests.faults all --scale full

audit:
	@$(PYTHON) deploy/setup.py test
	$(IN_ENVIRONMENT) deploy.audit

clean-demo:
	@$(PYTHON) deploy/setup.py run && .venv/bin/python -m deploy.cleaning

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
