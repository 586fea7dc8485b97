# Needs Python 3.11 to 3.13, git and make; everything else is installed into .venv from the package index.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup pilot test lint bench docs constraints clean

BIN := .venv/bin
STAMP := .venv/.installed
EXTRAS := node,vault,spiffe,mlflow,kserve,fintech,terraform,aws-kms,google-kms,pkcs11,testing
PLUGINS := plugins/onprem plugins/aws_sovereign plugins/gcp plugins/telco_edge
EDITABLE := $(foreach plugin,$(PLUGINS),-e $(plugin))
NO_EMIT := $(foreach name,onprem aws-sovereign gcp telco-edge,--no-emit-package sovplatform-$(name))
PILOT := demo
TUTORIALS := demo eu other
FIND_PYTHON := for python in python3.13 python3.12 python3.11 python3 python; do \
	if $$python -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	echo $$python; exit; fi; done

help: ## Show this
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything into .venv; instant when nothing changed

$(STAMP): pyproject.toml $(PLUGINS:%=%/pyproject.toml) constraints.txt
	@if [ ! -x $(BIN)/python ]; then \
		python="$${PYTHON:-$$($(FIND_PYTHON))}"; \
		if [ -z "$$python" ]; then \
			echo "sovplatform needs Python 3.11, 3.12 or 3.13 with venv: install one, or say where it is: make PYTHON=/path/to/python" >&2; \
			exit 1; \
		fi; \
		echo "Making .venv with $$($$python --version)"; \
		"$$python" -m venv .venv; \
	fi
	@echo "Installing what pyproject.toml names into .venv: 2 GB, about a minute"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]' $(EDITABLE) --group dev
	@touch $@
	@echo "Ready: $(BIN)/sovctl --help, or put $(BIN) on your PATH"

pilot: $(STAMP) ## Make the fintech pilot in demo/ and run it to a served, audited model
	@if [ -e $(PILOT) ]; then \
		echo "$(PILOT)/ exists: going on with it (make clean stops and removes it; make pilot PILOT=NAME makes another)"; \
	else \
		$(BIN)/sovctl init pilot $(PILOT) --example fintech; \
	fi
	@$(BIN)/sovctl -C $(PILOT) run --approve-with $(PILOT)/.sov/people/approver
	@printf '\nThe regions are still running.\nAsk the model: $(BIN)/sovctl -C $(PILOT) predict --file $(PILOT)/rows.csv\nLook: $(BIN)/sovctl -C $(PILOT) status\nStop and remove: make clean\n'

lint: $(STAMP) ## Style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## Lint, then run all tests; the last line is pytest's
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term

bench: $(STAMP) ## Measure what the README promises, side by side, and print the table
	$(BIN)/python -m benchmarks

docs: $(STAMP) ## Write again the pages that are made from code
	@for page in docs/generate_*.py; do echo "$$page"; $(BIN)/python "$$page"; done

constraints: $(STAMP) ## Resolve the pinned versions again
	@printf -- '-e %s\n' '.[$(EXTRAS)]' $(PLUGINS) | $(BIN)/uv pip compile --quiet --python-version 3.11 --upgrade --no-annotate \
		--no-header --group dev --no-emit-package sovplatform $(NO_EMIT) -o constraints.txt -

# A pilot whose infrastructure was applied is kept: its journal is the only record of what stands in a cloud.
clean: ## Stop the tutorials' pilots and remove what was made, except .venv
	@for pilot in $(sort $(PILOT) $(TUTORIALS)); do \
		if grep -qs 'infrastructure\.apply' $$pilot/.sov/infrastructure/ledger.db; then \
			echo "$$pilot/ is kept: its infrastructure was applied; see $(BIN)/sovctl -C $$pilot status, and remove it yourself"; \
			continue; \
		fi; \
		if [ -e $$pilot/pilot.yaml ] && [ -x $(BIN)/sovctl ]; then $(BIN)/sovctl -C $$pilot down; fi; \
		rm -rf $$pilot; \
	done
	rm -rf build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
