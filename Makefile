# Everything there is to do here, once. A machine needs Python 3.11 or later, git and make; the rest is fetched.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# What weights and backtests are compared with, in an environment of its own.
LIBRARIES := $(VENV)-oracles/.installed
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# uv takes a tenth of pip's time, but knows nothing of pip's settings (a mirror, a certificate): where it fails, pip does the same.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python $(1) || { echo "make: uv could not install it, pip tries" >&2 && $(PIP) $(1); }
UV     := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
          --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
# Three workers for two cores, as tests wait for a part of their time; the tests of one file stay together, as they share what is costly, and the files keep the
# order of tests/conftest.py: those that wait are spread among those that compute.
PYTEST_WORKERS ?= 3

# An environment of these would point tools at another project, or make every start compile all that it imports.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install install-dev run demo test compile-tests run-tests check check-types check-all-else audit faults fuzz faults-galera oracles bench screenshots diagrams format lock clean
.DELETE_ON_ERROR:

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## install what the service needs into .venv

install-dev: $(VENV)/.installed-dev  ## ... and what its tests and checks need

run: install  ## migrate the embedded database and serve on http://127.0.0.1:8026 (PORT=...)
	$(BIN)/portfolio migrate
	exec $(if $(PORT),env PORTFOLIO_PORT=$(PORT)) $(BIN)/portfolio serve

demo: install  ## serve two years of made-up trades at simulated prices, in a database of its own (PORT=..., SEED=...)
	exec $(BIN)/portfolio demo $(if $(PORT),--port $(PORT)) $(if $(SEED),--seed $(SEED))

# Nothing is compiled as it is installed: of all these modules the tests and checks import a part, which is compiled then.
test: COMPILE := --no-compile
test: install-dev  ## all checks, and all tests on SQLite and a real MySQL-family server, with coverage gates
	@$(MAKE) --no-print-directory --jobs=2 check-all-else compile-tests
	@$(MAKE) --no-print-directory --jobs=2 check-types run-tests

# The types are checked beside the tests, which wait for a part of their time.
run-tests: install-dev
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report= --coverage-gates

# pytest compiles the tests when it collects them, and what they import, each worker for itself: of a clean clone this is done once
# before, beside the other checks. What it finds wrong the tests tell.
compile-tests: install-dev
	@$(BIN)/python -m pytest --collect-only --quiet >/dev/null || true

check: check-all-else check-types  ## format, lint, types, layers: the one definition of every check

check-types: install-dev
	nice $(BIN)/mypy

check-all-else: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m checks.dependencies
	$(BIN)/python -m checks.shape
	$(BIN)/python -m checks.tables_diagram

# The lock files are asked for, not this machine's environment: what is locked is what is deployed.
audit: install-dev  ## ask the advisory database of PyPI for known vulnerabilities of what is locked (needs a network)
	@for lock in requirements.lock requirements-dev.lock; do \
	    $(BIN)/uv tool run pip-audit --requirement $$lock --disable-pip --require-hashes --strict --timeout 15 \
	        || { echo "make audit: $$lock has a vulnerable package (listed above), or the advisory database" \
	             "could not be reached; \`make check\` holds without it" >&2; exit 1; }; \
	done

# One process: the runs print their figures, and each has the machine to itself.
faults: install-dev  ## the long fault runs; FAULTS_SEED=... repeats one, FAULTS_OPERATIONS=... sets its length
	FAULTS_DEEDS=1 $(BIN)/python -m pytest -m faults_long -s -o faulthandler_timeout=3600 tests

fuzz: install-dev  ## requests, uploads and price answers at random; FUZZ_SECONDS=... says for how long, FUZZ_SEED=... repeats a run
	FUZZ_SECONDS=$${FUZZ_SECONDS:-1800} $(BIN)/python -m pytest -s -o faulthandler_timeout=7200 tests/fuzz

faults-galera: install-dev  ## a Galera cluster of three nodes on this machine, its nodes killed, frozen and alone
	$(BIN)/python -m pytest -m galera -s -o faulthandler_timeout=3600 tests/faults

oracles: install-dev  ## write anew what other libraries answer to the questions of tests/oracles (needs a network)
	rm -f $(LIBRARIES)
	$(MAKE) $(LIBRARIES)
	$(BIN)/python -m tests.oracles.questions
	$(VENV)-oracles/bin/python -W ignore -m tests.oracles.rewrite

bench: install-dev $(if $(ROWS),$(if $(findstring others,$(ROWS)),$(LIBRARIES)),$(LIBRARIES))  ## measure against the floors (ROWS=reads,booking; QUICK=1; BESIDE=a checkout or a revision)
	$(BIN)/python -m benchmarks $(if $(ROWS),--rows $(ROWS)) $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON)) \
	    $(if $(BESIDE),--beside $(BESIDE))

screenshots: install-dev  ## write the pictures of the pages (docs/pictures/), from the books of `make demo`
	$(BIN)/python -m tests.support.browser.screenshots

diagrams: install-dev  ## write the picture of the tables (docs/tables.md) from the schema
	$(BIN)/python -m checks.tables_diagram --write

format: install-dev  ## write the code as `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.created  ## write the requirements*.lock from pyproject.toml (UPGRADE=1: newest versions)
	@test -x $(BIN)/uv || $(PIP) uv
	$(UV) pyproject.toml --extra optimise --extra parquet --extra dask --group dev --output-file requirements-dev.lock
	$(UV) pyproject.toml --extra optimise --extra parquet --constraint requirements-dev.lock --output-file requirements.lock
	$(UV) --group build --constraint requirements-dev.lock --output-file requirements-build.lock

clean:  ## remove what the tools have written (not the database, not the log)
	rm -rf $(VENV) $(VENV)-oracles build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -f .coverage .coverage.*
	find src tests migrations -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# A virtual environment made by an older or vanished Python is made anew.
$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || { echo "make: '$(PYTHON)' not found: install Python 3.11 or later," \
	    "or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or later is" \
	    "needed, and '$(PYTHON)' is $$($(PYTHON) -V): name another, as in: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: '$(PYTHON)' cannot make virtual" \
	    "environments: install its venv package (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	    || $(PYTHON) -m venv --clear $(VENV)
	@touch $@

# pip takes what it was killed over for installed, or cannot remove it: nothing is built on that.
UNLESS_KILLED = @test ! -e $@.begun || { echo "make: the last installation did not end, it is begun anew" \
    && rm -rf $(VENV) && $(MAKE) --no-print-directory $<; } && touch $@.begun
DONE = @rm $@.begun; touch $@

# The lock files are complete: nothing is resolved (pip would look for newer versions of what is asked for with an extra).
LOCKED  := --require-hashes --no-deps
COMPILE := --compile
# Without build isolation: the project is built by the locked build tools, and nothing else is fetched.
$(VENV)/.installed: $(VENV)/.created requirements.lock requirements-build.lock pyproject.toml
	$(UNLESS_KILLED)
	@echo "make: installing what is locked into $(VENV), a minute or two, once"
	@$(PIP) $(LOCKED) -r requirements-build.lock
	@$(call INSTALL,$(COMPILE) $(LOCKED) -r requirements.lock)
	@$(call INSTALL,--no-build-isolation --no-deps --editable .)
	$(DONE)

$(LIBRARIES): $(VENV)/.installed-dev
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)-oracles
	$(BIN)/uv pip install --quiet --python $(VENV)-oracles/bin/python --group oracles
	@touch $@

# Not compiled, as of what `make test` installs.
$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(UNLESS_KILLED)
	@$(call INSTALL,--no-compile $(LOCKED) -r requirements-dev.lock)
	$(DONE)
