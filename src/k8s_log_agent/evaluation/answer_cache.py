"""Answers that are kept between runs, so that an interrupted evaluation goes on where it stopped.

A file of JSON lines `{"key", "value"}`, appended to and flushed after each answer. What a kill cut off in the middle
is dropped when the file is read.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Self

MOST_ENTRIES = 50_000  # the oldest are dropped beyond it, about 100 MB


class AnswerCache:
    """A mapping from key to JSON object on disk, safe for several threads of one process. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: IO[str] | None = None
        self._closed = False
        self._values = dict(_read(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            if self._file is not None:
                self._file.close()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> dict[str, Any] | None:
        """The kept value, or None."""
        return self._values.get(key)

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Keep `value`: on its way to the disk when this returns. Nothing is kept after the end. Raises OSError."""
        line = json.dumps({"key": key, "value": value}, sort_keys=True, ensure_ascii=False)
        with self._lock:
            if self._closed:
                return
            if self._file is None:
                self._file = self._opened()
            self._file.write(line + "\n")
            self._file.flush()
            self._values[key] = value

    def _opened(self) -> IO[str]:
        """The file rewritten without what could not be read, positioned at its end."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(self._path.name + ".partial")
        kept = list(self._values.items())[-MOST_ENTRIES:]
        with partial.open("w", encoding="utf-8") as file:
            for key, value in kept:
                file.write(json.dumps({"key": key, "value": value}, sort_keys=True, ensure_ascii=False) + "\n")
        partial.replace(self._path)
        return self._path.open("a", encoding="utf-8")


def _read(path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                yield str(entry["key"]), dict(entry["value"])
