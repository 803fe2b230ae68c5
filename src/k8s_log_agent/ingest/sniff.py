"""What kind of file this is, told from its first bytes."""

from __future__ import annotations

from enum import Enum

import orjson

from k8s_log_agent.ingest.cri import CRI_LINE
from k8s_log_agent.ingest.kubectl import PREFIX, TIMESTAMP

HEAD_BYTES = 64 * 1024
_LOOK_AT = 20  # lines


_CONTROL = bytes(code for code in range(1, 32) if code not in (8, 9, 10, 12, 13, 27))


class Kind(Enum):
    """The kinds of source that are told apart."""

    EMPTY = "empty"
    BINARY = "binary"
    TAR = "tar"
    CRI = "cri"
    KUBECTL = "kubectl"
    DOCKER = "docker"
    JOURNALD = "journald"
    EVENTS_DOCUMENT = "events_document"
    EVENTS_LINES = "events_lines"
    LOKI_LINES = "loki_lines"
    JSON_DOCUMENT = "json_document"
    JSON_LINES = "json_lines"
    PLAIN = "plain"


def sniff(head: bytes) -> Kind:
    """The kind of a file that starts with `head` (decompressed, at most `HEAD_BYTES`)."""
    if not head.strip(b" \t\r\n\0"):
        return Kind.EMPTY
    if head[257:262] == b"ustar":
        return Kind.TAR
    if _is_binary(head[:8192]):
        return Kind.BINARY
    lines = [line for line in head.split(b"\n") if line.strip()][:_LOOK_AT]
    if any(CRI_LINE.match(line) for line in lines):
        return Kind.CRI
    if head.lstrip()[:1] in (b"{", b"["):
        kind = _json_kind(head, lines[0])
        if kind is not None:
            return kind
    texts = [line.decode(errors="replace") for line in lines]
    marked = sum(1 for text in texts if PREFIX.match(text) or TIMESTAMP.match(text))
    return Kind.KUBECTL if marked * 5 >= len(texts) * 4 else Kind.PLAIN


def _is_binary(head: bytes) -> bool:
    """Control bytes beyond a few; blocks of NUL alone are what a crash leaves at the end of a log."""
    rest = head.replace(b"\0", b"")
    control = len(rest) - len(rest.translate(None, _CONTROL))
    return control * 25 > len(rest)


def _json_kind(head: bytes, first: bytes) -> Kind | None:
    try:
        record = orjson.loads(first)
    except orjson.JSONDecodeError:
        return _document_kind(head)
    if isinstance(record, list):
        return _document_kind(head)
    return _object_kind(record) if isinstance(record, dict) else None


def _object_kind(record: dict[str, object]) -> Kind:
    inner = record.get("object")
    if "items" in record and "kind" in record:
        return (
            Kind.EVENTS_DOCUMENT if _document_kind(orjson.dumps(record)) is Kind.EVENTS_DOCUMENT else Kind.JSON_DOCUMENT
        )
    if record.get("kind") == "Event" or (isinstance(inner, dict) and inner.get("kind") == "Event"):
        return Kind.EVENTS_LINES
    if "MESSAGE" in record and ("__REALTIME_TIMESTAMP" in record or "__CURSOR" in record):
        return Kind.JOURNALD
    if isinstance(record.get("log"), str) and "stream" in record and "time" in record:
        return Kind.DOCKER
    if isinstance(record.get("line"), str) and ("labels" in record or "timestamp" in record):
        return Kind.LOKI_LINES
    return Kind.JSON_LINES


def _document_kind(head: bytes) -> Kind | None:
    """An indented or one-line JSON document: a list of events, another document, or None for plain text."""
    start = head.lstrip()
    if start[:1] == b"[" and start[1:].lstrip()[:1] not in (b"{", b"]"):
        return None
    if b'"involvedObject"' in head or b'"EventList"' in head or b'"regarding"' in head:
        return Kind.EVENTS_DOCUMENT
    opened = start.split(b"\n", 1)[0].rstrip()
    return Kind.JSON_DOCUMENT if opened in (b"{", b"[", b"[{") else None
