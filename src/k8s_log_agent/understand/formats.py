"""Takes one line apart by its form: which format it is, the level it states, its logger, its time, its message.

Every form is tried anew on each line, since several in one stream are normal; what is costly is remembered by the
pipeline, by the shape of a line.
"""

from __future__ import annotations

import re

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.access import parse_access
from k8s_log_agent.understand.headers import find_header
from k8s_log_agent.understand.levels import level_of, syslog_level
from k8s_log_agent.understand.parsed import Parsed
from k8s_log_agent.understand.structured import parse_json, parse_logfmt

LONGEST = 65_536  # characters that are taken apart

_PRI = re.compile(r"<(?P<pri>\d{1,3})>")
_RFC5424 = re.compile(
    r"1 (?P<stamp>\S{1,40}) \S{1,255} (?P<logger>\S{1,48}) \S{1,128} \S{1,32}"
    r" (?:-|(?:\[(?:[^\]\\\"]|\"(?:[^\"\\]|\\.){0,1024}\"){0,200}\])+) ?"
)
_TRAILING_LOGGER = re.compile(r" \(([a-z][\w.$\-]{2,120})\)$")
_ENTRY = re.compile(r"time=\"|ts=|level=|lvl=|t=")
_EVENT = re.compile(r"(?P<level>Normal|Warning) (?P<reason>[A-Z]\w{1,80}) [A-Z]\w{1,60}/[\w.\-]{1,253}: ")
_POSTGRES_PARTS = frozenset(("DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY", "LOCATION"))
_OUTER = frozenset(("syslog", "timestamped", "kernel"))
_INDENTED = frozenset(("tracing", "levelled", "bracketed"))  # formats that may begin with blanks
_METHODS = {"klog": ("klog", 0.99), "bracketed": ("bracket", 0.97), "levelled": ("header", 0.9)}
_WRAPPERS = {"syslog": "syslog", "kernel": "kernel"}
_TOKEN_LEVELS = {
    ("npm", "ERR"): Severity.ERROR,
    ("php", "Fatal error"): Severity.CRITICAL,
    ("php", "Parse error"): Severity.CRITICAL,
    ("llama_cpp", ""): Severity.UNKNOWN,
}


def parse(text: str) -> Parsed:
    """One statement taken apart; plain text comes back whole, without level.

    `text` has no colour codes; of continuation lines only the first matters here.
    """
    first = text.split("\n", 1)[0][:LONGEST]
    found = _parse(first, nested=False)
    if found is not None:
        return found
    return Parsed("plain", (first.strip(),))


def _parse(text: str, *, nested: bool) -> Parsed | None:
    start = text[:1]
    if start in " \t":
        stripped = text.lstrip()
        found = find_header(stripped)
        return _headed(stripped, *found) if found and found[0] in _INDENTED else None
    if start == "{":
        return parse_json(text)
    if start == "<":
        return _syslog(text)
    record = parse_access(text) or (parse_logfmt(text) if "=" in text[:120] else None) or _event(text)
    if record is not None:
        return record
    found = find_header(text)
    return _headed(text, *found, nested=nested) if found else None


def _event(text: str) -> Parsed | None:
    found = _EVENT.match(text)
    if not found:
        return None
    level = Severity.WARN if found["level"] == "Warning" else Severity.INFO
    return Parsed("kubernetes_event", (text,), level, "event", 0.9, headed=True)


def _headed(text: str, name: str, found: re.Match[str], *, nested: bool = False) -> Parsed:
    groups = found.groupdict()
    token = groups.get("level") or ""
    level = _TOKEN_LEVELS.get((name, token)) or level_of(token)
    if name == "postgresql" and token in ("LOG",):
        level = Severity.INFO
    message = text[found.end() :].strip()
    component = groups.get("logger") or ""
    if name in _OUTER and level is Severity.UNKNOWN and not nested and message:
        inner = _parse(message, nested=True)
        if inner is not None and inner.format != "plain":
            stamp, own = groups.get("stamp") or "", inner.component or component
            return _with(inner, own, inner.stamp or stamp)
    if not component and (trailing := _TRAILING_LOGGER.search(message[-130:])):
        component, message = trailing[1], message[: -len(trailing[0])]
        name = "log4j"
    access = parse_access(message) if name == "levelled" and '"' in message else None
    name, status = (access.format, access.status) if access else (name, 0)
    method, sure = _METHODS.get(name, ("header", 0.97))
    if level is Severity.UNKNOWN:
        method, sure = "none", 0.0
    continues = name == "postgresql" and token in _POSTGRES_PARTS
    pieces = (message or text.strip(),)
    return Parsed(name, pieces, level, method, sure, component, groups.get("stamp") or "", status, (), True, continues)


def _with(inner: Parsed, component: str, stamp: str) -> Parsed:
    return Parsed(
        inner.format,
        inner.pieces,
        inner.level,
        inner.method,
        inner.confidence,
        component,
        stamp,
        inner.status,
        inner.trace,
        headed=True,
        continues=inner.continues,
    )


def _syslog(text: str) -> Parsed | None:
    pri = _PRI.match(text)
    if not pri or int(pri["pri"]) > 191:
        return None
    rest = text[pri.end() :]
    stated = syslog_level(int(pri["pri"]) % 8)
    new = _RFC5424.match(rest)
    if new:
        message = rest[new.end() :].lstrip("\ufeff").strip()
        stamp, component = new["stamp"], new["logger"].strip("-")
    else:
        old = find_header(rest)
        if old and old[0] in _OUTER:
            message, component = rest[old[1].end() :].strip(), old[1].groupdict().get("logger") or ""
            stamp = old[1].groupdict().get("stamp") or ""
        else:
            message, component, stamp = rest.strip(), "", ""
    inner = _parse(message, nested=True) if message else None
    if inner is not None and inner.level is not Severity.UNKNOWN:
        return _with(inner, inner.component or component, stamp)
    return Parsed("syslog", (message or text,), stated, "syslog", 0.95, component, stamp, headed=True)
