"""The map step of a summary: one pass over events of any number, kept as one row for each signature of each namespace.

Memory is bounded: rows, pods of a row, exemplars of a row, and the text of all exemplars. What does not fit is counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from k8s_log_agent.records import Event, Severity
from k8s_log_agent.triage.bursts import GAP_NANOSECONDS, troubled
from k8s_log_agent.triage.histogram import Histogram

MOST_ROWS = 4000
DROPPED_AT_ONCE = 400
MOST_PODS = 20
FIRST_KEPT = 3  # exemplars from the start of a signature
MOST_SPANS = 24
MOST_KEPT = 12  # further ones are those that open another window of trouble
LONGEST_KEPT = 8000  # characters of an exemplar
MOST_CHARACTERS = 48_000_000  # of all exemplars

Key = tuple[str, str]  # namespace or source, signature


@dataclass(slots=True)
class Row:
    """One signature of one namespace. `first` and `last` in nanoseconds, None where the lines have no time.

    `spans` are its times, joined where they are at most five minutes apart, in order; `kept` are exemplars.
    """

    scope: str
    signature: str
    template: str
    severity: Severity
    count: int = 0
    first: int | None = None
    last: int | None = None
    pods: set[str] = field(default_factory=set)
    more_pods: bool = False
    histogram: Histogram = field(default_factory=Histogram)
    spans: list[tuple[int, int]] = field(default_factory=list)
    kept: list[Event] = field(default_factory=list)

    def seen_at(self, moment: int) -> None:
        """Count a time. Beyond 24 spans the last two are joined."""
        self.histogram.add(moment)
        self.first = moment if self.first is None else min(self.first, moment)
        self.last = moment if self.last is None else max(self.last, moment)
        start = end = moment
        apart = []
        for low, high in self.spans:
            if low - GAP_NANOSECONDS <= moment <= high + GAP_NANOSECONDS:
                start, end = min(start, low), max(end, high)
            else:
                apart.append((low, high))
        self.spans = sorted([*apart, (start, end)])
        if len(self.spans) > MOST_SPANS:
            (low, _), (_, high) = self.spans[-2:]
            self.spans[-2:] = [(low, high)]

    def around(self, start: int, end: int) -> tuple[int, int]:
        """`start` to `end`, widened by the spans that touch it."""
        near = [span for span in self.spans if span[0] <= end and start <= span[1]]
        return min([start, *(low for low, _ in near)]), max([end, *(high for _, high in near)])


class Digest:
    """Collects events; `rows` by namespace and signature. Events that no one needs to look at are counted only."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.severities: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()  # events, lines, noise, and what did not fit
        self.start: int | None = None
        self.end: int | None = None
        self._characters = 0

    def add(self, event: Event) -> None:
        """Take one event, in any order."""
        self.counts["events"] += 1
        self.counts["lines"] += len(event.lines)
        if event.timestamp is not None:
            self.start = event.timestamp if self.start is None else min(self.start, event.timestamp)
            self.end = event.timestamp if self.end is None else max(self.end, event.timestamp)
        if event.noise_rule is not None:
            self.counts["noise"] += 1
            return
        self.severities[event.severity.value] += 1
        if troubled(event):
            self._count(event)

    def kept(self) -> list[Event]:
        """The exemplars of all rows, in the order of time."""
        events = [event for row in self.rows.values() for event in row.kept]
        return sorted(events, key=lambda event: (event.timestamp or 0, event.source, event.lines))

    def _count(self, event: Event) -> None:
        scope = event.stream.namespace or event.source
        row = self.rows.get((scope, event.signature))
        if row is None:
            if len(self.rows) >= MOST_ROWS:
                self._make_room()
            row = Row(scope, event.signature, event.template, event.severity)
            self.rows[scope, event.signature] = row
        row.count += 1
        row.severity = max(row.severity, event.severity, key=lambda severity: severity.rank)
        if len(row.pods) < MOST_PODS or event.stream.pod in row.pods:
            row.pods.add(event.stream.pod)
        else:
            row.more_pods = True
        if self._is_exemplar(row, event):
            self._keep(row, event)
        if event.timestamp is not None:
            row.seen_at(event.timestamp)

    def _is_exemplar(self, row: Row, event: Event) -> bool:
        if len(row.kept) < FIRST_KEPT:
            return True
        if len(row.kept) >= MOST_KEPT or event.timestamp is None:
            return False
        known = [one.timestamp for one in row.kept if one.timestamp is not None]
        return all(abs(event.timestamp - moment) > GAP_NANOSECONDS for moment in known)

    def _keep(self, row: Row, event: Event) -> None:
        text, message = event.text[:LONGEST_KEPT], event.message[:LONGEST_KEPT]
        if self._characters + len(text) + len(message) > MOST_CHARACTERS:
            self.counts["exemplars that did not fit"] += 1
            return
        self._characters += len(text) + len(message)
        row.kept.append(replace(event, text=text, message=message))

    def _make_room(self) -> None:
        """Drop the rows that matter least: without a cause, the mildest, the rarest."""

        def worth(row: Row) -> tuple[bool, int, int]:
            return any(event.causes for event in row.kept), row.severity.rank, row.count

        for row in sorted(self.rows.values(), key=worth)[:DROPPED_AT_ONCE]:
            del self.rows[row.scope, row.signature]
            self._characters -= sum(len(event.text) + len(event.message) for event in row.kept)
            self.counts["signatures that did not fit"] += 1
            self.counts["events of signatures that did not fit"] += row.count
