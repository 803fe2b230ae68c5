"""The lines that an incident shows: those its verdict cites, with a few around each."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from k8s_log_agent.llm.hostile_text import visible
from k8s_log_agent.records import Event, Verdict
from k8s_log_agent.service.models import ShownLine

AROUND = 4  # lines on either side of a cited one
MOST_SHOWN = 60
LONGEST_SHOWN = 1000  # characters of a line


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    timestamp: int | None
    text: str


class SeenLines:
    """Keeps the redacted lines of events as they pass by, to be shown around what a verdict cites.

    `count` is of all lines, `noise` of those that a rule calls noise, by its name.
    """

    def __init__(self) -> None:
        self._by_source: dict[str, list[_Kept]] = {}
        self._sorted = False
        self.count = 0
        self.noise: Counter[str] = Counter()

    def passing(self, events: Iterable[Event]) -> Iterator[Event]:
        """The same events, their lines kept."""
        for event in events:
            kept = self._by_source.setdefault(event.source, [])
            texts = event.text.split("\n")
            whole = len(texts) == len(event.lines)
            numbered = zip(event.lines, texts, strict=True) if whole else [(event.lines[0], event.text)]
            kept += [_Kept(number, event.timestamp, text) for number, text in numbered]
            self.count += len(event.lines)
            if event.noise_rule:
                self.noise[event.noise_rule] += len(event.lines)
            self._sorted = False
            yield event

    def around(self, verdict: Verdict) -> tuple[ShownLine, ...]:
        """The cited lines and those around them, in the order of source and line."""
        if not self._sorted:
            for lines in self._by_source.values():
                lines.sort(key=lambda line: line.number)
            self._sorted = True
        cited = {(line.source, line.line) for line in verdict.evidence}
        shown: dict[tuple[str, int], ShownLine] = {}
        for source, number in sorted(cited):
            lines = self._by_source.get(source, [])
            place = bisect_left(lines, number, key=lambda line: line.number)
            for line in lines[max(0, place - AROUND) : place + AROUND + 1]:
                is_cited = (source, line.number) in cited
                shown.setdefault((source, line.number), _shown(line, source, cited=is_cited))
        return tuple(shown[key] for key in sorted(shown)[:MOST_SHOWN])


def _shown(line: _Kept, source: str, *, cited: bool) -> ShownLine:
    at = None if line.timestamp is None else datetime.fromtimestamp(line.timestamp // 1000 / 10**6, UTC)
    return ShownLine(line.number, at, visible(source), visible(line.text)[:LONGEST_SHOWN], cited)
