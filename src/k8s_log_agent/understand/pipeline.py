"""From log lines to events: join, take apart, assess, redact, sign, call noise, propose causes.

Most lines of a stream differ from earlier ones in digits only. The understanding is kept by the shape of the text (see
`memory.py`), bounded, and equals what a fresh look would give: nothing of it depends on what was seen before, but
the number of the cluster.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from k8s_log_agent.records import NO_LABELS, CauseHint, Event, LogLine
from k8s_log_agent.understand.analysis import Analysis, Analyst
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.clusters import Clusters
from k8s_log_agent.understand.continuation import Shape
from k8s_log_agent.understand.formats import parse
from k8s_log_agent.understand.line_times import moment
from k8s_log_agent.understand.memory import Entry, Memories, fresh
from k8s_log_agent.understand.multiline import Group, Joiner
from k8s_log_agent.understand.noise import NoiseRules
from k8s_log_agent.understand.redaction import Redactor
from k8s_log_agent.understand.severity import SeverityRules

MOST_TEXT = 64 * 1024  # characters of an event's text
_COLOUR = re.compile(r"\x1b(?:\[[0-9;:?]{0,32}[A-Za-z]|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)|[()][A-Z0-9])")


class Understanding:
    """Turns lines into events. Made once from rules; keeps open statements and remembered shapes between calls.

    `counts` holds what was cut: `events_truncated`, `blank_lines`. With `remember=False` every line is looked at
    afresh, with the same result.
    """

    def __init__(self, analyst: Analyst, *, remember: bool = True) -> None:
        self.counts: Counter[str] = Counter()
        self._analyst = analyst
        self._remember = remember
        self._memories = Memories()

    @classmethod
    def default(cls, *, remember: bool = True) -> Understanding:
        """One with the shipped rules and no clusters yet."""
        return cls(
            Analyst(SeverityRules.default(), Redactor(), NoiseRules.default(), CauseTable.default(), Clusters()),
            remember=remember,
        )

    def events(self, lines: Iterable[LogLine]) -> Iterator[Event]:
        """Yield the events of `lines`, each when its stream goes on with the next one, the rest at the end."""
        joiner: Joiner[Entry] = Joiner()
        push, entry_of, event_of = joiner.push, self._entry, self._event
        for line in lines:
            text = line.text
            if "\x1b" in text:
                text = _COLOUR.sub("", text)
                line = replace(line, text=text)  # noqa: PLW2901 - the same line, without colours
            entry = entry_of(text, line)
            group = push(line, entry.shape, entry.parsed, entry)
            if group is not None and (event := event_of(group)) is not None:
                yield event
        for group in joiner.flush():
            event = event_of(group)
            if event is not None:
                yield event

    def _entry(self, text: str, line: LogLine) -> Entry:
        if not self._remember or (line.labels is not NO_LABELS and "PRIORITY" in line.labels):
            return fresh(text, keeps=False)
        return self._memories[line.stream.container].entry(text)

    def _event(self, group: Group[Entry]) -> Event | None:
        first, entry = group.first, group.entry
        if not group.single:
            text = self._joined(group)
            return self._made(first, text, group.numbers(), self._entry(text, first), truncated=group.cut > 0)
        if group.shape is Shape.BLANK:
            self.counts["blank_lines"] += 1
            return None
        return self._made(first, first.text, (first.number,), entry)

    def _made(
        self, first: LogLine, text: str, numbers: tuple[int, ...], entry: Entry, *, truncated: bool = False
    ) -> Event:
        analysis = entry.analysis
        if analysis is not None:
            message = analysis.message_of(text)
        else:
            if len(text) > MOST_TEXT:
                text, truncated = self._cut(text), True
                entry = fresh(text, keeps=False)
            analysis = self._analysed(first, text, entry)
            text, message = analysis.text, analysis.message
        causes = analysis.causes
        if causes:
            causes = tuple(CauseHint(hint.code, hint.rule, hint.weight, _number(numbers, hint.line)) for hint in causes)
        time = first.timestamp
        if time is None and analysis.parsed.stamp:
            time = moment(parse(text).stamp)
        return Event(
            first.stream,
            time,
            numbers,
            first.source,
            text,
            message,
            analysis.parsed.format,
            analysis.level,
            analysis.severity,
            analysis.method,
            analysis.confidence,
            analysis.signature,
            analysis.template,
            analysis.cluster,
            analysis.noise_rule,
            causes,
            analysis.redactions,
            truncated,
            first.labels,
        )

    def _analysed(self, first: LogLine, text: str, entry: Entry) -> Analysis:
        lines = text.split("\n")
        parsed = entry.parsed if entry.text == text else parse(lines[0])
        analysis = self._analyst.analyse(parsed, lines, first.stream, first.labels)
        if entry.keeps and not analysis.redactions:
            entry.analysis = analysis
        return analysis

    def _joined(self, group: Group[Entry]) -> str:
        head, tail = group.texts()
        if tail:
            self.counts["events_truncated"] += 1
            head = [*head, f"[… {group.cut} lines …]", *tail]
        return "\n".join(head).rstrip()

    def _cut(self, text: str) -> str:
        """Both ends of a text that is too long."""
        self.counts["events_truncated"] += 1
        half = MOST_TEXT // 2 - 8
        return f"{text[:half]} [… cut …] {text[-half:]}"


def _number(numbers: tuple[int, ...], place: int) -> int:
    return numbers[min(place, len(numbers) - 1)]
