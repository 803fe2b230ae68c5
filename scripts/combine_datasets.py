"""Combine real and synthetic records into golden_dataset.json with its data card."""

from __future__ import annotations

from k8s_log_agent.commands.dataset import combine, run_script

if __name__ == "__main__":
    run_script(combine)
