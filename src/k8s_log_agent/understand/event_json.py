"""An event as one line of JSON, as `k8s-log-agent understand --jsonl` prints it."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from k8s_log_agent.records import Event

_SECOND = 1_000_000_000


def event_json(event: Event) -> bytes:
    """The event as a JSON object and a line end. `timestamp` is RFC 3339 with nanoseconds, or null."""
    record = {
        "timestamp": rfc3339(event.timestamp),
        "stream": event.stream._asdict(),
        "message": event.message,
        "severity": event.severity,
        "level": event.level,
        "method": event.method,
        "confidence": event.confidence,
        "signature": event.signature,
        "template": event.template,
        "cluster": event.cluster,
        "noise_rule": event.noise_rule,
        "causes": [
            {"code": hint.code, "rule": hint.rule, "weight": hint.weight, "line": hint.line} for hint in event.causes
        ],
        "redactions": dict(event.redactions),
        "lines": event.lines,
        "source": event.source,
        "format": event.format,
        "truncated": event.truncated,
        "text": event.text,
    }
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # half of a surrogate pair, which JSON input can hold and UTF-8 cannot
        for key in ("message", "template", "text"):
            record[key] = str(record[key]).encode("utf-8", "replace").decode()
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def rfc3339(nanoseconds: int | None) -> str | None:
    """`2026-11-24T20:00:00.123456789Z` of nanoseconds since the epoch."""
    if nanoseconds is None:
        return None
    seconds, fraction = divmod(nanoseconds, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"
