"""How far an answer can be trusted: 0..1, from what supports it, never from a model's word for itself.

confidence = (0.5 · support + 0.2 · grounding + 0.3 · agreement) / (the weights of the parts that are known)

- support: for a cause, its rules' score times (1 + lead) / 2, where lead is how far it is ahead of the best other
  candidate (0 when it is behind); for `unknown`, 1 minus the best candidate's score, at most 0.5, since silence proves
  little.
- grounding: the share of cited lines on which a rule or the severity (WARN or worse) sees trouble, a line that carries
  the chosen cause counting 1 and any other troubled line 0.5.
- agreement: the share of the neighbours' similarity (negative ones count 0) that belongs to neighbours of this cause;
  unknown when there are no neighbours.

The weights are a convention, not a fit; calibration on a validation split is left to the evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8s_log_agent.records import Event, EvidenceLine, Severity
from k8s_log_agent.retrieval.retriever import Neighbour
from k8s_log_agent.triage.opinions import UNKNOWN, Candidate

SUPPORT, GROUNDING, AGREEMENT = 0.5, 0.2, 0.3


def confidence(
    cause: str,
    candidates: Sequence[Candidate],
    cited: Sequence[EvidenceLine],
    events: Sequence[Event],
    neighbours: Sequence[Neighbour],
) -> float:
    """The formula above, rounded to 3 digits."""
    parts = [(SUPPORT, support(cause, candidates)), (GROUNDING, grounding(cause, cited, events))]
    if neighbours:
        parts.append((AGREEMENT, agreement(cause, neighbours)))
    return round(sum(weight * value for weight, value in parts) / sum(weight for weight, _ in parts), 3)


def support(cause: str, candidates: Sequence[Candidate]) -> float:
    """What the rules say for a cause."""
    scores = {candidate.code: candidate.score for candidate in candidates}
    if cause == UNKNOWN:
        return min(0.5, 1 - max(scores.values(), default=0.0))
    own = scores.get(cause, 0.0)
    lead = max(0.0, own - max((score for code, score in scores.items() if code != cause), default=0.0))
    return own * (1 + lead) / 2


def grounding(cause: str, cited: Sequence[EvidenceLine], events: Sequence[Event]) -> float:
    """How much of what is cited shows trouble."""
    if not cited:
        return 0.0
    by_place = {(event.source, number): event for event in events for number in event.lines}
    return sum(_troubled(cause, line, by_place.get((line.source, line.line))) for line in cited) / len(cited)


def agreement(cause: str, neighbours: Sequence[Neighbour]) -> float:
    """How far labelled records that look alike have this cause."""
    weights = [max(0.0, neighbour.score) for neighbour in neighbours]
    same = sum(weight for weight, neighbour in zip(weights, neighbours, strict=True) if neighbour.cause == cause)
    return same / sum(weights) if sum(weights) else 0.0


def _troubled(cause: str, line: EvidenceLine, event: Event | None) -> float:
    if event is None:
        return 0.0
    if any(hint.code == cause and line.line in (hint.line, event.lines[0]) for hint in event.causes):
        return 1.0
    return 0.5 if event.causes or event.severity.rank >= Severity.WARN.rank else 0.0
