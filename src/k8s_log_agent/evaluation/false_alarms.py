"""How often a window in which nothing was wrong would have called someone."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_log_agent.evaluation.intervals import Rate
from k8s_log_agent.evaluation.outcomes import NoAnswer, Outcome, scored


def false_alarms(outcomes: Sequence[Outcome]) -> Rate:
    """Share of alarms among the cases without a failure; an invalid answer is one."""
    quiet = [one for one in scored(outcomes) if not one.truth.is_failure]
    return Rate.of_trials([isinstance(one.answer, NoAnswer) or one.answer.alarms for one in quiet])
