"""Geometry of the report's plots: what a row shows, in per cent of the plot's width. The templates draw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8s_log_agent.evaluation.intervals import Rate

WIDTH = 100.0


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A value with its interval on a scale of 0 to 1; `strong` is the one that the plot is about."""

    label: str
    value: float | None
    low: float
    high: float
    text: str
    strong: bool


@dataclass(frozen=True, slots=True)
class SampleRow:
    """Repeats of one measurement; all positions from zero to the right end of the scale."""

    label: str
    samples: tuple[float, ...]
    median: float
    text: str
    spread: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar; `kind` names its colour."""

    kind: str
    start: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class BarRow:
    """A bar of segments, and where its target lies if it has one."""

    label: str
    segments: tuple[Segment, ...]
    text: str
    target: float | None = None


def interval_row(label: str, rate: Rate, *, strong: bool = False) -> IntervalRow:
    """A rate for the plot; one of no trials has a text only."""
    if rate.value is None or rate.interval is None:
        return IntervalRow(label, None, 0, 0, "not asked", strong)
    low, high = rate.interval.low * WIDTH, rate.interval.high * WIDTH
    return IntervalRow(label, rate.value * WIDTH, low, high, f"{rate.value:.0%}".replace("%", " %"), strong)


def sample_row(label: str, samples: Sequence[float], median: float, unit: str, *, scale_end: float) -> SampleRow:
    """Repeats as positions on a scale from zero to `scale_end`."""
    places = tuple(_place(sample, scale_end) for sample in samples)
    spread = f"{number(min(samples))} to {number(max(samples))}"
    return SampleRow(label, places, _place(median, scale_end), f"{number(median)} {unit}", spread)


def bar_rows(
    rows: Mapping[str, Mapping[str, float]], *, targets: Mapping[str, float] | None = None, unit: str = ""
) -> tuple[BarRow, ...]:
    """Stacked bars on one scale: for each label its segments by kind, in the order given."""
    aims = targets or {}
    longest = max([*(sum(parts.values()) for parts in rows.values()), *aims.values(), 0]) or 1
    drawn = []
    for label, parts in rows.items():
        start, segments = 0.0, []
        for kind, amount in parts.items():
            width = _place(amount, longest)
            segments.append(Segment(kind, start, width, f"{number(amount)} {kind}"))
            start = round(start + width, 2)
        total = number(sum(parts.values()))
        target = aims.get(label)
        text = f"{total} of {number(target)}" if target is not None else f"{total}{unit}"
        drawn.append(BarRow(label, tuple(segments), text, None if target is None else _place(target, longest)))
    return tuple(drawn)


def number(value: float) -> str:
    """For people: three digits that count, thousands set apart."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _place(value: float, end: float) -> float:
    return round(value / end * WIDTH, 2) if end else 0.0
