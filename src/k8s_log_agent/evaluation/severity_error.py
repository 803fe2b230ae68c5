"""How far a severity is off: calling an outage INFO is worse than calling it ERROR."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_log_agent.evaluation.intervals import Interval, Rate, clustered, rounded
from k8s_log_agent.evaluation.outcomes import NoAnswer, Outcome, scored
from k8s_log_agent.records import GOLDEN_SEVERITIES, Record, Severity

LOWEST, HIGHEST = GOLDEN_SEVERITIES[0].rank, GOLDEN_SEVERITIES[-1].rank


class SeverityError(Record):
    """Distances in levels. `under_triage` is the share answered too low, the kind of error that nobody notices."""

    mean_absolute: float | None
    interval: Interval | None
    within_one: Rate
    under_triage: Rate


def severity_error(outcomes: Sequence[Outcome], seed: int) -> SeverityError:
    """An invalid or UNKNOWN severity is as far off as can be, and too low."""
    counted = scored(outcomes)
    distances = [_distance(one) for one in counted]
    sizes = [float(abs(distance)) for distance in distances]
    return SeverityError(
        mean_absolute=rounded(sum(sizes) / len(sizes)) if sizes else None,
        interval=clustered([one.group for one in counted], sizes, seed) if sizes else None,
        within_one=Rate.of_trials([size <= 1 for size in sizes]),
        under_triage=Rate.of_trials([distance < 0 for distance in distances]),
    )


def _distance(outcome: Outcome) -> int:
    truth = outcome.truth.severity.rank
    if isinstance(outcome.answer, NoAnswer) or outcome.answer.severity is Severity.UNKNOWN:
        return -max(truth - LOWEST, HIGHEST - truth)
    return max(outcome.answer.severity.rank, LOWEST) - truth
