"""The lines of one window of a recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from k8s_log_agent.ingest.files import read_path
from k8s_log_agent.ingest.recordings import RecordedWindow, Recording
from k8s_log_agent.records import LogLine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def recording_lines(recording: Recording) -> list[LogLine]:
    """All lines of all pods of a recording, sorted by time; lines of one file with equal times keep their order."""
    lines = [line for line in read_path(recording.folder, Counter()) if line.timestamp is not None]
    return sorted(lines, key=lambda line: line.timestamp or 0)


def lines_within(lines: Sequence[LogLine], window: RecordedWindow) -> list[LogLine]:
    """Those of `lines` that fall into the window, its first and last microsecond included."""
    start, end = nanoseconds(window.start), nanoseconds(window.end) + 999
    return [line for line in lines if line.timestamp is not None and start <= line.timestamp <= end]


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since the epoch, exact to the microsecond that a datetime holds."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
