"""The scores as a table for a terminal."""

from __future__ import annotations

from k8s_log_agent.evaluation.intervals import Rate
from k8s_log_agent.evaluation.report_words import (
    METHOD_NAMES,
    PART_NAMES,
    confidence,
    model_worth,
    shown_methods,
    silence,
)
from k8s_log_agent.evaluation.results import Evaluation

COLUMNS = "{:<34} {:>17} {:>17} {:>17} {:>9} {:>9}"


def score_table(evaluation: Evaluation) -> str:
    """One block for each part: right in per cent with the 95 % interval, and precision and recall of the evidence."""
    lines: list[str] = []
    for part in evaluation.parts:
        lines += ["", f"{PART_NAMES[part.part]}: {part.cases} cases, {part.failures} failures, {part.causes} causes"]
        lines.append(COLUMNS.format("", "cause", "category", "severity", "evid. p", "evid. r"))
        for one in shown_methods(part):
            rates = (one.accuracy[field].rate for field in ("cause", "category", "severity"))
            plain = (one.evidence.precision, one.evidence.recall)
            name = METHOD_NAMES[one.method]
            lines.append(COLUMNS.format(name, *map(_with_interval, rates), *map(_plain, plain)).rstrip())
        lines += [text for text in (model_worth(part), confidence(part), silence(evaluation, part)) if text]
    return "\n".join(lines[1:])


def _with_interval(rate: Rate) -> str:
    if rate.value is None or rate.interval is None:
        return "not asked"
    return f"{rate.value * 100:.0f} % ({rate.interval.low * 100:.0f} to {rate.interval.high * 100:.0f})"


def _plain(rate: Rate) -> str:
    return "" if rate.value is None else f"{rate.value * 100:.0f} %"
