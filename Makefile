# A machine needs Python 3.11+ with venv, make and a package index; everything else is installed into .venv.

.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
MEMBERS := libs/events libs/reactions libs/rules libs/runtime libs/servers libs/values services/campaigns services/contacts services/pipeline services/projections cli
PYTHON  ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)

# Real data sets for the tests that use them; absent ones are skipped with a reason.
ifeq ($(origin PATRON_DATA_SETS),undefined)
ifneq ($(wildcard ../shared/data/.),)
PATRON_DATA_SETS := $(abspath ../shared/data)
endif
endif
export PATRON_DATA_SETS
# pyright's launcher would ask the index for its newest version at every start.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# Every process loads the same modules. What Python makes of them is kept, and in .venv only.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(abspath $(VENV))/pycache

JOBS ?= 2
ARGS ?=
# The time limit of a test is an exception in its process, which asyncio may take for a task's own. This ends the process.
LAST_RESORT := -o faulthandler_timeout=660 -o faulthandler_exit_on_timeout=true --max-worker-restart=1

.PHONY: help install up down test test-slow bench lint style types directions format lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

install: $(STAMP) ## create or update .venv from requirements.lock

up: $(STAMP) ## start everything in the background and say where to look (ARGS=...)
	@$(BIN)/patron up --detach $(ARGS)

down: $(STAMP) ## stop what `make up` started; the data stays
	@$(BIN)/patron down $(ARGS)

test: $(STAMP) ## run the tests, except those marked slow (JOBS=2, ARGS="-k name")
	@$(BIN)/pytest -m "not slow" -n $(JOBS) --dist loadfile $(LAST_RESORT) $(ARGS)

test-slow: $(STAMP) ## run the tests marked slow
	@$(BIN)/pytest -m slow $(ARGS)

bench: $(STAMP) ## measure; one JSON object a line, also kept under bench-results/ (ARGS=...)
	@$(BIN)/python -m bench $(ARGS)

lint: style types directions ## all three checks of the code (make -k lint: go on after a failure)

style: $(STAMP) ## rules and layout (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP) ## types (pyright, strict)
	@$(BIN)/pyright

directions: $(STAMP) ## which part may import which (import-linter)
	@$(BIN)/lint-imports --no-logo

format: $(STAMP) ## put the code into the one layout
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

lock: $(BIN)/uv ## resolve requirements.lock again (ARGS=--upgrade for newer versions)
	@$(BIN)/uv pip compile requirements.in --group pyproject.toml:dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
		$(foreach m,$(MEMBERS),--no-emit-package patron-$(notdir $m)) \
		--output-file requirements.lock --quiet $(ARGS)
	@echo "requirements.lock: $$(grep -c '^[a-z0-9-]*==' requirements.lock) packages"

clean: ## remove .venv and caches, never data
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# The one tool that is installed before the rest: the version and hashes are those of the lock.
$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "Patron needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { echo "Python's venv module is missing (Debian: the package python3-venv)" >&2; exit 1; }
	@awk '/^[a-z]/ {on = /^uv==/} on' requirements.lock > $(VENV)/uv.lock.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock.txt

# uv is fast; an index that only pip is configured for is reached through pip.
$(STAMP): requirements.lock pyproject.toml $(MEMBERS:%=%/pyproject.toml) | $(BIN)/uv
	@echo "Installing into $(VENV) ..."
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation \
		$(foreach m,. $(MEMBERS),--editable ./$m)
	@touch $@
