"""Whether one method is better than another on the same cases, or only luckier."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

from k8s_log_agent.evaluation.intervals import Interval, clustered, rounded
from k8s_log_agent.evaluation.outcomes import NoAnswer, Outcome
from k8s_log_agent.records import Record


class Comparison(Record):
    """Of `first` against `second` on one field, over the `cases` that both were asked.

    `right` are the first's right answers; `gained` cases are right only in the first, `lost` only in the second. The
    `difference` of the accuracies comes with an interval over groups; `p_value` is McNemar's exact one and takes cases
    as independent, so it flatters repeats.
    """

    first: str
    second: str
    field: str
    cases: int
    right: int
    gained: int
    lost: int
    difference: float | None
    interval: Interval | None
    p_value: float

    @property
    def right_second(self) -> int:
        """The second's right answers."""
        return self.right - self.gained + self.lost

    @property
    def separate(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.interval is not None and (self.interval.low > 0 or self.interval.high < 0)


def compare(
    first: tuple[str, Sequence[Outcome]], second: tuple[str, Sequence[Outcome]], field: str, seed: int
) -> Comparison:
    """Pair the outcomes of two named methods by case."""
    others = {one.case: one for one in second[1] if one.answer is not NoAnswer.UNSCORED}
    pairs = [(one, others[one.case]) for one in first[1] if one.case in others]
    pairs = [(mine, its) for mine, its in pairs if mine.answer is not NoAnswer.UNSCORED]
    changes = [int(mine.right(field)) - int(its.right(field)) for mine, its in pairs]
    gained, lost = changes.count(1), changes.count(-1)
    return Comparison(
        first=first[0],
        second=second[0],
        field=field,
        cases=len(pairs),
        right=sum(mine.right(field) for mine, _ in pairs),
        gained=gained,
        lost=lost,
        difference=rounded(sum(changes) / len(changes)) if changes else None,
        interval=clustered([mine.group for mine, _ in pairs], changes, seed) if changes else None,
        p_value=mcnemar(gained, lost),
    )


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p-value of McNemar's test: the discordant pairs against a fair coin."""
    trials = gained + lost
    if trials == 0:
        return 1.0
    tail = sum(comb(trials, count) for count in range(min(gained, lost) + 1))
    return rounded(min(1.0, 2 * tail / 2**trials))
