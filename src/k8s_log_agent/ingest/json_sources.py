"""Sources that wrap each log line in a JSON object: Docker's json-file, Loki's and our own JSON lines, journald."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import orjson

from k8s_log_agent.ingest.line_reader import MAX_LINE_BYTES, decode
from k8s_log_agent.ingest.timestamps import epoch, optional_rfc3339
from k8s_log_agent.records import NO_LABELS, LogLine, StreamKey

_TIME_KEYS = ("timestamp", "time", "ts", "@timestamp")
_STREAM_KEYS = (
    ("namespace", "k8s_namespace_name"),
    ("pod", "k8s_pod_name"),
    ("container", "k8s_container_name"),
    ("stream",),
)

Wrapped = Callable[[Mapping[str, object], int, StreamKey, str], LogLine | None]


def read_wrapped(
    lines: Iterable[bytes], base: StreamKey, source: str, dropped: Counter[str], unwrap: Wrapped
) -> Iterator[LogLine]:
    """Log lines of a file that holds one JSON object a line; `unwrap` takes the line out of its object.

    What is no object keeps its text and is counted as `broken_json`; an object without a line is counted as
    `no_line_in_object`.
    """
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            record = orjson.loads(raw)
        except orjson.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            dropped["broken_json"] += 1
            yield LogLine(base, number, None, decode(raw, dropped), source)
            continue
        line = unwrap(record, number, base, source)
        if line is None:
            dropped["no_line_in_object"] += 1
        else:
            yield line


def docker_line(record: Mapping[str, object], number: int, base: StreamKey, source: str) -> LogLine | None:
    """A line of Docker's json-file driver: `log`, `stream`, `time`."""
    text = record.get("log")
    if not isinstance(text, str):
        return None
    stream = base._replace(output=str(record.get("stream") or ""))
    return LogLine(stream, number, optional_rfc3339(record.get("time")), _one_line(text), source)


def field_line(name: str) -> Wrapped:
    """Take the text from the field `name`; time, stream and labels from their usual fields when they are there.

    The usual fields are those of `logcli -o jsonl` (`labels`, `timestamp`) and of flat records (`namespace`, `pod`,
    `container`, `stream`).
    """

    def unwrap(record: Mapping[str, object], number: int, base: StreamKey, source: str) -> LogLine | None:
        text = record.get(name)
        if not isinstance(text, str):
            return None
        labels = _labels(record.get("labels"))
        stamp = next((record[key] for key in _TIME_KEYS if key in record and key != name), None)
        return LogLine(_stream(record, labels, base), number, _time(stamp), _one_line(text), source, labels)

    return unwrap


def journald_line(record: Mapping[str, object], number: int, base: StreamKey, source: str) -> LogLine | None:
    """A line of `journalctl -o json`; its priority and identifier go on as labels `PRIORITY` and `unit`."""
    text = _journal_text(record.get("MESSAGE"))
    if text is None:
        return None
    program = str(record.get("SYSLOG_IDENTIFIER") or record.get("_COMM") or "")
    unit = str(record.get("_SYSTEMD_UNIT") or record.get("UNIT") or "")
    stream = StreamKey(base.namespace, str(record.get("_HOSTNAME") or base.pod), program or unit, "journal")
    labels = {"unit": unit, "PRIORITY": str(record["PRIORITY"])} if "PRIORITY" in record else {"unit": unit}
    micros = record.get("__REALTIME_TIMESTAMP") or record.get("_SOURCE_REALTIME_TIMESTAMP")
    timestamp = int(micros) * 1000 if isinstance(micros, str) and micros.isdecimal() else None
    return LogLine(stream, number, timestamp, _one_line(text), source, labels)


def _journal_text(value: object) -> str | None:
    """A message: text, or the list of bytes that journalctl gives when it is not UTF-8, or several of them."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        if all(isinstance(part, int) and 0 <= part < 256 for part in value):
            return bytes(value).decode(errors="replace")
        return _journal_text(value[-1])
    return None


def _one_line(text: str) -> str:
    return text.rstrip("\r\n")[:MAX_LINE_BYTES]


def _labels(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not value:
        return NO_LABELS
    return {str(key): str(content) for key, content in value.items() if isinstance(content, str | int | float | bool)}


def _stream(record: Mapping[str, object], labels: Mapping[str, str], base: StreamKey) -> StreamKey:
    def stated(names: tuple[str, ...], default: str) -> str:
        given = next((given for name in names if (given := labels.get(name) or record.get(name))), default)
        return given if isinstance(given, str) else default

    return StreamKey(*(stated(names, default) for names, default in zip(_STREAM_KEYS, base, strict=True)))


def _time(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return epoch(value)
    if isinstance(value, str) and value.isdecimal():
        return epoch(int(value))
    return optional_rfc3339(value)
