"""The rules' opinion on a window: ranked candidates, filled up from labelled neighbours, and whether it is sure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from k8s_log_agent.records import Category, Event, Severity
from k8s_log_agent.retrieval.retriever import Neighbour
from k8s_log_agent.triage.evidence import lines_for
from k8s_log_agent.triage.opinions import NO_CAUSE, UNKNOWN, Candidate, RuleOpinion
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.ranking import RankedCause, rank_causes

MOST_CANDIDATES = 3
_PASSING = (Category.NETWORK, Category.DEPENDENCY)
_WEAK = 0.5
_FAINT = 0.3
_FEW = 2
_MANY = 10
_NEIGHBOUR_WORTH = 0.4  # the score of a cause that every neighbour has and no rule proposes: never sure by itself


@dataclass(frozen=True, slots=True)
class Sureness:
    """When the rules decide alone: at least this score of the best candidate, and this lead over the second.

    The defaults come from the training recordings: above them the best candidate was right in all but a few windows.
    """

    score: float = 0.5
    margin: float = 0.05
    floor: float = 0.3  # below it the rules say `unknown`
    symptom: float = 0.9  # the floor where nothing but symptoms speaks for a cause
    similarity: float = 0.5  # neighbours less alike than this propose nothing


def rule_candidates(events: Sequence[Event], table: CauseTable) -> list[Candidate]:
    """Up to three causes that the rules propose for these events, the likeliest first."""
    return [
        Candidate(
            code=ranked.code,
            score=min(1.0, ranked.score),
            reason=f"rule {_rule_of(ranked)}",
            evidence=lines_for(events, ranked.code),
            symptom=_only_symptoms(ranked.code, events, table),
        )
        for ranked in rank_causes(events, table)[:MOST_CANDIDATES]
    ]


def lasting(candidates: Sequence[Candidate], events: Sequence[Event], table: CauseTable) -> list[Candidate]:
    """The candidates without what passed by itself: a call that failed once or twice, and was tried again.

    That is, in a window without any ERROR, a cause of the categories network or dependency which one or two events
    speak of, or a few weak hints; and any cause that hardly anything speaks of.
    """
    if any(event.severity.rank >= Severity.ERROR.rank for event in events):
        return list(candidates)
    counts = Counter(hint.code for event in events for hint in event.causes)
    return [one for one in candidates if one.score >= _FAINT and not _passed(one, counts[one.code], table)]


def _passed(candidate: Candidate, count: int, table: CauseTable) -> bool:
    if table.cause(candidate.code).category not in _PASSING:
        return False
    return count <= _FEW or (candidate.score < _WEAK and count < _MANY)


def _only_symptoms(code: str, events: Sequence[Event], table: CauseTable) -> bool:
    return all(table.is_symptom(hint) for event in events for hint in event.causes if hint.code == code)


def _rule_of(ranked: RankedCause) -> str:
    return next(hint.rule for hint in ranked.evidence[0].causes if hint.code == ranked.code)


def rule_opinion(
    candidates: Sequence[Candidate], neighbours: Sequence[Neighbour], table: CauseTable, sureness: Sureness
) -> RuleOpinion:
    """The candidates, with causes of neighbours behind them up to three, and what the rules make of their own ones."""
    scores = [candidate.score for candidate in candidates]
    top = scores[0] if scores else 0.0
    margin = top - (scores[1] if len(scores) > 1 else 0.0)
    floor = sureness.symptom if candidates and candidates[0].symptom else sureness.floor
    return RuleOpinion(
        candidates=(*candidates, *_from_neighbours(candidates, neighbours, table, sureness)),
        cause=candidates[0].code if top >= floor else UNKNOWN,
        margin=round(margin, 3),
        sure=top >= max(sureness.score, floor) and margin >= sureness.margin,
    )


def _from_neighbours(
    candidates: Sequence[Candidate], neighbours: Sequence[Neighbour], table: CauseTable, sureness: Sureness
) -> list[Candidate]:
    alike = [neighbour for neighbour in neighbours if neighbour.score >= sureness.similarity]
    total = sum(neighbour.score for neighbour in alike)
    shares: dict[str, float] = {}
    for neighbour in alike:
        shares[neighbour.cause] = shares.get(neighbour.cause, 0.0) + neighbour.score / total
    known = {candidate.code for candidate in candidates} | {UNKNOWN, NO_CAUSE}
    fresh = sorted(
        (code for code in shares if code not in known and code in table.codes), key=lambda code: -shares[code]
    )
    return [
        Candidate(code, round(_NEIGHBOUR_WORTH * shares[code], 3), "similar labelled records")
        for code in fresh[: max(0, MOST_CANDIDATES - len(candidates))]
    ]
