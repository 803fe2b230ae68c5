"""How often a field is right."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_log_agent.evaluation.intervals import Interval, Rate, clustered
from k8s_log_agent.evaluation.outcomes import FIELDS, Outcome, scored
from k8s_log_agent.records import Record


class FieldAccuracy(Record):
    """`rate` with Wilson's interval; `grouped` is the interval when repeats of one thing count as one."""

    rate: Rate
    grouped: Interval | None


def accuracy(outcomes: Sequence[Outcome], field: str, seed: int) -> FieldAccuracy:
    """Of one field over the scored outcomes; invalid answers are wrong."""
    counted = scored(outcomes)
    trials = [outcome.right(field) for outcome in counted]
    return FieldAccuracy(
        rate=Rate.of_trials(trials), grouped=clustered([one.group for one in counted], trials, seed) if trials else None
    )


def exact(outcomes: Sequence[Outcome]) -> Rate:
    """How often every field is right at once."""
    return Rate.of_trials([all(outcome.right(field) for field in FIELDS) for outcome in scored(outcomes)])
