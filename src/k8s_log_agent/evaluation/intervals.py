"""Intervals of 95 % for rates: Wilson for independent trials, a bootstrap over groups where trials are repeats."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from k8s_log_agent.records import Record

Z = 1.959963984540054  # the normal quantile of a two-sided 95 %
REPETITIONS = 2000


class Interval(Record):
    """Both ends included, in the unit of the figure it belongs to."""

    low: float
    high: float


class Rate(Record):
    """`right` of `of` trials; `value` is None when there were none. `interval` is Wilson's."""

    right: int
    of: int
    value: float | None
    interval: Interval | None

    @classmethod
    def of_counts(cls, right: int, of: int) -> Rate:
        """Raises ValueError unless 0 <= right <= of."""
        if not 0 <= right <= of:
            raise ValueError(f"{right} of {of} is no rate")
        if of == 0:
            return cls(right=0, of=0, value=None, interval=None)
        return cls(right=right, of=of, value=rounded(right / of), interval=wilson(right, of))

    @classmethod
    def of_trials(cls, trials: Sequence[bool]) -> Rate:
        """Of single trials."""
        return cls.of_counts(sum(trials), len(trials))


def rounded(value: float) -> float:
    """Six digits: enough for any figure here, and the same on every machine."""
    return round(float(value), 6)


def wilson(right: int, of: int) -> Interval:
    """Wilson's score interval (E. B. Wilson, 1927) of `right` successes in `of` > 0 trials."""
    share = right / of
    denominator = 1 + Z**2 / of
    centre = (share + Z**2 / (2 * of)) / denominator
    half = Z * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2)) / denominator
    return Interval(low=rounded(max(0.0, centre - half)), high=rounded(min(1.0, centre + half)))


def group_weights(groups: Sequence[str], seed: int, repetitions: int = REPETITIONS) -> NDArray[np.float64]:
    """How often each distinct group, in sorted order, is drawn in each repetition: repetitions x groups."""
    distinct = len(set(groups))
    draws = np.random.default_rng(seed).multinomial(distinct, [1 / distinct] * distinct, size=repetitions)
    return draws.astype(np.float64)


def sums_by_group(groups: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows of `values` (trials x anything) added up within each group, groups in sorted order."""
    order = {group: index for index, group in enumerate(sorted(set(groups)))}
    sums = np.zeros((len(order), *values.shape[1:]))
    np.add.at(sums, [order[group] for group in groups], values)
    return sums


def percentiles(samples: NDArray[np.float64]) -> Interval:
    """The middle 95 % of bootstrap samples."""
    low, high = np.percentile(samples, [2.5, 97.5])
    return Interval(low=rounded(low), high=rounded(high))


def clustered(groups: Sequence[str], values: Sequence[float], seed: int) -> Interval | None:
    """Interval of the mean of `values` when whole groups are drawn anew; None for fewer than two groups."""
    if len(set(groups)) < 2:
        return None
    pairs = np.stack([np.asarray(values, dtype=np.float64), np.ones(len(values))], axis=1)
    totals = group_weights(groups, seed) @ sums_by_group(groups, pairs)
    return percentiles(totals[:, 0] / totals[:, 1])
