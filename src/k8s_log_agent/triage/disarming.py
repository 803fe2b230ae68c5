"""Takes out of events what speaks to a model (`llm/injection.py`), before rules, memory or a model look at them.

An event with such text is understood anew from what is left of its lines, so that it is the event that it would have
been without; one that did nothing but speak to a model goes. What is left of a line keeps its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from k8s_log_agent.llm.hostile_text import clean
from k8s_log_agent.llm.injection import disarmed, may_speak
from k8s_log_agent.records import Event, LogLine
from k8s_log_agent.understand.pipeline import Understanding

LONGEST_READ = 4000  # characters of a line
MOST_LINES = 128  # of an event
_TELLING_WORDS = 2  # a message of fewer says nothing by itself


@dataclass(frozen=True, slots=True)
class Quiet:
    """The events as they may be read, and how many of them spoke to a model."""

    events: tuple[Event, ...]
    cut: int


def disarm(events: Iterable[Event]) -> Quiet:
    """The events in their order, without those that did nothing but speak to a model."""
    kept: list[Event] = []
    cut = 0
    understanding: Understanding | None = None
    for event in events:
        lines = _cut(event)
        if lines is None:
            kept.append(event)
            continue
        cut += 1
        understanding = understanding or Understanding.default()
        anew = list(understanding.events(lines))
        kept += [one for one in anew if one.causes or len(one.message.split()) >= _TELLING_WORDS]
    return Quiet(tuple(kept), cut)


def _cut(event: Event) -> list[LogLine] | None:
    """What is left of the event's lines, or None where nothing in it speaks to a model."""
    if not may_speak(event.text):
        return None
    texts = event.text.splitlines()[:MOST_LINES]
    read = [disarmed(clean(text, LONGEST_READ).text) for text in texts]
    if not any(line.cut for line in read):
        return None
    return [
        LogLine(event.stream, number, event.timestamp, left, event.source, event.labels)
        for number, before, after in zip(event.lines, texts, read, strict=False)
        if (left := before if _plain(before) and not after.cut else after.text)
    ]


def _plain(text: str) -> bool:
    """Whether a line can stay as it is: cleaning it would take its indentation."""
    return text.replace("\t", " ").isprintable()
