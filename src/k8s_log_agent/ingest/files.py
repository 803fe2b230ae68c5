"""Log lines of a file or of a folder, whatever wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from k8s_log_agent.ingest import json_sources
from k8s_log_agent.ingest.cri import read_cri
from k8s_log_agent.ingest.kubectl import read_kubectl
from k8s_log_agent.ingest.kubernetes import event_line, read_events
from k8s_log_agent.ingest.line_reader import BROKEN_ARCHIVE, decode, open_bytes, raw_lines
from k8s_log_agent.ingest.locations import log_files, stream_of
from k8s_log_agent.ingest.sniff import HEAD_BYTES, Kind, sniff
from k8s_log_agent.ingest.source_error import SourceError
from k8s_log_agent.records import LogLine, StreamKey

__all__ = ["SourceError", "read_path", "read_stream"]

_UNREAD = {
    Kind.EMPTY: "empty_file",
    Kind.BINARY: "binary_file",
    Kind.TAR: "archive_file",
    Kind.JSON_DOCUMENT: "document",
}
_BY_CONTENT = (Kind.CRI, Kind.DOCKER, Kind.JOURNALD, Kind.EVENTS_DOCUMENT, Kind.EVENTS_LINES, Kind.LOKI_LINES)


@dataclass(frozen=True, slots=True)
class _Place:
    """One source of lines: its name, whose log it is, where losses are counted, and the field of wrapped lines."""

    name: str
    base: StreamKey
    dropped: Counter[str]
    jsonl_field: str | None

    def wrapped(self, raw: Iterable[bytes], unwrap: json_sources.Wrapped) -> Iterator[LogLine]:
        return json_sources.read_wrapped(raw, self.base, self.name, self.dropped, unwrap)


def read_path(path: Path, dropped: Counter[str], jsonl_field: str | None = None) -> Iterator[LogLine]:
    """Log lines of `path`, a file or a folder, in constant memory; each kind of file is detected by its content.

    `LogLine.source` is relative to a given folder, else the file's name. With `jsonl_field`, every file is JSON
    lines and the text is that field of each object. What is skipped or altered is counted in `dropped`. Raises
    `SourceError` when nothing can be read.
    """
    if not path.exists():
        raise SourceError(f"{path} does not exist. Name a log file, a folder of logs, or - for standard input.")
    if not path.is_dir():
        yield from _one_file(path, dropped, jsonl_field)
        return
    found, files = False, 0
    for file, is_named_so in log_files(path, dropped):
        source = PurePosixPath(file.relative_to(path).as_posix())
        files += 1
        try:
            with open_bytes(file) as opened:
                for line in _lines_in_folder(opened, source, dropped, jsonl_field, is_named_so):
                    found = True
                    yield line
        except (OSError, SourceError):
            dropped["unreadable_file"] += 1
    if not found:
        skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(dropped.items())) or "none"
        raise SourceError(
            f"No log line found in {path}: {files} files looked at; skipped: {skipped}. "
            "Point at a folder with *.log files, such as /var/log/pods, or at one file."
        )


def read_stream(file: IO[bytes], dropped: Counter[str], name: str, jsonl_field: str | None = None) -> Iterator[LogLine]:
    """Log lines of an open byte stream, such as standard input, as they come. Raises `SourceError` when it is empty."""
    head, read = b"", getattr(file, "read1", file.read)
    while len(head) < HEAD_BYTES and b"\n" not in head.lstrip() and (chunk := read(HEAD_BYTES)):
        head += chunk
    place = _Place(name, StreamKey("", "", name, ""), dropped, jsonl_field)
    return _checked(_lines(file, head, place), name)


def _one_file(path: Path, dropped: Counter[str], jsonl_field: str | None) -> Iterator[LogLine]:
    try:
        with open_bytes(path) as file:
            head = _head(file, dropped)
            kind = sniff(head)
            if kind in (Kind.TAR, Kind.BINARY):
                what = "an archive" if kind is Kind.TAR else "binary"
                raise SourceError(
                    f"{path} is {what}, not a log. Unpack it (tar -xf) and name the folder or a text file."
                )
            base = stream_of(PurePosixPath(path.absolute().as_posix()))
            yield from _checked(_lines(file, head, _Place(path.name, base, dropped, jsonl_field)), str(path))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}. Check its owner and mode.") from error


def _checked(lines: Iterator[LogLine], name: str) -> Iterator[LogLine]:
    found = False
    for line in lines:
        found = True
        yield line
    if not found:
        raise SourceError(f"No log line found in {name}: it holds no text. Point at a file or a folder of log lines.")


def _lines_in_folder(
    file: IO[bytes], source: PurePosixPath, dropped: Counter[str], jsonl_field: str | None, is_named_so: bool
) -> Iterator[LogLine]:
    """Lines of one file of a folder; nothing for what is no log, which is counted."""
    head = _head(file, dropped)
    kind = sniff(head)
    if kind in _UNREAD:
        dropped[_UNREAD[kind]] += 1
    elif is_named_so or kind in _BY_CONTENT or source.name.startswith("logs."):
        yield from _lines(file, head, _Place(source.as_posix(), stream_of(source), dropped, jsonl_field))
    else:
        dropped["not_a_log_file"] += 1


def _head(file: IO[bytes], dropped: Counter[str]) -> bytes:
    try:
        return file.read(HEAD_BYTES)
    except BROKEN_ARCHIVE:
        dropped["broken_archive"] += 1
        return b""


def _lines(file: IO[bytes], head: bytes, place: _Place) -> Iterator[LogLine]:
    """Lines of one open file, of which `head` was read already."""
    raw = raw_lines(file, place.dropped, head)
    kind = sniff(head)
    if kind is Kind.EMPTY and len(head) < HEAD_BYTES:
        return iter(())
    if place.jsonl_field is not None:
        return place.wrapped(raw, json_sources.field_line(place.jsonl_field))
    if kind in _WRAPPED:
        return place.wrapped(raw, _WRAPPED[kind])
    if kind is Kind.EVENTS_DOCUMENT:
        return read_events(raw, place.name)
    read = _READERS.get(kind, read_plain)
    return read(raw, place.base, place.name, place.dropped)


def read_plain(raw: Iterable[bytes], base: StreamKey, source: str, dropped: Counter[str]) -> Iterator[LogLine]:
    """Each line as it is, without a time."""
    for number, line in enumerate(raw, 1):
        yield LogLine(base, number, None, decode(line, dropped), source)


_READERS = {Kind.CRI: read_cri, Kind.KUBECTL: read_kubectl}
_WRAPPED: Mapping[Kind, json_sources.Wrapped] = {
    Kind.DOCKER: json_sources.docker_line,
    Kind.JOURNALD: json_sources.journald_line,
    Kind.LOKI_LINES: json_sources.field_line("line"),
    Kind.EVENTS_LINES: event_line,
}
