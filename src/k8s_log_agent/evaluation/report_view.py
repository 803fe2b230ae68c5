"""Turns the results into what the report's template shows: plot rows, tables, sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from k8s_log_agent.evaluation.confusion import Confusion
from k8s_log_agent.evaluation.plots import BarRow, IntervalRow, SampleRow, bar_rows, interval_row, number, sample_row
from k8s_log_agent.evaluation.report_words import (
    DECIDER_NAMES,
    METHOD_NAMES,
    PART_NAMES,
    PART_NOTES,
    alarms,
    confidence,
    headline,
    interval_text,
    model_worth,
    percent,
    shown_methods,
    silence,
)
from k8s_log_agent.evaluation.results import Evaluation, Incident, Triaged, TriageTimings
from k8s_log_agent.evaluation.scores import TRIAGE, MethodScores, PartScores
from k8s_log_agent.evaluation.summary import DatasetCounts, Summary, Throughput
from k8s_log_agent.records import GOLDEN_SEVERITIES

MOST_BARS = 14


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a confusion matrix; `shade` is 0 to 1 of its row, `right` on the diagonal."""

    count: int
    shade: float
    right: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix for the page."""

    title: str
    answers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of the evaluation on the page."""

    key: str
    title: str
    note: str
    scores: PartScores
    cause: tuple[IntervalRow, ...]
    severity: tuple[IntervalRow, ...]
    methods: tuple[tuple[str, MethodScores], ...]
    deciders: tuple[tuple[str, int, str], ...]
    worth: str
    alarms: str
    confidence: str
    silence: str
    matrices: tuple[Matrix, ...]


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the few figures at the top."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class View:
    """The whole page."""

    summary: Summary
    headline: str
    figures: tuple[KeyFigure, ...]
    parts: tuple[PartView, ...]
    incidents: tuple[Incident, ...]
    severities: tuple[BarRow, ...]
    categories: tuple[BarRow, ...]
    throughput: tuple[SampleRow, ...]
    noise: tuple[BarRow, ...]
    drops: tuple[BarRow, ...]
    stages: tuple[BarRow, ...]
    steps: tuple[BarRow, ...]


def view(
    summary: Summary, evaluation: Evaluation | None, triaged: Triaged | None, timings: TriageTimings | None
) -> View:
    """What was not made in this run is left empty; the template says so."""
    lines = summary.lines
    return View(
        summary=summary,
        headline=headline(evaluation) if evaluation else "The platform is up; triage has not been scored yet.",
        figures=tuple(_figures(evaluation, summary.throughput)),
        parts=tuple(_part(part, evaluation) for part in evaluation.parts) if evaluation else (),
        incidents=triaged.incidents if triaged else (),
        severities=_severities(summary.datasets, summary.target),
        categories=_categories(summary.datasets),
        throughput=_throughput(summary.throughput) if summary.throughput else (),
        noise=_most(lines.noise, "lines") if lines else (),
        drops=_most(_all_drops(summary), "dropped"),
        stages=_most(summary.seconds_by_stage, "seconds", unit=" s", ranked=False),
        steps=_most(timings.seconds, "seconds", unit=" s") if timings else (),
    )


def _figures(evaluation: Evaluation | None, throughput: Throughput | None) -> Iterator[KeyFigure]:
    held_out = evaluation.part("held_out") if evaluation else None
    if held_out:
        shipped = held_out.method(TRIAGE)
        for field, label in (
            ("cause", "Cause right, held-out faults"),
            ("severity", "Severity right, held-out faults"),
        ):
            rate = shipped.accuracy[field].rate
            yield KeyFigure(label, percent(rate.value), f"{rate.right} of {rate.of}, {interval_text(rate.interval)}")
        cited, quiet = shipped.evidence.precision, shipped.false_alarms
        if cited.of:
            note = f"{cited.right} of {cited.of}; {percent(shipped.evidence.recall.value)} of those lines are cited"
            yield KeyFigure("Cited lines that state the cause", percent(cited.value), note)
        if quiet.of:
            note = f"{quiet.right} of {quiet.of}, {interval_text(quiet.interval)}"
            yield KeyFigure("Healthy windows that raised an alarm", percent(quiet.value), note)
    if throughput:
        speed = throughput.generation_tokens_per_second
        note = f"tokens/s, {number(speed.minimum)} to {number(speed.maximum)}"
        yield KeyFigure("The model writes", number(speed.median), note)


