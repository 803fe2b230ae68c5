"""Collectors, the log store and its volume, queries, and Grafana."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from statistics import median
from typing import Any

from ..loki_answers import Found
from .nodes import condition, selected
from .rows import Row, Topic

Objects = Sequence[dict[str, Any]]
SECTION = "Logs"
QUERIES = (
    '{namespace="logging"}',
    '{job=~".+"} |~ "(?i)error"',
    '{namespace="llm"} |= "llama"',
    '{job=~".+"} |~ "(?i)(error|warn)"',
)
NONCE_LABELS = ("namespace", "pod", "container", "node", "app", "job")
_ALLOY_STEP = "Look at kubectl logs -n logging -l app.kubernetes.io/name=alloy, and run site.yml with the tag alloy."
_LOKI_STEP = (
    "Look at kubectl describe pod -n logging -l app.kubernetes.io/name=loki, and run site.yml with the tag loki."
)


def alloy_rows(pods: Objects, nodes: Objects, log: str, topic: Topic) -> list[Row]:
    """One ready pod a node, and no errors in its last lines."""
    found = selected(pods, "logging", {"app.kubernetes.io/name": "alloy"})
    ready = sum(condition(pod, "Ready") for pod in found)
    errors = [line for line in log.splitlines() if re.search(r"\blevel=error\b", line)]
    measured = f"{len(log.splitlines())} lines, {len(errors)} errors"
    return [
        topic.row(
            "a collector is ready on each node",
            "kubectl get daemonset -n logging",
            f"{len(nodes)} of {len(nodes)}",
            f"{ready} of {len(nodes)}",
            bool(nodes) and ready == len(found) == len(nodes),
            _ALLOY_STEP,
        ),
        topic.row(
            "the collectors' log has no errors",
            "kubectl logs -n logging -l app.kubernetes.io/name=alloy --tail=20",
            "lines, no errors",
            measured + (f": {errors[-1][:200]}" if errors else ""),
            bool(log.strip()) and not errors,
            _ALLOY_STEP,
        ),
    ]


def volume_row(  # noqa: PLR0913, PLR0917 - a claim, its volume, and where that must lie
    claim: dict[str, Any] | None, volume: dict[str, Any] | None, storage_dir: str, node: str, command: str, topic: Topic
) -> Row:
    """A claim is bound to a retained volume on the data disk of the storage node."""
    name = topic.component
    phase = ((claim or {}).get("status") or {}).get("phase", "no claim")
    spec = (volume or {}).get("spec") or {}
    path = (spec.get("local") or {}).get("path", "no local path")
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or []
    on = sorted({value for term in terms for one in term.get("matchExpressions") or [] for value in one["values"]})
    kept = spec.get("persistentVolumeReclaimPolicy", "")
    good = phase == "Bound" and path.startswith(f"{storage_dir}/") and on == [node] and kept == "Retain"
    return topic.row(
        f"the volume of {name} lies on the data disk",
        command,
        f"Bound, {storage_dir}/…, {node}, Retain",
        f"{phase}, {path}, {', '.join(on) or 'any node'}, {kept}",
        good,
        "Run site.yml with the tag cluster; a claim that was bound elsewhere must be removed by hand first.",
    )


def query_rows(answers: Sequence[tuple[str, Found | str]], components: tuple[str, ...]) -> list[Row]:
    """Each query of an hour finds lines, newest first. An answer that is text is the reason why there is none."""
    rows = []
    for query, found in answers:
        needed = ("alloy", "llama_cpp") if '"llm"' in query else ("alloy",)  # a collector, and a server that writes
        topic = Topic.needing(SECTION, needed, components)
        if isinstance(found, str):
            good, measured = False, found
        else:
            times = [int(line["timestamp"]) for line in found.lines]
            good = bool(times) and times == sorted(times, reverse=True)
            measured = f"{len(times)} lines in {found.seconds * 1000:.0f} ms"
        command = f"/loki/api/v1/query_range with {query} over an hour"
        rows.append(topic.row(f"query {query}", command, "lines, newest first", measured, good, _ALLOY_STEP))
    return rows


def hot_query_row(seconds: Sequence[float], topic: Topic) -> Row:
    """The median of repeated one-hour queries, the tunnel's delay included."""
    measured = f"{median(seconds) * 1000:.0f} ms" if seconds else "no answer"
    good = bool(seconds) and median(seconds) < 0.5
    return topic.row("a hot one-hour query", f"{QUERIES[0]} over an hour", "< 500 ms", measured, good, _LOKI_STEP)


def retention_row(config: str, retention: str, topic: Topic) -> Row:
    """Loki itself says for how long it keeps lines, and that it removes older ones."""
    found = re.search(r"^\s*retention_period: *(\S+)", config, re.MULTILINE)
    removes = re.search(r"^\s*retention_enabled: *true", config, re.MULTILINE) is not None
    measured = f"{found[1] if found else 'nothing'}, {'older lines are removed' if removes else 'nothing is removed'}"
    good = bool(found) and removes and hours(found[1] if found else "") == hours(retention)
    return topic.row(
        "retention", "/config of Loki", f"{retention}, older lines are removed", measured, good, _LOKI_STEP
    )


def nonce_row(found: dict[str, Any] | None, waited_seconds: float, topic: Topic) -> Row:
    """A line that a pod has just written is found with every label."""
    labels = (found or {}).get("labels") or {}
    missing = [name for name in NONCE_LABELS if not labels.get(name)]
    if found is None:
        measured = f"not found after {waited_seconds:.0f} s"
    else:
        measured = f"after {waited_seconds:.0f} s" + (f", without {', '.join(missing)}" if missing else ", all labels")
    good = found is not None and not missing and waited_seconds <= 30
    return topic.row(
        "a line of a new pod is found",
        '{namespace="default"} |= "NONCE"',
        f"within 30 s, with {', '.join(NONCE_LABELS)}",
        measured,
        good,
        _ALLOY_STEP,
    )


def failed_nonce_row(reason: str, topic: Topic) -> Row:
    """The line could not even be looked for."""
    return topic.row(
        "a line of a new pod is found",
        '{namespace="default"} |= "NONCE"',
        "within 30 s",
        reason,
        good=False,
        next_step=_LOKI_STEP,
    )


def grafana_row(status: int, body: str, topic: Topic) -> Row:
    """Grafana answers on its Service."""
    try:
        version = str(json.loads(body).get("version", ""))
    except (ValueError, AttributeError):
        version = ""
    measured = f"{status} {version}".strip() if status else body[:200] or "no answer"
    return topic.row(
        "Grafana answers",
        "kubectl port-forward -n logging svc/grafana 3000:3000",
        "200",
        measured,
        status == 200,
        "Look at kubectl describe deployment grafana -n logging, and run site.yml with the tag grafana.",
    )


def hours(duration: str) -> float:
    """Hours of a duration as Loki spells it: 720h, 30d, 4w2d, 720h0m0s; -1 for what is none."""
    parts = re.findall(r"(\d+)(w|d|h|m|s)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        return -1
    unit_hours = {"w": 168.0, "d": 24.0, "h": 1.0, "m": 1 / 60, "s": 1 / 3600}
    return sum(int(number) * unit_hours[unit] for number, unit in parts)
