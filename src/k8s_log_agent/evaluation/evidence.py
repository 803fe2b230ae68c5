"""Whether the cited lines are the ones that state the cause."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from k8s_log_agent.evaluation.intervals import Interval, Rate, group_weights, percentiles, sums_by_group
from k8s_log_agent.evaluation.outcomes import LinePlace, NoAnswer, Outcome, scored
from k8s_log_agent.records import Record


class EvidenceScores(Record):
    """Over lines: `precision` of the cited ones and `recall` of those that state the cause; over cases: `found`.

    `found` is the share with at least one right line. The grouped intervals count repeats of one thing as one.
    """

    precision: Rate
    precision_grouped: Interval | None
    recall: Rate
    recall_grouped: Interval | None
    found: Rate


def evidence(outcomes: Sequence[Outcome], seed: int) -> EvidenceScores:
    """Of the scored outcomes whose truth names lines."""
    counted = [one for one in scored(outcomes) if one.truth.evidence]
    groups = [one.group for one in counted]
    shared = [len(_cited(one) & one.truth.evidence) for one in counted]
    cited = [len(_cited(one)) for one in counted]
    stated = [len(one.truth.evidence) for one in counted]
    return EvidenceScores(
        precision=Rate.of_counts(sum(shared), sum(cited)),
        precision_grouped=_grouped(groups, shared, cited, seed),
        recall=Rate.of_counts(sum(shared), sum(stated)),
        recall_grouped=_grouped(groups, shared, stated, seed),
        found=Rate.of_trials([count > 0 for count in shared]),
    )


def _cited(outcome: Outcome) -> frozenset[LinePlace]:
    return frozenset() if isinstance(outcome.answer, NoAnswer) else outcome.answer.evidence


def _grouped(groups: Sequence[str], part: Sequence[int], whole: Sequence[int], seed: int) -> Interval | None:
    """Interval of sum(part) / sum(whole) over drawn groups; draws without any line are left out."""
    if len(set(groups)) < 2 or not sum(whole):
        return None
    pairs = np.stack([np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)], axis=1)
    totals = group_weights(groups, seed) @ sums_by_group(groups, pairs)
    usable = totals[totals[:, 1] > 0]
    return percentiles(usable[:, 0] / usable[:, 1])
