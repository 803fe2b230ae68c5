"""The lines that end `make demo`: what stands, how fast it is, how good it is, where to look, what to try next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEVERITIES = ("INFO", "WARN", "ERROR", "CRITICAL")
MISSING = "not measured"


def closing_lines(output: Path, servers: Mapping[str, int], incidents: int, seconds: float, changed: int) -> list[str]:
    """Return the lines for the run whose files lie in `output`.

    `servers` are ports by name, `incidents` is how many the log analyzer shows, `changed` counts tasks.
    """
    found: dict[str, Any] = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    scores = found["scores"]
    return [
        f"done in {seconds:.0f} s, {changed} changes",
        f"model        {_model(found['model'], found['throughput'])}",
        f"logs         {_lines(found['lines'])}",
        f"data set     {_dataset(found['datasets'].get('combined'))}",
        f"causes       {_score(scores, 'held_out', 'cause_accuracy')} right in programs kept for testing, "
        f"{_score(scores, 'training', 'cause_accuracy')} in the others",
        f"false alarms {_score(scores, 'held_out', 'false_alarms')} of healthy windows in programs kept for testing",
        f"model calls  {_calls(found['model_calls'])}",
        f"report       {output / 'report.html'} (open it in a browser)",
        f"incidents    {incidents} at http://127.0.0.1:{servers['log analyzer']}/incidents",
        f"servers      {_addresses(servers)}; `make demo-stop` stops them",
        "next         .venv/bin/k8s-log-agent triage /var/log/pods",
    ]


def _addresses(servers: Mapping[str, int]) -> str:
    return ", ".join(f"http://127.0.0.1:{port} ({name})" for name, port in servers.items())


def _model(model: Mapping[str, Any] | None, speed: Mapping[str, Any] | None) -> str:
    if not model or not speed:
        return MISSING
    size = f"{model['alias']}, {model['bytes'] / 2**20:.0f} MiB, {model['threads']} threads"
    prompt, generated = (speed[f"{name}_tokens_per_second"]["median"] for name in ("prompt", "generation"))
    return f"{size}: {prompt:.0f} prompt and {generated:.0f} generated tokens/s"


def _lines(lines: Mapping[str, Any] | None) -> str:
    if not lines or not lines["lines"]:
        return MISSING
    noise = lines["noise_lines"] / lines["lines"]
    return f"{lines['lines']:,} lines, {lines['signatures']:,} signatures, {noise:.0%} noise"


def _dataset(counts: Mapping[str, Any] | None) -> str:
    if not counts:
        return MISSING
    by_severity = ", ".join(f"{counts['severity'].get(name, 0)} {name}" for name in SEVERITIES)
    short = sum(counts["shortfalls"].values())
    return f"{counts['records']} records: {by_severity}" + (f" ({short} short)" if short else "")


def _calls(calls: Mapping[str, Any] | None) -> str:
    if not calls:
        return MISSING
    return f"{calls['asked']} asked, {calls['ok'] + calls['repaired']} answered, {calls['failed']} failed"


def _score(scores: Mapping[str, Any], part: str, figure: str) -> str:
    """A rate with its interval and counts, of the verdicts as they ship."""
    score = scores.get(part, {}).get("triage", {}).get(figure)
    if not score or score["value"] is None:
        return MISSING
    low, high = score["interval"]["low"], score["interval"]["high"]
    return f"{score['value']:.0%} ({low:.0%} to {high:.0%}, {score['right']} of {score['of']})"
