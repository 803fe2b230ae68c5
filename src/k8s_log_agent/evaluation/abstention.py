"""How often a method says that it does not know, and how good it is when it does answer."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_log_agent.evaluation.intervals import Rate
from k8s_log_agent.evaluation.outcomes import NoAnswer, Outcome, scored
from k8s_log_agent.records import Record

UNKNOWN = "unknown"


class Abstention(Record):
    """`abstained`: cause `unknown`; `right_when_answered`: the cause among other answers; `invalid`: unreadable."""

    abstained: Rate
    right_when_answered: Rate
    invalid: Rate


def abstention(outcomes: Sequence[Outcome]) -> Abstention:
    """Of the scored outcomes. An invalid answer is neither an abstention nor right."""
    counted = scored(outcomes)
    unsure = [not isinstance(one.answer, NoAnswer) and one.answer.cause == UNKNOWN for one in counted]
    answered = [one for one, abstained in zip(counted, unsure, strict=True) if not abstained]
    return Abstention(
        abstained=Rate.of_trials(unsure),
        right_when_answered=Rate.of_trials([one.right("cause") for one in answered]),
        invalid=Rate.of_trials([one.answer is NoAnswer.INVALID for one in counted]),
    )
