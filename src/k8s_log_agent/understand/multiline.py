"""Joins the lines of one statement, stack traces above all, within a stream and never across.

Every line that is pushed comes out once, in order, in exactly one group; a group of more than `MOST_LINES` keeps its
first and last lines as text and the numbers of all.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from k8s_log_agent.records import LogLine, Severity, StreamKey
from k8s_log_agent.understand.continuation import Shape, goes_on_with, speaks_of_trouble, trace_kind
from k8s_log_agent.understand.parsed import Parsed

MOST_LINES = 128  # lines of a group whose text is kept
HARD_LIMIT = 4096  # lines of a group, kept or not, after which a new one begins
MOST_CHARACTERS = 256 * 1024  # of text that a group keeps
MOST_STREAMS = 4096  # open groups; beyond, that of the stream that was seen first is closed
GAP = 3_000_000_000  # nanoseconds of silence after which nothing continues
AT_ONCE = 20_000_000  # nanoseconds within which a headless line counts as written with the one before

Kept = TypeVar("Kept")

_ONE_LINE_FORMATS = frozenset(
    "json mongodb logfmt json_access access_combined envoy_access uvicorn_access django_access gin_access"
    " haproxy_access kubernetes_event levelled llama_cpp npm kernel syslog bracketed".split()
)


class _Rest:
    """The lines of a statement after its first: the next ones, the last ones, and the numbers of those between."""

    __slots__ = ("characters", "head", "middle", "tail")

    def __init__(self) -> None:
        self.head: list[LogLine] = []
        self.middle: list[int] = []
        self.tail: deque[LogLine] = deque(maxlen=MOST_LINES // 2)
        self.characters = 0

    def add(self, line: LogLine) -> None:
        if not self.tail and len(self.head) + 1 < MOST_LINES // 2 and self.characters < MOST_CHARACTERS:
            self.head.append(line)
            self.characters += len(line.text)
            return
        if len(self.tail) == MOST_LINES // 2:
            self.middle.append(self.tail[0].number)
        self.tail.append(line)


class Group(Generic[Kept]):
    """The lines of one statement. `parsed` is the form of the first, `entry` what the caller keeps beside it."""

    __slots__ = ("_rest", "ended", "entry", "first", "last_time", "parsed", "shape", "trace")

    def __init__(self, first: LogLine, parsed: Parsed, shape: Shape, entry: Kept) -> None:
        self.first = first
        self.parsed = parsed
        self.shape = shape
        self.entry = entry
        self.last_time = first.timestamp
        self.trace = ""
        self.ended = False
        self._rest: _Rest | None = None

    def add(self, line: LogLine) -> None:
        """Append a line; beyond the bound, the middle loses its text and keeps its number."""
        self.last_time = line.timestamp
        if self._rest is None:
            self._rest = _Rest()
        self._rest.add(line)

    @property
    def single(self) -> bool:
        """Whether it has one line only."""
        return self._rest is None

    @property
    def size(self) -> int:
        """How many lines it has."""
        rest = self._rest
        return 1 if rest is None else 1 + len(rest.head) + len(rest.middle) + len(rest.tail)

    @property
    def cut(self) -> int:
        """How many lines of the middle lack their text."""
        return 0 if self._rest is None else len(self._rest.middle)

    def texts(self) -> tuple[list[str], list[str]]:
        """Return the texts before and after the cut, the second empty where nothing was cut."""
        rest = self._rest or _Rest()
        head = [self.first.text, *(line.text for line in rest.head)]
        tail = [line.text for line in rest.tail]
        return (head, tail) if rest.middle else (head + tail, [])

    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of all lines, in order."""
        rest = self._rest or _Rest()
        head = [line.number for line in rest.head]
        return (self.first.number, *head, *rest.middle, *(line.number for line in rest.tail))


class Joiner(Generic[Kept]):
    """Groups lines by statement, for many streams at once."""

    def __init__(self, most_streams: int = MOST_STREAMS) -> None:
        self._open: dict[StreamKey, Group[Kept]] = {}
        self._most = most_streams

    def push(self, line: LogLine, shape: Shape, parsed: Parsed, entry: Kept) -> Group[Kept] | None:
        """Take one line of known shape and form, and give back the group that it completes, if any."""
        stream = line.stream
        group = self._open.get(stream)
        if group is not None:
            begins = shape is Shape.HEADED and parsed.format != "levelled"
            if not begins and self._belongs(group, line, shape, parsed):
                group.add(line)
                return None
        fresh = self._open[stream] = Group(line, parsed, shape, entry)
        if shape is Shape.TRACE:
            fresh.trace = trace_kind(line.text)
        if group is not None:
            return group
        return self._open.pop(next(iter(self._open))) if len(self._open) > self._most else None

    def flush(self) -> list[Group[Kept]]:
        """Give back the groups that are still open, in the order in which their streams were first seen."""
        groups = list(self._open.values())
        self._open.clear()
        return groups

    def _belongs(self, group: Group[Kept], line: LogLine, shape: Shape, parsed: Parsed) -> bool:
        if group.first.source != line.source or group.size >= HARD_LIMIT:
            return False
        if shape is Shape.HEADED:
            return parsed.format == "levelled" and group.parsed.format == "julian" and group.size == 1
        gap = 0
        if line.timestamp is not None and group.last_time is not None:
            gap = abs(line.timestamp - group.last_time)
        if gap > GAP:
            return False
        if shape is Shape.PLAIN:
            return self._takes_plain(group, line.text, gap)
        return shape is not Shape.TRACE or self._takes_trace(group, line.text)

    @staticmethod
    def _takes_plain(group: Group[Kept], text: str, gap: int) -> bool:
        """Whether a line without a header is the rest of the statement before it."""
        if group.trace and not group.ended and goes_on_with(group.trace, text):
            group.ended = group.trace == "python"
            return True
        return group.parsed.headed and group.parsed.format not in _ONE_LINE_FORMATS and gap <= AT_ONCE

    @staticmethod
    def _takes_trace(group: Group[Kept], text: str) -> bool:
        """Whether a line that begins a trace tells more about the statement before it."""
        if text.startswith("Error: "):
            return group.trace == "node" and not group.ended
        kind, level = trace_kind(text), group.parsed.level
        takes = bool(group.trace) or level.rank >= Severity.WARN.rank
        if not takes and level is Severity.UNKNOWN:
            takes = speaks_of_trouble(group.first.text)
        if takes and kind:
            group.trace, group.ended = kind, False
        return takes
