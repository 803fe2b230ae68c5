"""The scores of the last evaluation as its page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from k8s_log_agent.evaluation.calibration import ReliabilityBin
from k8s_log_agent.evaluation.confusion import Mistake
from k8s_log_agent.evaluation.plots import IntervalRow, interval_row
from k8s_log_agent.evaluation.report_words import (
    METHOD_NAMES,
    PART_NAMES,
    PART_NOTES,
    alarms,
    confidence,
    headline,
    model_worth,
    percent,
    shown_methods,
    silence,
)
from k8s_log_agent.evaluation.results import Evaluation
from k8s_log_agent.evaluation.scores import TRIAGE, PartScores

SIDE = 200  # user units of the square of the reliability diagram
LARGEST, SMALLEST = 9.0, 3.0  # radius of a dot


@dataclass(frozen=True, slots=True)
class Dot:
    """A group of verdicts in the diagram; `low` and `high` are the ends of its interval."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    words: str


@dataclass(frozen=True, slots=True)
class Reliability:
    """The diagram, and the same in a sentence."""

    dots: tuple[Dot, ...]
    words: str


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of the evaluation."""

    key: str
    title: str
    note: str
    cases: int
    failures: int
    causes: int
    cause: tuple[IntervalRow, ...]
    severity: tuple[IntervalRow, ...]
    sentences: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    reliability: Reliability | None


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """The page. `written` says when the figures were made, as far as that is known."""

    headline: str
    parts: tuple[PartView, ...]
    made_with: tuple[tuple[str, str], ...]
    written: str


def evaluation_view(evaluation: Evaluation, written: str) -> EvaluationView:
    """All parts, in the order of the file."""
    return EvaluationView(
        headline=headline(evaluation),
        parts=tuple(_part(part, evaluation) for part in evaluation.parts),
        made_with=tuple(sorted(evaluation.made_with.items())),
        written=written,
    )


def _part(scores: PartScores, evaluation: Evaluation) -> PartView:
    rows = {
        field: tuple(
            interval_row(METHOD_NAMES[one.method], one.accuracy[field].rate, strong=one.method == TRIAGE)
            for one in shown_methods(scores)
        )
        for field in ("cause", "severity")
    }
    found = model_worth(scores), alarms(scores), confidence(scores), silence(evaluation, scores)
    return PartView(
        key=scores.part,
        title=PART_NAMES[scores.part],
        note=PART_NOTES[scores.part],
        cases=scores.cases,
        failures=scores.failures,
        causes=scores.causes,
        cause=rows["cause"],
        severity=rows["severity"],
        sentences=tuple(sentence for sentence in found if sentence),
        mistakes=scores.cause_mistakes,
        reliability=_reliability(scores.calibration.bins),
    )


def _reliability(bins: tuple[ReliabilityBin, ...]) -> Reliability | None:
    dots = tuple(_dots(bins))
    return Reliability(dots, "; ".join(dot.words for dot in dots)) if dots else None


def _dots(bins: tuple[ReliabilityBin, ...]) -> Iterator[Dot]:
    most = max((one.right.of for one in bins), default=0)
    for one in bins:
        rate = one.right
        if rate.value is None or rate.interval is None:
            continue
        words = f"{rate.of} verdicts of {percent(one.mean_confidence)} confidence, {percent(rate.value)} right"
        radius = max(SMALLEST, LARGEST * sqrt(rate.of / most))
        ends = _up(rate.interval.low), _up(rate.interval.high)
        yield Dot(round(one.mean_confidence * SIDE, 1), _up(rate.value), *ends, round(radius, 1), words)


def _up(share: float) -> float:
    return round((1 - share) * SIDE, 1)
