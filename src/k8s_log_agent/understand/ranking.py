"""Orders what a window of events shows: which causes are likely, the likeliest first.

The first significant error is usually the cause and what follows it the consequences, so an early hint counts more, a
symptom less where a cause stands beside it, and repetition only a little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

from k8s_log_agent.records import CauseHint, Event, Severity
from k8s_log_agent.understand.causes import CauseTable

MOST_EVIDENCE = 3

_SEVERITY = {
    Severity.CRITICAL: 1.0,
    Severity.ERROR: 0.97,
    Severity.WARN: 0.85,
    Severity.INFO: 0.55,
    Severity.UNKNOWN: 0.75,
    Severity.DEBUG: 0.45,
}
_SYMPTOM = 0.5  # what is left of a symptom's score beside a cause
_RETRIED = 0.65  # what is left of a failure that the program tries again: it may have succeeded
_OVER = 0.55  # what is left of a cause that the program itself calls over
_SURE = 0.5  # a hint of this weight is enough of a cause to discount symptoms
_EARLY = 0.12  # most that being first adds
_REPEATED = 0.03  # what each doubling of the number of events adds, up to four

# Shells around another error: what the same statement says besides is the cause, and a warning was handled.
_SHELLS = frozenset(("unhandled_exception", "panic"))
_RETRY = re.compile(
    r"\bretry(?:ing)?\b|\bretries\b|\btry(?:ing)? again\b|\battempt\W{1,3}\d|\bback(?:ing)?[ -]?off\b", re.I
)


@dataclass(frozen=True, slots=True)
class RankedCause:
    """A cause with its score (about 0..1.3, comparable within a window only) and its best events, the surest first."""

    code: str
    score: float
    evidence: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class _Vote:
    """What one event says for a cause. `place` is its rank in time among the events with hints."""

    score: float
    event: Event
    symptom: bool
    place: int


def rank_causes(events: Iterable[Event], table: CauseTable | None = None) -> list[RankedCause]:
    """The causes that rules proposed for `events`, the likeliest first; ties go to the earliest. Noise is left out."""
    table = table or CauseTable.default()
    ordered = _in_time(events)
    hinted = [event for event in ordered if event.causes and event.noise_rule is None]
    votes: dict[str, list[_Vote]] = {}
    has_cause = False
    for place, event in enumerate(hinted):
        worth = _worth(event)
        for hint in event.causes:
            symptom = _is_symptom(hint, event, table)
            has_cause = has_cause or (hint.weight >= _SURE and not symptom)
            votes.setdefault(hint.code, []).append(_Vote(hint.weight * worth, event, symptom, place))
    over = _over(ordered, votes, table)
    ranked = [
        (
            _score(cast, len(hinted), has_cause=has_cause) * (_OVER if code in over else 1.0),
            cast[0].place,
            code,
            cast,
        )
        for code, cast in votes.items()
    ]
    ranked.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
    return [RankedCause(code, round(score, 4), _evidence(cast)) for score, _, code, cast in ranked]


def _in_time(events: Iterable[Event]) -> list[Event]:
    """Events by time, those without one where they stood."""
    last = 0
    keyed: list[tuple[int, Event]] = []
    for event in events:
        last = last if event.timestamp is None else event.timestamp
        keyed.append((last, event))
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]


def _over(ordered: Sequence[Event], votes: Mapping[str, Sequence[_Vote]], table: CauseTable) -> set[str]:
    """Codes that some later statement than their last one calls over."""
    last = {id(cast[-1].event): code for code, cast in votes.items()}
    if not last:
        return set()
    open_, over = set(votes), set[str]()
    for event in reversed(ordered):
        over.update(code for code in table.recoveries(event.message) if code in open_)
        if id(event) in last:
            open_ -= {code for code, cast in votes.items() if cast[-1].event is event}
        if not open_:
            break
    return over


def _worth(event: Event) -> float:
    """How much an event's hints count, by its severity and by whether it says that the act is tried again."""
    worth = _SEVERITY[event.severity]
    if event.severity.rank <= Severity.WARN.rank and _RETRY.search(event.message[:2000]):
        worth *= _RETRIED
    return worth


def _is_symptom(hint: CauseHint, event: Event, table: CauseTable) -> bool:
    if table.is_symptom(hint):
        return True
    if hint.code not in _SHELLS:
        return False
    if event.severity in (Severity.DEBUG, Severity.INFO, Severity.WARN):
        return True
    return any(
        other.code not in _SHELLS and other.weight >= _SURE and not table.is_symptom(other) for other in event.causes
    )


def _score(votes: Sequence[_Vote], places: int, *, has_cause: bool) -> float:
    best = max(vote.score * (_SYMPTOM if vote.symptom and has_cause else 1.0) for vote in votes)
    early = _EARLY * (1 - votes[0].place / places) if places > 1 else 0.0
    return best + best * (early + _REPEATED * min(log2(len(votes)), 4.0))


def _evidence(votes: Sequence[_Vote]) -> tuple[Event, ...]:
    """The surest events, at most one a signature, the earliest of each."""
    chosen: dict[str, Event] = {}
    for vote in sorted(votes, key=lambda vote: -vote.score):
        chosen.setdefault(vote.event.signature, vote.event)
    return tuple(chosen.values())[:MOST_EVIDENCE]


def _rank(severity: Severity) -> int:
    return severity.rank
