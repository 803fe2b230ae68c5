"""Analyse a data set: dataset_analysis.json, dataset_analysis.md, and the same on the terminal."""

from __future__ import annotations

from k8s_log_agent.commands.dataset import analyse, run_script

if __name__ == "__main__":
    run_script(analyse)