def _part(scores: PartScores, evaluation: Evaluation) -> PartView:
    methods = shown_methods(scores)
    fields = {
        field: tuple(
            interval_row(_label(one), one.accuracy[field].rate, strong=one.method == TRIAGE)
            for one in shown_methods(scores)
        )
        for field in ("cause", "severity")
    }
    return PartView(
        key=scores.part,
        title=PART_NAMES[scores.part],
        note=PART_NOTES[scores.part],
        scores=scores,
        cause=fields["cause"],
        severity=fields["severity"],
        methods=tuple((METHOD_NAMES[one.method], one) for one in methods),
        deciders=tuple(
            (DECIDER_NAMES[name], count, _share(scores, name)) for name, count in scores.deciders.items() if count
        ),
        worth=model_worth(scores),
        alarms=alarms(scores),
        confidence=confidence(scores),
        silence=silence(evaluation, scores),
        matrices=tuple(
            _matrix(name.capitalize(), matrix) for name, matrix in sorted(scores.confusions.items(), reverse=True)
        ),
    )


def _label(method: MethodScores) -> str:
    """The method's name, and on how many cases it was judged when these are not all."""
    name = METHOD_NAMES[method.method]
    return f"{name}, {method.accuracy['cause'].rate.of} cases" if method.unscored else name


def _share(scores: PartScores, decider: str) -> str:
    rate = scores.right_by_decider.get(decider)
    return f"{rate.right} of {rate.of} causes right, {percent(rate.value)}" if rate and rate.of else "none scored"


def _matrix(title: str, found: Confusion) -> Matrix:
    rows = []
    for truth, counts in zip(found.truths, found.counts, strict=True):
        total = sum(counts) or 1
        cells = (
            Cell(count, round(count / total, 3), answer == truth)
            for answer, count in zip(found.answers, counts, strict=True)
        )
        rows.append((truth, tuple(cells)))
    return Matrix(title, found.answers, tuple(rows))


def _severities(datasets: Mapping[str, DatasetCounts], target: Mapping[str, int]) -> tuple[BarRow, ...]:
    combined = datasets.get("combined")
    if combined is None:
        return ()
    rows = {level.value: {level.value: combined.severity.get(level.value, 0)} for level in GOLDEN_SEVERITIES}
    return bar_rows(rows, targets={level: float(count) for level, count in target.items()})


def _categories(datasets: Mapping[str, DatasetCounts]) -> tuple[BarRow, ...]:
    parts = {name: datasets[name].category for name in ("real", "synthetic") if name in datasets}
    names = sorted({category for counts in parts.values() for category in counts})
    return bar_rows({category: {name: counts.get(category, 0) for name, counts in parts.items()} for category in names})


def _throughput(measured: Throughput) -> tuple[SampleRow, ...]:
    figures = (
        ("Reading the prompt", measured.prompt_tokens_per_second, "tokens/s"),
        ("Writing, one answer", measured.generation_tokens_per_second, "tokens/s"),
        ("Writing, all slots together", measured.parallel_generation_tokens_per_second, "tokens/s"),
        ("Until the first token", measured.time_to_first_token_ms, "ms"),
    )
    return tuple(
        sample_row(label, one.samples, one.median, unit, scale_end=one.maximum * 1.1) for label, one, unit in figures
    )


def _all_drops(summary: Summary) -> dict[str, int]:
    """Without the noise, which has a plot of its own. A rule of two data sets counts where it dropped more."""
    drops = dict(summary.lines.dropped) if summary.lines else {}
    for counts in summary.datasets.values():
        for rule, count in counts.drops.items():
            drops[rule] = max(drops.get(rule, 0), count)
    return {rule: count for rule, count in drops.items() if not rule.startswith("noise")}


def _most(counts: Mapping[str, float], kind: str, *, unit: str = "", ranked: bool = True) -> tuple[BarRow, ...]:
    """One bar each, the largest first; what is beyond the longest list that one reads is one bar together."""
    items = [(name, count) for name, count in counts.items() if count]
    if ranked:
        items.sort(key=lambda item: (-item[1], item[0]))
    shown, rest = items[:MOST_BARS], items[MOST_BARS:]
    if rest:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest)))
    return bar_rows({name: {kind: count} for name, count in shown}, unit=unit)
