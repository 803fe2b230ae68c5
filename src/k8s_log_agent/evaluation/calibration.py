"""Whether the confidence of a verdict says how often it is right."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_log_agent.evaluation.intervals import Rate, rounded
from k8s_log_agent.records import Record

BINS = 10
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)


class ReliabilityBin(Record):
    """Verdicts whose confidence lies from `low` to `high`: its mean, beside the share that was right."""

    low: float
    high: float
    mean_confidence: float
    right: Rate


class Coverage(Record):
    """What is left when only verdicts of this confidence or more are believed: their share, and how many are right."""

    confidence: float
    covered: Rate
    right: Rate


class Calibration(Record):
    """`brier`: mean squared distance of confidence and being right; `expected_error`: mean gap between both by bin.

    Both are 0 at best and 1 at worst, and None without verdicts. `bins` without verdicts are left out.
    """

    verdicts: int
    brier: float | None
    expected_error: float | None
    bins: tuple[ReliabilityBin, ...] = ()
    coverage: tuple[Coverage, ...] = ()


def calibration(judged: Sequence[tuple[float, bool]]) -> Calibration:
    """Of (confidence 0..1, right) pairs; the gap is taken in ten bins of equal width, weighted by their size."""
    if not judged:
        return Calibration(verdicts=0, brier=None, expected_error=None)
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in judged:
        bins.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, right))
    gap = sum(abs(sum(confidence - right for confidence, right in one)) for one in bins.values())
    return Calibration(
        verdicts=len(judged),
        brier=rounded(sum((confidence - right) ** 2 for confidence, right in judged) / len(judged)),
        expected_error=rounded(gap / len(judged)),
        bins=tuple(_bin(place, bins[place]) for place in sorted(bins)),
        coverage=tuple(_coverage(threshold, judged) for threshold in THRESHOLDS),
    )


def _bin(place: int, judged: Sequence[tuple[float, bool]]) -> ReliabilityBin:
    return ReliabilityBin(
        low=place / BINS,
        high=(place + 1) / BINS,
        mean_confidence=rounded(sum(confidence for confidence, _ in judged) / len(judged)),
        right=Rate.of_trials([right for _, right in judged]),
    )


def _coverage(threshold: float, judged: Sequence[tuple[float, bool]]) -> Coverage:
    believed = [right for confidence, right in judged if confidence >= threshold]
    return Coverage(
        confidence=threshold,
        covered=Rate.of_counts(len(believed), len(judged)),
        right=Rate.of_trials(believed),
    )
