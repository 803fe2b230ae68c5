"""One container's log file: lines come in from any thread, are made neutral, stamped and written in CRI form."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.recorder import cri
from tools.recorder.privacy import Rewriter, refuse_private

MAX_LINES = 9000  # of one container; a program that logs without end is a mistake of its script


class RecordingFailedError(RuntimeError):
    """The recording cannot be used; the text says what was awaited and what came instead."""


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A physical line: `number` 1-based in its file, `timestamp` in ns since the epoch, `text` without CRI prefix."""

    number: int
    timestamp: int
    text: str


class PodLog:
    """The log of one container. `source` is its path relative to the recording's folder."""

    def __init__(self, folder: Path, source: str, hostname: str, rewrite: Rewriter, clock: Callable[[], int]) -> None:
        self.source = source
        self.hostname = hostname
        self.lines: list[WrittenLine] = []
        self.dropped = 0
        self._rewrite = rewrite
        self._clock = clock
        self._arrived = threading.Condition()
        path = folder / source
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")

    def write(self, text: str, stream: str = "stdout") -> None:
        """Append one logical line, which becomes several physical ones when it is longer than 16 KiB."""
        with self._arrived:
            if self._file.closed or len(self.lines) >= MAX_LINES:
                self.dropped += 1
                return
            neutral = self._rewrite(text)
            now = self._clock()
            if self.lines:
                now = max(now, self.lines[-1].timestamp + 1)
            for tag_and_part in cri.parts(neutral.encode("utf-8", "surrogateescape")):
                part = tag_and_part[1].decode("utf-8", "surrogateescape")
                self.lines.append(WrittenLine(len(self.lines) + 1, now, part))
            for line in cri.physical_lines(now, stream, neutral.encode("utf-8", "surrogateescape")):
                self._file.write(line)
            self._file.flush()
            self._arrived.notify_all()

    def find(self, pattern: str, since: int) -> re.Match[str] | None:
        """The first match in a line with a timestamp of at least `since` (ns)."""
        compiled = re.compile(pattern)
        matches = (compiled.search(line.text) for line in self.lines if line.timestamp >= since)
        return next((match for match in matches if match), None)

    def wait_for(self, pattern: str, seconds: float, since: int = 0) -> re.Match[str]:
        """Wait until a line matches; raises `RecordingFailedError` with the last lines when none does in time."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while not (match := self.find(pattern, since)):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise RecordingFailedError(
                        f"{self.source}: no line matched {pattern!r} within {seconds:g} s. "
                        f"The last lines were:\n{self.last_lines()}"
                    )
                self._arrived.wait(left)
            return match

    def last_lines(self, count: int = 15) -> str:
        """The end of the log, for messages."""
        return "\n".join(f"  {line.text[:300]}" for line in self.lines[-count:]) or "  (none)"

    def close(self) -> None:
        """No line is written after this. Raises when the log was cut or names the machine."""
        with self._arrived:
            self._file.close()
        if len(self.lines) >= MAX_LINES:
            raise RecordingFailedError(f"{self.source} reached {MAX_LINES} lines; make its script quieter.")
        for line in self.lines:
            refuse_private(line.text, f"{self.source}, line {line.number},")
