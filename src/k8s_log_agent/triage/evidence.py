"""From the events of a window to the few numbered lines that a question shows and an answer may cite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from k8s_log_agent.llm.hostile_text import visible
from k8s_log_agent.records import Event, EvidenceLine, Severity

MOST_EVIDENCE = 6
REPEATS = 3  # lines of one rule in one source: more of the same prove nothing
_NEARLY = 0.9  # of the surest line
_LOUDNESS = {Severity.CRITICAL: 1.0, Severity.ERROR: 0.95, Severity.WARN: 0.85}
_LOUDNESS |= dict.fromkeys((Severity.INFO, Severity.UNKNOWN, Severity.DEBUG), 0.7)
LONGEST_SHOWN = 220  # characters of a line in a verdict or a prompt


@dataclass(frozen=True, slots=True)
class SignatureGroup:
    """Events that say the same. `first` is the earliest one, `severity` the worst of all, `count` their number."""

    signature: str
    first: Event
    severity: Severity
    count: int
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a question: `index` from 1 is what an answer cites, `count` how often its signature came."""

    index: int
    count: int
    event: Event
    place: EvidenceLine


def speaking(events: Iterable[Event]) -> list[Event]:
    """The events that no noise rule marked, in the order given."""
    return [event for event in events if event.noise_rule is None]


def group_by_signature(events: Iterable[Event]) -> list[SignatureGroup]:
    """One group a signature, in the order of their first events."""
    first: dict[str, Event] = {}
    counts: dict[str, int] = {}
    worst: dict[str, Severity] = {}
    codes: dict[str, set[str]] = {}
    for event in events:
        key = event.signature
        first.setdefault(key, event)
        counts[key] = counts.get(key, 0) + 1
        worst[key] = max(worst.get(key, event.severity), event.severity, key=lambda severity: severity.rank)
        codes.setdefault(key, set()).update(hint.code for hint in event.causes)
    return [SignatureGroup(key, first[key], worst[key], counts[key], frozenset(codes[key])) for key in first]


def line_of(event: Event, number: int | None = None) -> EvidenceLine:
    """One physical line of an event with its place; its first line when `number` is None or not of this event."""
    index = event.lines.index(number) if number in event.lines else 0
    texts = event.text.splitlines() or [event.message]
    text = visible(texts[min(index, len(texts) - 1)][: 4 * LONGEST_SHOWN]).strip()
    return EvidenceLine(source=visible(event.source), line=event.lines[index] if event.lines else 1, text=_short(text))


def speaking_line(event: Event, codes: Collection[str] = ()) -> EvidenceLine:
    """The line of an event on which a rule found one of `codes`, else any cause, else its first line."""
    hints = [hint for hint in event.causes if hint.code in codes] or list(event.causes)
    return line_of(event, hints[0].line if hints else None)


def lines_for(events: Sequence[Event], code: str) -> tuple[EvidenceLine, ...]:
    """The lines that speak for a cause, in the order given: of each rule and source the first three, six in all.

    Lines that are clearly less sure than the surest one are left out, the line's severity considered.
    """
    hinted = [
        (hint.weight * _LOUDNESS[event.severity], hint, event)
        for event in events
        for hint in event.causes
        if hint.code == code
    ]
    surest = max((sure for sure, _, _ in hinted), default=0.0)
    seen: Counter[tuple[str, str]] = Counter()
    chosen: dict[EvidenceLine, None] = {}
    for sure, hint, event in hinted:
        key = hint.rule, event.source
        if sure >= _NEARLY * surest and seen[key] < REPEATS and len(chosen) < MOST_EVIDENCE:
            seen[key] += 1
            chosen[line_of(event, hint.line)] = None
    return tuple(chosen)


def statement(line: ShownLine) -> str:
    """What a line says: the message without its header, or the line itself where it stands further down in a trace."""
    first = line.event.lines[:1] == (line.place.line,)
    return line.event.message if first else line.place.text


def repeats_of(line: ShownLine, events: Sequence[Event]) -> tuple[EvidenceLine, ...]:
    """The line and the next ones of its signature, in the order given, three in all."""
    place = line.event.lines.index(line.place.line) if line.place.line in line.event.lines else 0
    same = [event for event in events if event.signature == line.event.signature][:REPEATS]
    return tuple(line_of(event, event.lines[min(place, len(event.lines) - 1)]) for event in same)


def choose_lines(groups: Sequence[SignatureGroup], codes: Sequence[str], most: int) -> list[ShownLine]:
    """The `most` lines most worth showing, in the order of the log: those that carry a candidate cause, then the worst.

    `codes` are the candidates, the likeliest first.
    """
    rank: Mapping[str, int] = {code: place for place, code in enumerate(codes)}

    def worth(place: int) -> tuple[int, int, int]:
        group = groups[place]
        best = min((rank[code] for code in group.codes if code in rank), default=len(rank))
        return best, -group.severity.rank, place

    kept = sorted(sorted(range(len(groups)), key=worth)[:most])
    return [
        ShownLine(index, groups[place].count, groups[place].first, speaking_line(groups[place].first, codes))
        for index, place in enumerate(kept, start=1)
    ]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
