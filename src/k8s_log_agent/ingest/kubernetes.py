"""Kubernetes events as JSON: `kubectl get events -o json`, its watch, and the files of support bundles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import orjson

from k8s_log_agent.ingest.source_error import SourceError
from k8s_log_agent.ingest.timestamps import optional_rfc3339
from k8s_log_agent.records import LogLine, StreamKey

MAX_DOCUMENT_BYTES = 256 * 1024 * 1024


def read_events(lines: Iterable[bytes], source: str) -> Iterator[LogLine]:
    """One log line for each event, oldest first within a list; `number` is its place in the list.

    The text reads `Warning BackOff Pod/web: Back-off restarting failed container (x12)`; the stream is that of the
    object concerned, with the reporting component as output. Raises `SourceError` for a document that is cut or
    beyond `MAX_DOCUMENT_BYTES`.
    """
    pieces, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > MAX_DOCUMENT_BYTES:
            raise SourceError(
                f"{source} is a JSON document beyond {MAX_DOCUMENT_BYTES >> 20} MiB, which has to be held in memory. "
                "Write one event a line instead: kubectl get events -o json | jq -c '.items[]'."
            )
        pieces.append(line)
    try:
        document = orjson.loads(b"\n".join(pieces))
    except orjson.JSONDecodeError as error:
        raise SourceError(
            f"{source} looks like a list of Kubernetes events, but its JSON is broken: {error}. "
            "Write it anew with: kubectl get events -A -o json."
        ) from error
    items = document.get("items") if isinstance(document, dict) else document
    events = [item for item in items or [] if isinstance(item, dict)]
    for number, event in sorted(enumerate(events, 1), key=lambda pair: _time(pair[1]) or 0):
        found = event_line(event, number, StreamKey("", "", "", ""), source)
        if found is not None:
            yield found


def event_line(event: Mapping[str, object], number: int, base: StreamKey, source: str) -> LogLine | None:
    """One event as a log line, or None when the object is no event. A watch's `{type, object}` is opened."""
    inner = event.get("object")
    if isinstance(inner, dict) and "type" in event and "reason" not in event:
        event = inner
    reason, message = event.get("reason"), event.get("message") or event.get("note") or ""
    if not isinstance(reason, str) or not isinstance(message, str):
        return None
    about = _mapping(event.get("involvedObject") or event.get("regarding"))
    origin = _mapping(event.get("source"))
    reporter = str(event.get("reportingComponent") or origin.get("component") or "")
    kind, name = str(about.get("kind") or ""), str(about.get("name") or "")
    container = str(about.get("fieldPath") or "").removeprefix("spec.containers{").removesuffix("}")
    series = _mapping(event.get("series"))
    count = event.get("count") or series.get("count") or event.get("deprecatedCount") or 1
    times = f" (x{count})" if isinstance(count, int) and count > 1 else ""
    text = f"{event.get('type') or 'Normal'} {reason} {kind}/{name}: {' '.join(message.split())}{times}"
    stream = StreamKey(str(about.get("namespace") or base.namespace), name, container or "events", reporter)
    return LogLine(stream, number, _time(event), text, source, {"reason": reason, "kind": kind})


def _time(event: Mapping[str, object]) -> int | None:
    series = _mapping(event.get("series"))
    metadata = _mapping(event.get("metadata"))
    stamps = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("deprecatedLastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        metadata.get("creationTimestamp"),
    )
    return next((found for stamp in stamps if (found := optional_rfc3339(stamp)) is not None), None)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
