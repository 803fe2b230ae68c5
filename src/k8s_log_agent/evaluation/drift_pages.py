"""A drift report for people and for Prometheus: one page of HTML, metrics in the text format, a table."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from jinja2 import Environment, StrictUndefined

from k8s_log_agent.evaluation.drift import DriftReport

WORDS = {
    "category": "What goes wrong, by category",
    "severity": "Severity",
    "format": "Format of the lines",
    "length": "Length of the messages",
    "novel_signatures": "Statements never seen before",
    "cause": "Causes named",
    "unknown": "Answers “unknown”",
    "invalid": "Answers that could not be used",
    "confidence": "Confidence",
}
STATES = {"alert": "alert", "drifting": "drifting", "steady": "steady", "too_few": "too few to tell"}
_COLUMNS = "{:<34} {:<16} {:>9} {:>6} {:>10} {:>9} {:>7}"


def prometheus(report: DriftReport) -> str:
    """The text format of Prometheus; names and labels are fixed, none comes from a log."""
    return "\n".join(_exposed(report)) + "\n"


def table(report: DriftReport) -> str:
    """The metrics for a terminal."""
    lines = [_COLUMNS.format("", "state", "distance", "bound", "p", "of", "against")]
    for one in report.metrics:
        state = f"{STATES[one.state]} ({one.lasted})" if one.state == "drifting" else STATES[one.state]
        found = f"{one.distance:.3f}", f"{one.bound:g}", f"{one.corrected:.2g}", one.current_count, one.reference_count
        lines.append(_COLUMNS.format(WORDS[one.name], state, *found))
    return "\n".join(lines)


def page(report: DriftReport) -> str:
    """One page of HTML without anything from elsewhere."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = resources.files(__package__).joinpath("templates", "drift.html.j2").read_text(encoding="utf-8")
    scale = max([1e-9, *(max(one.distance, one.bound) for one in report.metrics)])
    return environment.from_string(source).render(report=report, words=WORDS, states=STATES, scale=scale) + "\n"


def _exposed(report: DriftReport) -> Iterator[str]:
    figures = (
        ("distance", "Distance of the current window from the reference.", lambda one: one.distance),
        ("p_value", "P-value after correction for all metrics.", lambda one: one.corrected),
        ("observations", "Observations of the current window.", lambda one: one.current_count),
        ("drifting_windows", "Windows in a row that drifted.", lambda one: one.lasted),
        ("alert", "1 when the drift has lasted long enough.", lambda one: int(one.state == "alert")),
    )
    for name, told, value in figures:
        yield f"# HELP k8s_log_agent_drift_{name} {told}"
        yield f"# TYPE k8s_log_agent_drift_{name} gauge"
        for one in sorted(report.metrics, key=lambda metric: metric.name):
            yield f'k8s_log_agent_drift_{name}{{metric="{one.name}",side="{one.side}"}} {value(one):g}'
