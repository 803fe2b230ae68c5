"""Remembers what was understood of a text for later texts of the same form, bounded."""

from __future__ import annotations

from dataclasses import dataclass

from k8s_log_agent.understand.analysis import Analysis
from k8s_log_agent.understand.continuation import Shape, shape_of
from k8s_log_agent.understand.formats import parse
from k8s_log_agent.understand.line_keys import (
    LONGEST,
    Reader,
    form_of,
    holds_card,
    ids_of,
    may_hold_card,
    runs_of,
    telling_runs,
)
from k8s_log_agent.understand.line_keys import shape_of as shape_of_bytes
from k8s_log_agent.understand.parsed import Parsed

MOST_ENTRIES = 40_000
MOST_SHAPES = 80_000


@dataclass(slots=True)
class Entry:
    """What is remembered of one form of text: its parts at once, its analysis when it was an event of its own.

    `parsed` are the parts of `text`, the first that was seen of the form.
    """

    parsed: Parsed
    shape: Shape
    text: str
    keeps: bool
    analysis: Analysis | None = None


@dataclass(slots=True)
class _Known:
    """A shape that was seen: its form, where its telling digits stand, and how they are read."""

    form: bytes
    places: tuple[tuple[slice, Reader], ...]
    cards: bool


class Memory:
    """Entries of one container. Results never depend on what is remembered; only speed does."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, Entry | _Known] = {}
        self._telling: dict[bytes, tuple[tuple[int, Reader], ...]] = {}
        self._entries: dict[object, Entry] = {}

    def entry(self, text: str) -> Entry:
        """The entry of one line, or of the joined lines of a statement."""
        if len(text) > LONGEST:
            return fresh(text, keeps=False)
        raw = text.encode("utf-8", "surrogatepass")
        shape = shape_of_bytes(raw)
        seen = self._shapes.get(shape)
        if type(seen) is Entry:
            return seen
        known = seen if type(seen) is _Known else self._learn(shape)
        if known.cards and holds_card(raw):
            return fresh(text, keeps=False)
        key: object = known.form
        if known.places:
            key = (known.form, *[meaning[raw[place]] for place, meaning in known.places])
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= MOST_ENTRIES:
                self.__init__()  # type: ignore[misc]  # everything at once: what is alive comes back within some lines
            entry = self._entries[key] = fresh(text, keeps=True)
        if not known.places and not known.cards:
            self._shapes[shape] = entry
        return entry

    def _learn(self, shape: bytes) -> _Known:
        ids = ids_of(shape)
        form = form_of(shape, ids)
        telling = self._telling.get(form)
        if telling is None:
            telling = self._telling[form] = telling_runs(form)
        places: tuple[tuple[slice, Reader], ...] = ()
        if telling:
            runs = runs_of(shape, ids)
            places = tuple((slice(*runs[index]), meaning) for index, meaning in telling)
        known = _Known(form, places, may_hold_card(shape))
        if len(self._shapes) >= MOST_SHAPES:
            self._shapes.clear()
        self._shapes[shape] = known
        return known


def fresh(text: str, *, keeps: bool) -> Entry:
    """A new entry of a text; `keeps` says that its analysis may be kept."""
    first = text.split("\n", 1)[0] if "\n" in text else text
    parsed = parse(first)
    return Entry(parsed, shape_of(first, parsed), text, keeps)
