"""Macro-averaged F1: every class of the truth counts the same, however rare it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from k8s_log_agent.evaluation.intervals import Interval, group_weights, percentiles, rounded, sums_by_group
from k8s_log_agent.evaluation.outcomes import NoAnswer, Outcome, scored
from k8s_log_agent.records import Record


class MacroF1(Record):
    """`value` is None without outcomes. `interval` is drawn over groups; classes that a draw misses are left out."""

    value: float | None
    interval: Interval | None
    classes: int


def macro_f1(outcomes: Sequence[Outcome], field: str, seed: int) -> MacroF1:
    """F1 of `field`, averaged over the classes that occur in the truth."""
    counted = scored(outcomes)
    if not counted:
        return MacroF1(value=None, interval=None, classes=0)
    classes = sorted({str(getattr(one.truth, field)) for one in counted})
    tallies = np.stack([_tally(one, field, classes) for one in counted])
    value = float(_mean_f1(tallies.sum(axis=0, keepdims=True))[0])
    groups = [one.group for one in counted]
    interval = None
    if len(set(groups)) > 1:
        drawn = np.einsum("rg,gck->rck", group_weights(groups, seed), sums_by_group(groups, tallies))
        interval = percentiles(_mean_f1(drawn))
    return MacroF1(value=rounded(value), interval=interval, classes=len(classes))


def _tally(outcome: Outcome, field: str, classes: Sequence[str]) -> NDArray[np.float64]:
    """True positive, false positive, false negative of each class: classes x 3."""
    truth = str(getattr(outcome.truth, field))
    answer = None if isinstance(outcome.answer, NoAnswer) else str(getattr(outcome.answer, field))
    rows = [
        (name == truth == answer, name == answer and name != truth, name == truth and name != answer)
        for name in classes
    ]
    return np.asarray(rows, dtype=np.float64)


def _mean_f1(tallies: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over classes that are in the truth, for each repetition of repetitions x classes x 3."""
    hit, extra, missed = tallies[..., 0], tallies[..., 1], tallies[..., 2]
    present = hit + missed > 0
    total = 2 * hit + extra + missed
    each = np.where(present, 2 * hit / np.where(total > 0, total, 1), 0.0)
    mean: NDArray[np.float64] = each.sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)
    return mean
