"""Splits a stream of events into windows of trouble, whatever order they come in.

The rule: within one namespace (one source, where there are none), troubled events that are at most five minutes apart
belong to one window. Troubled is what is WARN or worse or carries a cause, and is not noise. Events without a time
belong to one window a source. Of each signature a window keeps its first 50 events; the others are counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from k8s_log_agent.records import Event, Severity

GAP_NANOSECONDS = 300 * 10**9
KEPT_OF_A_SIGNATURE = 50
_LATEST = 2**80  # windows without a time stand behind all others


@dataclass(slots=True)
class Burst:
    """One window: `start` and `end` in nanoseconds since the epoch, or None where the lines have no time."""

    scope: str
    start: int | None
    end: int | None
    events: list[Event] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def left_out(self) -> int:
        """Events that are counted in `seen` and not kept."""
        return sum(self.seen.values()) - len(self.events)

    def add(self, event: Event) -> None:
        """Takes an event that belongs to this window."""
        self.seen[event.signature] += 1
        if self.seen[event.signature] <= KEPT_OF_A_SIGNATURE:
            self.events.append(event)
        if event.timestamp is not None:
            self.start = event.timestamp if self.start is None else min(self.start, event.timestamp)
            self.end = event.timestamp if self.end is None else max(self.end, event.timestamp)

    def absorb(self, other: Burst) -> None:
        """Takes everything of another window."""
        uncounted = other.seen - Counter(event.signature for event in other.events)
        for event in other.events:
            self.add(event)
        self.seen.update(uncounted)


def troubled(event: Event) -> bool:
    """Whether an event opens or prolongs a window."""
    return event.noise_rule is None and (bool(event.causes) or event.severity.rank >= Severity.WARN.rank)


def split_into_bursts(events: Iterable[Event], gap: int = GAP_NANOSECONDS) -> list[Burst]:
    """All windows, the earliest first, those without a time last; each one's events in the order of time and line."""
    open_: dict[str, list[Burst]] = {}
    for event in events:
        if troubled(event):
            scope = event.stream.namespace or event.source
            _place(open_.setdefault(scope, []), scope, event, gap)
    found = [burst for bursts in open_.values() for burst in bursts]
    for burst in found:
        burst.events.sort(key=lambda event: (event.timestamp or 0, event.source, event.lines))
    return sorted(found, key=lambda burst: (burst.start is None, burst.start or 0, burst.scope))


def _place(bursts: list[Burst], scope: str, event: Event, gap: int) -> None:
    """`bursts` are sorted by start and more than `gap` apart, so at most two of them can be near."""
    time = event.timestamp
    if time is None:
        index = next((place for place, burst in enumerate(bursts) if _timeless(burst, event)), None)
        near = [] if index is None else [bursts[index]]
        after = 0
    else:
        after = bisect_right(bursts, time + gap, key=lambda burst: _LATEST if burst.start is None else burst.start)
        near = [
            burst for burst in bursts[max(0, after - 2) : after] if burst.end is not None and time <= burst.end + gap
        ]
    if not near:
        near = [Burst(scope, None, None)]
        bursts.insert(len(bursts) if time is None else after, near[0])
    for other in near[1:]:  # the event closes the gap between them
        bursts.remove(other)
        near[0].absorb(other)
    near[0].add(event)


def _timeless(burst: Burst, event: Event) -> bool:
    return burst.start is None and burst.events[0].source == event.source
