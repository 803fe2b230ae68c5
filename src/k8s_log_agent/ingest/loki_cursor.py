"""How far a range has been read, kept in a file so that an interrupted reading goes on where it stopped."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, ValidationError

from k8s_log_agent.ingest.loki_answer import Entry
from k8s_log_agent.ingest.loki_errors import CursorError
from k8s_log_agent.records import Record

CURSOR_VERSION = 1
MOST_UNDIGESTED = 100


@dataclass(slots=True)
class Position:
    """Every line before `next` was taken, and of those at `next` the ones whose digest is in `taken`.

    Digests are made only when they are needed; of the entries at `next`, the latest wait in `_latest` for that.
    `lines` and `bytes` count what was taken since the beginning of the range, over all runs.
    """

    next: int
    taken: set[int] = field(default_factory=set)
    lines: int = 0
    bytes: int = 0
    _latest: list[Entry] = field(default_factory=list)

    def holds(self, entry: Entry) -> bool:
        """Whether the entry was taken already."""
        if entry.timestamp != self.next:
            return entry.timestamp < self.next
        return entry.digest in self.digests()

    def take(self, entry: Entry) -> None:
        """Count the entry as taken."""
        if entry.timestamp != self.next:
            self.move_to(entry.timestamp)
        self._latest.append(entry)
        if len(self._latest) >= MOST_UNDIGESTED:
            self.digests()
        self.lines += 1
        self.bytes += len(entry.text) if entry.text.isascii() else len(entry.text.encode("utf-8", "surrogatepass"))

    def move_to(self, timestamp: int) -> None:
        """Every line before `timestamp` was taken, and none at it."""
        self.next = timestamp
        self.taken.clear()
        self._latest.clear()

    def digests(self) -> set[int]:
        """Of the entries at `next` that were taken."""
        self.taken.update(entry.digest for entry in self._latest)
        self._latest.clear()
        return self.taken


class _Stored(Record):
    schema_version: int = CURSOR_VERSION
    url: str
    tenant: str
    query: str
    start: int
    end: int
    next: int
    taken: tuple[int, ...] = ()
    lines: int = Field(ge=0)
    bytes: int = Field(ge=0)


@dataclass(frozen=True, slots=True)
class CursorFile:
    """The file and the reading that it belongs to; a reading of anything else is refused, not mixed in."""

    path: Path
    url: str
    tenant: str
    query: str
    start: int
    end: int

    def load(self) -> Position | None:
        """Where to go on, or None when there is no file; raises `CursorError`."""
        try:
            stored = _Stored.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CursorError(f"The cursor {self.path} cannot be read: {error.strerror}. Name another file.") from error
        except ValidationError as error:
            raise CursorError(
                f"{self.path} is not a cursor of version {CURSOR_VERSION} that this program wrote. Remove it to read "
                "the range from its beginning, or name another file."
            ) from error
        for name in ("url", "tenant", "query", "start", "end"):
            found, wanted = getattr(stored, name), getattr(self, name)
            if found != wanted:
                raise CursorError(
                    f"The cursor {self.path} belongs to another reading: its {name} is {found!r}, not {wanted!r}. Give "
                    "the same query and range to go on, or remove the file to begin anew."
                )
        return Position(stored.next, set(stored.taken), stored.lines, stored.bytes)

    def save(self, position: Position) -> None:
        """Replace the file in one step; raises `CursorError`."""
        stored = _Stored(
            url=self.url,
            tenant=self.tenant,
            query=self.query,
            start=self.start,
            end=self.end,
            next=position.next,
            taken=tuple(sorted(position.digests())),
            lines=position.lines,
            bytes=position.bytes,
        )
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with beside.open("w", encoding="utf-8") as file:
                    file.write(stored.model_dump_json() + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(self.path)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            raise CursorError(
                f"The cursor {self.path} cannot be written: {error.strerror}. What was read so far is complete; free "
                "the disk or name another file, then run the same command again."
            ) from error

    def remove(self) -> None:
        """The range is finished, so nothing is left to go on with."""
        self.path.unlink(missing_ok=True)
