# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# `make` lists the targets. `make demo` and `make test` are all a new machine needs: git, make and Python 3.11 with venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help test lint unit contract sanity units artefact integration acceptance clients role-test demo bench bench-full docs changelog clean

TOP := $(CURDIR)
BIN := $(TOP)/.venv/bin
STAMP := .venv/installed
# Kept between runs and clones: the role test's base system and its wheels, galaxy-importer's environment,
# AWX's clients.
export PLAYHOOK_TEST_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/playhook

# Requests that schemathesis makes up for each operation of the API; `make contract PLAYHOOK_API_EXAMPLES=50` looks longer.
export PLAYHOOK_API_EXAMPLES ?= 4

# In this order, so that what fails in seconds fails first.
SECTIONS := lint unit contract units artefact sanity integration acceptance clients demo role-test
# Sections to leave out, as in `make test SKIP=role-test` where there is no root.
SKIP :=
PYTEST := $(BIN)/python -m pytest $(PYTEST_ARGS)
# Many tests wait for a process or a timer, so that two at a time take little more than half the time.
PARALLEL ?= -n 2 --dist worksteal
PYTHON_FILES := plugins tests playbooks demo docs
KEEP ?=
# Not in the artefact, so ansible's own rules for names do not bind it; ruff's do.
UNPUBLISHED := demo/ receiver/bench/ receiver/tests/ tests/collection/

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): receiver/pyproject.toml tests/requirements.txt
	@MAKECMDGOALS='$(MAKECMDGOALS)' PYTHON='$(PYTHON)' tests/tools/make-venv.sh

test: $(STAMP) ## Run every check below, with the time of each
	@tests/tools/run-sections.sh '$(SKIP)' $(SECTIONS)

lint: $(STAMP) ## ruff, mypy, import-linter, ansible-lint, changelog fragments
	$(BIN)/ruff check receiver $(wildcard $(PYTHON_FILES))
	$(BIN)/ruff format --check receiver $(wildcard $(PYTHON_FILES))
	cd receiver && $(BIN)/mypy
	cd receiver && $(BIN)/lint-imports
	$(BIN)/antsibull-changelog lint
	tests/tools/ansible-lint.sh

unit contract: $(STAMP) ## The receiver's parts, each with a database; each service against recorded payloads
	@tests/tools/need-packages.sh receiver
	cd receiver && $(PYTEST) $(PARALLEL) tests/$@

# The names of sockets are short: jobs' directories below pytest's usual place would be too long for them.
integration acceptance: $(STAMP) ## The receiver with its database, git and ssh; a real `playhook serve`
	@tests/tools/need-packages.sh receiver
	scratch=$$(mktemp -d /tmp/playhook.XXXX) && trap 'rm -rf "$$scratch"' EXIT && \
	cd receiver && $(PYTEST) $(PARALLEL) --basetemp="$$scratch/t" tests/$@

# A file is one play after another with one receiver, so that it stays in one process.
clients: PARALLEL += --dist loadfile
clients: $(STAMP) ## AWX's own clients, awx.awx and the awx command, against a real `playhook serve` with TLS
	@tests/tools/need-packages.sh receiver
	scratch=$$(mktemp -d /tmp/playhook.XXXX) && trap 'rm -rf "$$scratch"' EXIT && \
	cd receiver && $(PYTEST) $(PARALLEL) --basetemp="$$scratch/t" tests/$@

units: $(STAMP) ## ansible-test units: the modules' unit tests
	tests/tools/ansible-test.sh units --venv

sanity: $(STAMP) ## ansible-test sanity, all tests
	@tests/tools/need-packages.sh sanity
	tests/tools/ansible-test.sh sanity --venv $(addprefix --exclude ,$(UNPUBLISHED))

artefact: $(STAMP) ## Build the collection, check what is in it, import and install it
	$(PYTEST) -ra tests/collection --ignore tests/collection/webhook_receiver

role-test: $(STAMP) ## The role on a booted systemd (needs root)
	@tests/tools/need-packages.sh role
	$(PYTEST) -ra tests/collection/webhook_receiver

demo: $(STAMP) ## A signed pull request runs a playbook, step by step; KEEP=1 stays up
	KEEP=$(KEEP) $(BIN)/python demo/run.py

bench: $(STAMP) ## Measure in 5 minutes and write docs/performance.md's tables; BENCH="intake api" runs these sections
	@tests/tools/need-packages.sh bench
	cd receiver && $(BIN)/python bench/run.py $(BENCH)

bench-full: $(STAMP) ## The same in up to 60 minutes, and what takes long
	@tests/tools/need-packages.sh bench
	cd receiver && $(BIN)/python bench/run.py --full $(BENCH)

docs: $(STAMP) ## Write docs/reference anew from the code
	$(BIN)/python docs/generate.py

changelog: $(STAMP) ## Write CHANGELOG.md anew from changelogs/fragments and the modules
	PATH=$(BIN):$$PATH antsibull-changelog release --reload-plugins --update-existing --refresh-fragments

clean: ## Remove what the targets made in this tree
	rm -rf .venv .cache receiver/build receiver/dist receiver/src/*.egg-info playhook-webhooks-*.tar.gz
