"""Which answer was given for which truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from k8s_log_agent.evaluation.outcomes import NoAnswer, Outcome, scored
from k8s_log_agent.records import Record

INVALID = "(invalid)"


class Confusion(Record):
    """`counts[i][j]` cases whose truth is `truths[i]` were answered `answers[j]`."""

    truths: tuple[str, ...]
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Mistake(Record):
    """A wrong answer that was given `times`."""

    truth: str
    answer: str
    times: int


def confusion(outcomes: Sequence[Outcome], field: str, order: Sequence[str] = ()) -> Confusion:
    """Of one field; classes in `order` come first and in that order, the others by name."""
    pairs = Counter(_pairs(outcomes, field))
    truths = _ordered({truth for truth, _ in pairs}, order)
    answers = _ordered({answer for _, answer in pairs} | set(truths), order)
    counts = tuple(tuple(pairs[truth, answer] for answer in answers) for truth in truths)
    return Confusion(truths=truths, answers=answers, counts=counts)


def mistakes(outcomes: Sequence[Outcome], field: str, most: int) -> tuple[Mistake, ...]:
    """The wrong answers of one field, most frequent first."""
    wrong = Counter(pair for pair in _pairs(outcomes, field) if pair[0] != pair[1])
    ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Mistake(truth=truth, answer=answer, times=times) for (truth, answer), times in ranked[:most])


def _pairs(outcomes: Sequence[Outcome], field: str) -> list[tuple[str, str]]:
    return [
        (
            str(getattr(one.truth, field)),
            INVALID if isinstance(one.answer, NoAnswer) else str(getattr(one.answer, field)),
        )
        for one in scored(outcomes)
    ]


def _ordered(classes: set[str], order: Sequence[str]) -> tuple[str, ...]:
    ranks = {name: rank for rank, name in enumerate(order)}
    return tuple(sorted(classes, key=lambda name: (ranks.get(name, len(ranks)), name)))
