"""Remembers what was understood of a text for later texts of the same form, bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import getitem, itemgetter

from k8s_log_agent.understand.analysis import Analysis
from k8s_log_agent.understand.continuation import Shape, shape_of
from k8s_log_agent.understand.formats import parse
from k8s_log_agent.understand.line_keys import (
    ENDLESS,
    LONGEST,
    SHAPE,
    Reader,
    form_of,
    ids_of,
    may_hold_card,
    runs_of,
    telling_runs,
)
from k8s_log_agent.understand.parsed import Parsed
from k8s_log_agent.understand.redaction import Redactor

MOST_ENTRIES = 40_000  # of all containers together, some kilobytes each
MOST_SHAPES = 80_000  # of all containers together
MOST_CONTAINERS = 256


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


class _Known:
    """A shape that was seen: the entries of its form, where its telling digits stand, and how they are read."""

    __slots__ = ("cards", "digits", "entries", "readers")

    def __init__(self, entries: dict[object, Entry], places: Sequence[tuple[slice, Reader]], *, cards: bool) -> None:
        self.entries = entries
        self.readers = tuple(reader for _, reader in places)
        self.digits: Callable[[bytes], tuple[bytes, ...]] | None = None
        if places:
            slices = [place for place, _ in places]
            self.digits = itemgetter(*slices, slices[-1])  # at least two, so that it gives a tuple
        self.cards = cards


class Memories(dict[str, "Memory"]):
    """The memories of all containers, each made when it is first asked for.

    What is too much empties all of them at once: what is alive comes back within some lines.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries = self.shapes = 0

    def __missing__(self, container: str) -> Memory:
        if len(self) >= MOST_CONTAINERS:
            self.clear()
        memory = self[container] = Memory(self)
        return memory

    def count(self, *, entries: int = 0, shapes: int = 0) -> None:
        """Count what was learnt, and make room."""
        self.entries += entries
        self.shapes += shapes
        if self.entries > MOST_ENTRIES or self.shapes > MOST_SHAPES:
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self.entries = self.shapes = 0


class Memory:
    """Entries of one container. Results never depend on what is remembered; only speed does."""

    def __init__(self, all_: Memories) -> None:
        self._all = all_
        self._shapes: dict[bytes, Entry | _Known] = {}
        self._telling: dict[bytes, tuple[tuple[int, Reader], ...]] = {}
        self._entries: dict[bytes, dict[object, Entry]] = {}

    def entry(self, text: str) -> Entry:
        """The entry of one line, or of the joined lines of a statement."""
        if len(text) > LONGEST:
            return fresh(text, keeps=False)
        raw = text.encode("utf-8", "surrogatepass")
        shape = raw.translate(SHAPE)
        known = self._shapes.get(shape)
        if known is None:
            known = self._learn(shape)
        elif not isinstance(known, _Known):
            return known
        if known.cards and (ENDLESS in shape or Redactor.default().holds_card(text)):
            return fresh(text, keeps=False)
        key = tuple(map(getitem, known.readers, known.digits(raw))) if known.digits else None
        entry = known.entries.get(key)
        if entry is None:
            entry = self._new(text, shape, known, key)
        return entry

    def _new(self, text: str, shape: bytes, known: _Known, key: object) -> Entry:
        entry = known.entries[key] = fresh(text, keeps=True)
        self._all.count(entries=1)
        if key is None and not known.cards:
            self._shapes[shape] = entry
        return entry

    def _learn(self, shape: bytes) -> _Known:
        ids = ids_of(shape)
        form = form_of(shape, ids)
        telling = self._telling.get(form)
        if telling is None:
            telling = self._telling[form] = telling_runs(form)
        places: list[tuple[slice, Reader]] = []
        if telling:
            runs = runs_of(shape, ids)
            places = [(slice(*runs[index]), reader) for index, reader in telling]
        known = _Known(self._entries.setdefault(form, {}), places, cards=may_hold_card(shape))
        self._shapes[shape] = known
        self._all.count(shapes=1)
        return known


def fresh(text: str, *, keeps: bool) -> Entry:
    """A new entry of a text; `keeps` says that its analysis may be kept."""
    first = text.split("\n", 1)[0] if "\n" in text else text
    parsed = parse(first)
    return Entry(parsed, shape_of(first, parsed), text, keeps)
