"""Extract labelled records from a Loki or from logs on disk into golden_dataset_real.json."""

from __future__ import annotations

from k8s_log_agent.commands.dataset import extract, run_script

if __name__ == "__main__":
    run_script(extract)
