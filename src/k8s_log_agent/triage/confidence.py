"""How far an answer can be trusted: 0..1, from what supports it, never from a model's word for itself.

strength = support · specificity · (1 + grounding) / 2, which `calibration.py` turns into the share of verdicts of that
strength that were right on programs whose own rules had been taken away.

- support: the rules' score of the cause times (1 + lead) / 2, where lead is how far it is ahead of the best other
  candidate (0 when it is behind).
- specificity: 1, or 0.6 where nothing but symptoms speaks for the cause.
- grounding: the share of cited lines on which a rule or the severity (WARN or worse) sees trouble, a line that carries
  the chosen cause counting 1 and any other troubled line 0.5.

What labelled neighbours say is left out: verdicts that they agreed with were right as often as others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from k8s_log_agent.records import Event, EvidenceLine, Severity
from k8s_log_agent.triage.calibration import Calibration, Decider
from k8s_log_agent.triage.opinions import NO_CAUSE, UNKNOWN, Candidate

SYMPTOM_ONLY = 0.6


def confidence(
    decided_by: Literal["rule", "memory", "model", "none"], cause: str, measured: float, curves: Calibration
) -> float:
    """The chance that `cause` is right, when its verdict of the strength `measured` came about like this."""
    return curves.probability(way(decided_by, cause), measured)


def way(decided_by: Literal["rule", "memory", "model", "none"], cause: str) -> Decider:
    """Which curve a verdict belongs to."""
    if cause == UNKNOWN:
        return "unknown"
    return "none" if cause == NO_CAUSE else decided_by


def strength(
    cause: str, candidates: Sequence[Candidate], cited: Sequence[EvidenceLine], events: Sequence[Event]
) -> float:
    """The formula above, rounded to 3 digits."""
    symptoms = any(candidate.symptom for candidate in candidates if candidate.code == cause)
    specificity = SYMPTOM_ONLY if symptoms else 1.0
    return round(support(cause, candidates) * specificity * (1 + grounding(cause, cited, events)) / 2, 3)


def support(cause: str, candidates: Sequence[Candidate]) -> float:
    """What the rules say for a cause."""
    scores = {candidate.code: candidate.score for candidate in candidates}
    own = scores.get(cause, 0.0)
    lead = max(0.0, own - max((score for code, score in scores.items() if code != cause), default=0.0))
    return own * (1 + lead) / 2


def grounding(cause: str, cited: Sequence[EvidenceLine], events: Sequence[Event]) -> float:
    """How much of what is cited shows trouble."""
    if not cited:
        return 0.0
    by_place = {(event.source, number): event for event in events for number in event.lines}
    return sum(_troubled(cause, line, by_place.get((line.source, line.line))) for line in cited) / len(cited)


def _troubled(cause: str, line: EvidenceLine, event: Event | None) -> float:
    if event is None:
        return 0.0
    if any(hint.code == cause and line.line in (hint.line, event.lines[0]) for hint in event.causes):
        return 1.0
    return 0.5 if event.causes or event.severity.rank >= Severity.WARN.rank else 0.0
