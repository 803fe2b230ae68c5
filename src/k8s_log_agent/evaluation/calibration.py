"""Whether the confidence of a verdict says how often it is right."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_log_agent.evaluation.intervals import rounded
from k8s_log_agent.records import Record

BINS = 10


class Calibration(Record):
    """`brier`: mean squared distance of confidence and being right; `expected_error`: mean gap between both by bin.

    Both are 0 at best and 1 at worst, and None without verdicts.
    """

    verdicts: int
    brier: float | None
    expected_error: float | None


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
    )
