SHELL := /bin/bash
.DEFAULT_GOAL := help
PLAYBOOK := .venv/bin/ansible-playbook
LOCAL := -i inventory/local

.PHONY: help setup setup-dev demo demo-stop test lint docs pins clean

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Create .venv with everything that the playbooks need
	@tools/setup.sh runtime

setup-dev: ## Create .venv with everything that the tests need, too
	@tools/setup.sh dev

demo: setup ## Run the main job on this machine: platform, data set, triage, scores, report
	@.venv/bin/python -m tools.demo

demo-stop: ## Stop the servers that `make demo` started
	@if [ -x $(PLAYBOOK) ]; then $(PLAYBOOK) $(LOCAL) playbooks/local_stop.yml; else echo "nothing to stop: .venv does not exist"; fi

test: setup-dev ## Run every check and test that needs no cluster
	@.venv/bin/python tools/check.py

lint: setup-dev ## Run the static checks only
	@.venv/bin/python tools/check.py --only lint

docs: setup-dev ## Generate the reference pages under build/docs
	@.venv/bin/python tools/build_docs.py
	@.venv/bin/python tools/build_rule_docs.py

pins: setup ## Resolve requirements/*.in anew into exact versions with hashes
	@tools/pins.sh

clean: ## Remove everything that the project made here, after stopping its servers
	@$(MAKE) --no-print-directory demo-stop
	@rm -rf .venv .ansible build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
