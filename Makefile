SHELL := /bin/bash
.DEFAULT_GOAL := help
PLAYBOOK := .venv/bin/ansible-playbook
LOCAL := -i inventory/local

.PHONY: help setup setup-dev demo demo-stop test test-host test-cluster test-matrix lint docs pins lab lab-down clean

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

test-host: setup-dev ## Run the tests on virtual machines with NVMe disks (QEMU; K3S_BINARY=file K3S_IMAGES=folder adds the join)
	@.venv/bin/python -m pytest -v tests/host

test-cluster: setup-dev ## Run the tests on a real K3s of two nodes (K3S_BINARY=file K3S_IMAGES=folder)
	@test -n "$(K3S_BINARY)" || { echo "name a K3s binary: make test-cluster K3S_BINARY=/path/to/k3s K3S_IMAGES=/folder/of/image/archives"; exit 2; }
	@K3S_BINARY="$(K3S_BINARY)" K3S_IMAGES="$(K3S_IMAGES)" PLATFORM_IMAGES="$(PLATFORM_IMAGES)" CHARTS_DIR="$(CHARTS_DIR)" \
	  .venv/bin/python -m pytest -v tests/cluster

test-matrix: setup-dev ## Run the quick scenarios with every supported ansible-core
	@.venv/bin/python -m tools.matrix

lint: setup-dev ## Run the static checks only
	@.venv/bin/python tools/check.py --only lint

docs: setup-dev ## Generate the reference pages under build/docs
	@.venv/bin/python tools/build_docs.py
	@.venv/bin/python tools/build_rule_docs.py

pins: setup ## Resolve requirements/*.in anew into exact versions with hashes
	@tools/pins.sh

lab: setup ## Start two virtual machines, a homelab on this workstation
	@.venv/bin/python -m tools.lab up

lab-down: ## Stop the virtual machines and keep their disks
	@if [ -x .venv/bin/python ]; then .venv/bin/python -m tools.lab down; else echo "nothing to stop: .venv does not exist"; fi

clean: ## Remove everything that the project made here, after stopping its servers
	@$(MAKE) --no-print-directory demo-stop
	@$(MAKE) --no-print-directory lab-down
	@rm -rf .venv .ansible build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
