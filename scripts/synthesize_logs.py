"""Make labelled records from log_templates.json into golden_dataset_synthetic.json."""

from __future__ import annotations

from k8s_log_agent.commands.dataset import run_script, synthesize

if __name__ == "__main__":
    run_script(synthesize)
