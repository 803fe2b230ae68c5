"""Reads the lines of a query over a range of time from a Loki: each line once, in the order of time.

A range is read forward in windows that end at the multiples of Loki's split interval. An answer that is full tells
only that there may be more, so the next one starts at the last timestamp it showed, without the lines already taken;
and the window is narrowed to what a few answers hold. When a single nanosecond fills an answer, `loki_tie` takes it
apart. In memory are one answer and, for the nanosecond being read, eight bytes of digest for each line taken.

Lines that arrive for a time already read, and lines that Loki accepted with old timestamps and has not yet flushed,
cannot be seen by any reader; read a range that ended some minutes ago.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from k8s_log_agent.ingest.loki_answer import Answer, Entry
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_cursor import CursorFile, Position
from k8s_log_agent.ingest.loki_errors import AnswerTooLargeError, LokiRefusedError, OutOfTimeError, SelectorError
from k8s_log_agent.ingest.loki_selector import LogQuery
from k8s_log_agent.ingest.loki_stream import stream_of
from k8s_log_agent.ingest.loki_tie import FEWEST, lines_of_one_instant
from k8s_log_agent.ingest.loki_window import Window
from k8s_log_agent.records import LogLine, Record

SECOND = 1_000_000_000
SPLIT_INTERVAL = 3600 * SECOND  # split_queries_by_interval as Loki ships
LIMIT = 5000  # max_entries_limit_per_query as Loki ships
SAVE_SECONDS = 1.0

_OWN_LIMIT = re.compile(r"max_entries_limit_per_query \(\d+ > (\d+)\)")
_TOO_WIDE = ("query time range exceeds the limit", "would read too many bytes")

StoppedBy = Literal["", "lines", "bytes", "seconds"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds on what is taken, over all runs of a resumed reading, and on the seconds of this run."""

    lines: int | None = None
    bytes: int | None = None  # of text, as UTF-8
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read: `start` <= timestamp < `end`, in nanoseconds; at most `limit` lines an answer.

    `split_interval` is the server's `split_queries_by_interval` in nanoseconds. `tenant` is for the record only; it
    is sent by the client.
    """

    query: LogQuery
    start: int
    end: int
    limit: int = LIMIT
    split_interval: int = SPLIT_INTERVAL
    budget: Budget = Budget()
    tenant: str = ""

    def __post_init__(self) -> None:
        if self.start >= self.end or self.limit < FEWEST or self.split_interval < 1:
            raise SelectorError(
                f"There is nothing to read from {self.start} to {self.end} ns with {self.limit} lines an answer and "
                f"windows of {self.split_interval} ns: the end must lie after the start, an answer "
                f"hold at least {FEWEST} lines, and a window be wider than nothing."
            )


class LokiProvenance(Record):
    """What was asked and what came of it, to be stored beside whatever is made of the lines."""

    url: str
    tenant: str
    query: str
    start: int
    end: int
    split_interval: int
    limit: int
    loki_version: str
    lines: int
    bytes: int
    complete: bool
    stopped_by: StoppedBy
    resumed: bool
    counts: dict[str, int]  # requests, retries, response_bytes, repeated, ties, splits


class LokiReader:
    """Iterates once over the lines of a `Reading`; `provenance` can be asked at any time.

    A line counts as taken when the next one is asked for; from then on the file `cursor` keeps it from being read
    again, until the range is finished and the file removed. A process that is killed outright may see the lines of its
    last second once more.
    """

    def __init__(self, client: LokiClient, reading: Reading, cursor: Path | None = None) -> None:
        self._client = client
        self._reading = reading
        self._limit = reading.limit
        self._window = Window(reading.split_interval)
        self._cursor = None
        if cursor:
            query = reading.query.logql
            self._cursor = CursorFile(cursor, client.url, reading.tenant, query, reading.start, reading.end)
        self._position = Position(reading.start)
        self._version = ""
        self._resumed = False
        self._stopped_by: StoppedBy = ""
        self._deadline: float | None = None
        self._saved_at = client.clock()

    def __iter__(self) -> Iterator[LogLine]:
        """The lines; ends early, with `stopped_by` set, when a budget is used up. Raises what `loki_errors` names."""
        found = self._cursor.load() if self._cursor else None
        if found:
            self._position, self._resumed = found, True
        if self._reading.budget.seconds is not None:
            self._deadline = self._client.clock() + self._reading.budget.seconds
        try:
            yield from self._windows()
        except OutOfTimeError:
            self._stopped_by = "seconds"
        finally:
            if self._cursor and not self._complete:
                self._cursor.save(self._position)
        if self._cursor and self._complete:
            self._cursor.remove()

    @property
    def provenance(self) -> LokiProvenance:
        """What was read so far, and whether that is all."""
        return LokiProvenance(
            url=self._client.url,
            tenant=self._reading.tenant,
            query=self._reading.query.logql,
            start=self._reading.start,
            end=self._reading.end,
            split_interval=self._reading.split_interval,
            limit=self._limit,
            loki_version=self._version or "unknown",
            lines=self._position.lines,
            bytes=self._position.bytes,
            complete=self._complete,
            stopped_by=self._stopped_by,
            resumed=self._resumed,
            counts=dict(self._client.counts),
        )

    @property
    def _complete(self) -> bool:
        return self._position.next >= self._reading.end

    def _windows(self) -> Iterator[LogLine]:
        while not self._complete and not self._used_up():
            first = self._position.next
            end = min(self._reading.end, self._window.end_after(first))
            limit = self._page_limit()
            answer = self._ask(first, end, limit)
            if answer is None:
                continue
            if answer.count < limit:
                yield from self._new(answer.entries)
                if self._stopped_by:
                    return
                self._window.held(first, answer.count, limit)
                self._position.move_to(end)
            else:
                yield from self._of_full(answer, first, limit)

    def _of_full(self, answer: Answer, first: int, limit: int) -> Iterator[LogLine]:
        last = answer.entries[-1].timestamp
        if last > first:
            self._window.held_too_much(last - first)
            yield from self._new(answer.entries)
            return
        if limit < self._limit:
            yield from self._new(answer.entries)
            if self._used_up():
                return
        self._client.counts["ties"] += 1
        yield from self._new(
            lines_of_one_instant(self._client, self._reading.query, first, self._limit, self._deadline)
        )
        if not self._stopped_by:
            self._position.move_to(first + 1)

    def _new(self, entries: Iterable[Entry]) -> Iterator[LogLine]:
        source = self._reading.query.logql
        for entry in entries:
            if self._position.holds(entry):
                continue
            if self._used_up():
                return
            labels = entry.labels.values
            yield LogLine(
                stream=stream_of(labels),
                number=self._position.lines + 1,
                timestamp=entry.timestamp,
                text=entry.text,
                source=source,
                labels=labels,
            )
            self._position.take(entry)
        if self._cursor and self._client.clock() - self._saved_at >= SAVE_SECONDS:
            self._cursor.save(self._position)
            self._saved_at = self._client.clock()

    def _used_up(self) -> bool:
        budget, position = self._reading.budget, self._position
        if budget.lines is not None and position.lines >= budget.lines:
            self._stopped_by = "lines"
        elif budget.bytes is not None and position.bytes >= budget.bytes:
            self._stopped_by = "bytes"
        elif self._deadline is not None and self._client.clock() >= self._deadline:
            self._stopped_by = "seconds"
        return bool(self._stopped_by)

    def _page_limit(self) -> int:
        """No more lines than the budget can still take; those taken at this nanosecond come once more."""
        if self._reading.budget.lines is None:
            return self._limit
        return min(self._limit, self._reading.budget.lines - self._position.lines + len(self._position.digests()))

    def _ask(self, start: int, end: int, limit: int) -> Answer | None:
        """An answer; or None after limit or window were made smaller, since the server said what it allows."""
        try:
            answer = self._client.lines(self._reading.query.logql, start, end, limit, self._deadline)
        except AnswerTooLargeError:
            if limit <= FEWEST:
                raise
            self._limit = max(FEWEST, limit // 2)
            return None
        except LokiRefusedError as refused:
            allowed = _OWN_LIMIT.search(refused.message)
            if allowed and FEWEST <= int(allowed[1]) < limit:
                self._limit = int(allowed[1])
                return None
            if end - start > SECOND and any(text in refused.message for text in _TOO_WIDE):
                self._window.never_wider(max(1, (end - start) // 2))
                return None
            raise
        self._client.counts["repeated"] += answer.repeated
        if not self._version:
            self._version = self._client.version(self._deadline)
        return answer
