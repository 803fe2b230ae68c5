"""The ten lines that end `make demo`: what stands, how fast it is, how good it is, where to look, what to try next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def closing_lines(output: Path, seconds: float, changed: int) -> list[str]:
    """Return the lines for the run whose files lie in `output`; `changed` counts its tasks that changed something."""
    found: dict[str, Any] = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    model, lines, speed = found["model"], found["lines"], found["throughput"]
    combined, calls = found["datasets"]["combined"], found["model_calls"]
    triage = found["scores"]
    return [
        f"done in {seconds:.0f} s, {changed} changes",
        f"model        {model['alias']}, {model['bytes'] / 2**20:.0f} MiB, {model['threads']} threads: "
        f"{_figure(speed, 'prompt_tokens_per_second')} prompt and "
        f"{_figure(speed, 'generation_tokens_per_second')} generated tokens/s",
        f"logs         {lines['lines']:,} lines, {lines['signatures']:,} signatures, "
        f"{_share(lines['noise_lines'], lines['lines'])} noise",
        f"data set     {combined['records']} records: {_severities(combined)}",
        f"causes       {_cause(triage, 'held_out')} right in programs kept for testing, "
        f"{_cause(triage, 'training')} in the others",
        f"false alarms {_rate(triage['held_out']['triage'].get('false_alarms'))} of healthy windows",
        f"model calls  {calls['asked']} asked, {calls['ok'] + calls['repaired']} answered, {calls['failed']} failed",
        f"report       {(output / 'report.html').relative_to(ROOT)} (open it in a browser)",
        "servers      http://127.0.0.1:18080 (llama.cpp), http://127.0.0.1:18000 (Chroma); `make demo-stop` stops them",
        "next         .venv/bin/k8s-log-agent triage /var/log/pods",
    ]


def _figure(speed: Mapping[str, Any], name: str) -> str:
    return f"{speed[name]['median']:.0f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


def _severities(counts: Mapping[str, Any]) -> str:
    found = counts["severity"]
    text = ", ".join(f"{found.get(name, 0)} {name}" for name in ("INFO", "WARN", "ERROR", "CRITICAL"))
    short = sum(counts["shortfalls"].values())
    return f"{text} ({short} short)" if short else text


def _cause(scores: Mapping[str, Any], part: str) -> str:
    return _rate(scores[part]["triage"].get("cause_accuracy")) if part in scores else "not measured"


def _rate(score: Mapping[str, Any] | None) -> str:
    if not score or score["value"] is None:
        return "not measured"
    low, high = score["interval"]["low"], score["interval"]["high"]
    return f"{score['value']:.0%} ({low:.0%} to {high:.0%}, {score['right']} of {score['of']})"
