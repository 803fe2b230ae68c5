"""Lines that are records themselves: JSON (to depth 2) and logfmt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.access import access_level
from k8s_log_agent.understand.levels import level_of, numeric_level, otlp_level, syslog_level
from k8s_log_agent.understand.parsed import Parsed

_LEVEL_KEYS = (
    "level lvl severity severityText severity_text SeverityText log.level loglevel log_level levelname level_name"
    " Level LogLevel @l LEVEL priority PRIORITY"
).split()
_OTLP_KEYS = ("severityNumber", "severity_number", "SeverityNumber")
_MESSAGE_KEYS = (
    "msg message @m MESSAGE Message @mt RenderedMessage body Body event short_message text log description".split()
)
_ERROR_KEYS = (
    "error err Error exception exc reason cause error.message exception.message errmsg errorMessage @x".split()
)
_TRACE_KEYS = (
    "stack stacktrace stack_trace stackTrace exc_info error.stack_trace exception.stacktrace error.stack errorVerbose"
).split()
_LOGGER_KEYS = (
    "logger logger_name loggerName log.logger name component target subsys module category SourceContext".split()
)
_STAMP_KEYS = "ts time timestamp @timestamp t @t Timestamp datetime date asctime".split()
_STATUS_KEYS = "status status_code statusCode response_code http_status DownstreamStatus sc_status".split()
_NESTED = (
    "log",
    "fields",
    "attributes",
    "error",
    "err",
    "exception",
    "attr",
    "properties",
    "extra",
    "record",
    "resp",
    "res",
)
_LONGEST_PIECE = 16_384

_PAIR = re.compile(r'([A-Za-z_@][\w.@/\-]{0,100})=(?:"((?:[^"\\]|\\.){0,16384})"|([^\s"]{0,4096}))(?=\s|$)')
_CUT_FIELD = re.compile(
    r'"(level|lvl|severity|msg|message|error|err|s|log\.level)"\s{0,4}:\s{0,4}(?:"((?:[^"\\]|\\.){0,4096})|(\d{1,3}))'
)


def parse_json(text: str) -> Parsed | None:
    """A JSON object taken apart; one that is cut or broken is read as far as its known fields go. None when neither."""
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _cut_json(text)
    return _from_record(record, text) if isinstance(record, dict) and record else None


def _from_record(record: dict[str, Any], text: str) -> Parsed:
    if "c" in record and "msg" in record and "s" in record:
        return _mongodb(record)
    level, method = _stated_level(record)
    message = _message(record)
    status = next((number for key in _STATUS_KEYS if (number := _whole(record.get(key)))), 0)
    trace = next((lines for key in _TRACE_KEYS if (lines := _lines(_at(record, key)))), ())
    component = next((name for key in _LOGGER_KEYS if isinstance(name := record.get(key), str) and name), "")
    stamp = next((_stamp(record[key]) for key in _STAMP_KEYS if key in record), "")
    if not message and 100 <= status <= 599 and level is Severity.UNKNOWN:
        return Parsed("json_access", (text,), access_level(status), "access", 0.9, component, stamp, status, (), True)
    pieces = _pieces(message, record) or (text,)
    sure = 0.99 if method == "field" else 0.9
    confidence = sure if level is not Severity.UNKNOWN else 0.0
    return Parsed("json", pieces, level, method, confidence, component[:200], stamp, status, trace, True)


def _mongodb(record: dict[str, Any]) -> Parsed:
    level = level_of(str(record["s"])[:1])
    stamp = record.get("t")
    written = str(stamp.get("$date", "")) if isinstance(stamp, dict) else ""
    pieces = _pieces(str(record["msg"]), record) or (str(record["msg"]),)
    return Parsed("mongodb", pieces, level, "field", 0.99, str(record["c"])[:80].strip("- "), written, 0, (), True)


def _stated_level(record: Mapping[str, Any]) -> tuple[Severity, str]:
    for key in _OTLP_KEYS:
        if (number := _whole(record.get(key))) and (level := otlp_level(number)) is not Severity.UNKNOWN:
            return level, "numeric"
    for place in (record, *(inner for key in _NESTED if isinstance(inner := record.get(key), dict))):
        for key in _LEVEL_KEYS:
            value = place.get(key)
            if isinstance(value, str):
                if value.isdecimal() and len(value) < 4:
                    value = int(value)
                elif (level := level_of(value)) is not Severity.UNKNOWN:
                    return level, "field"
            if isinstance(value, int) and not isinstance(value, bool):
                level = syslog_level(value) if key in ("priority", "PRIORITY") else numeric_level(value, record)
                if level is not Severity.UNKNOWN:
                    return level, "numeric"
    return Severity.UNKNOWN, "none"


def _message(record: Mapping[str, Any]) -> str:
    for key in _MESSAGE_KEYS:
        value = record.get(key)
        if isinstance(value, str) and value.strip():
            return value
    for key in _NESTED:
        inner = record.get(key)
        if isinstance(inner, dict):
            for name in ("message", "msg"):
                value = inner.get(name)
                if isinstance(value, str) and value.strip():
                    return value
    return ""


def _pieces(message: str, record: Mapping[str, Any]) -> tuple[str, ...]:
    """The message, then what the error fields add to it."""
    pieces = [message[:_LONGEST_PIECE]] if message else []
    nested = [
        inner for key in ("attr", "error", "err", "exception", "fields") if isinstance(inner := record.get(key), dict)
    ]
    for place in (record, *nested):
        for key in _ERROR_KEYS if place is record else (*_ERROR_KEYS, "message", "msg", "codeName", "code", "errmsg"):
            value = place.get(key)
            if isinstance(value, str) and value and not any(value in piece for piece in pieces):
                pieces.append(value[:_LONGEST_PIECE])
    return tuple(pieces[:6])


def _cut_json(text: str) -> Parsed | None:
    found = {match[1]: match[2] if match[2] is not None else match[3] for match in _CUT_FIELD.finditer(text[:32768])}
    message = found.get("msg") or found.get("message")
    if not found or not (message or found.get("error") or found.get("err")):
        return None
    stated = next((found[key] for key in ("level", "lvl", "severity", "log.level", "s") if key in found), "")
    level = numeric_level(int(stated), {}) if stated.isdecimal() else level_of(stated)
    pieces = tuple(dict.fromkeys(piece for key in ("msg", "message", "error", "err") if (piece := found.get(key))))
    confidence = 0.9 if level is not Severity.UNKNOWN else 0.0
    return Parsed("json", pieces, level, "field", confidence, headed=True)


def parse_logfmt(text: str) -> Parsed | None:
    """A logfmt line taken apart, or None: two pairs at least, one of them a level or a message."""
    first = _PAIR.match(text)
    if not first:
        return None
    fields: dict[str, str] = {}
    raw: dict[str, bool] = {}
    for found in _PAIR.finditer(text[:32768]):
        value = found[2] if found[2] is not None else found[3]
        if found[1] not in fields:
            raw[found[1]] = "\\" not in value
            fields[found[1]] = value if raw[found[1]] else value.replace('\\"', '"').replace("\\n", "\n")
    level, method = _stated_level(fields)
    message = fields.get("msg") or fields.get("message") or fields.get("event") or ""
    if len(fields) < 2 or not (message or level is not Severity.UNKNOWN):
        return None
    stamp = next((fields[key] for key in _STAMP_KEYS if key in fields), "")
    component = next((fields[key] for key in _LOGGER_KEYS if fields.get(key)), "")
    pieces = _pieces(message, fields) or (text,)
    confidence = 0.99 if level is not Severity.UNKNOWN else 0.0
    status = next((number for key in _STATUS_KEYS if (number := _whole(fields.get(key)))), 0)
    return Parsed("logfmt", pieces, level, method, confidence, component[:200], stamp, status, (), True)


def _at(record: Mapping[str, Any], key: str) -> object:
    if key in record or "." not in key:
        value = record.get(key)
        if value is None and "." not in key:
            nested = (
                inner.get(key) for name in ("error", "err", "exception") if isinstance(inner := record.get(name), dict)
            )
            value = next((inner for inner in nested if inner), None)
        return value
    outer, inner = key.split(".", 1)
    place = record.get(outer)
    return place.get(inner) if isinstance(place, dict) else None


def _lines(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        value = "\n".join(part for part in value if isinstance(part, str))
    return tuple(value.strip("\n").split("\n")[:128]) if isinstance(value, str) and value.strip() else ()


def _stamp(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("$date", "")
    return str(value)[:40] if isinstance(value, str | int | float) else ""


def _whole(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else 0
