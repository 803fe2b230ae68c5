"""Access logs of web servers, proxies and gateways, whose status stands for a level."""

from __future__ import annotations

import re

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.parsed import Parsed

_REQUEST = r'"(?:(?P<verb>[A-Z]{2,10}) (?P<path>[^"\\]{0,4096}(?:\\.[^"\\]{0,4096}){0,20})|-|[^"]{0,4096})"'
_COMBINED = re.compile(
    r"(?P<client>\S{1,255}) \S{1,255} \S{1,255} \[(?P<stamp>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    + _REQUEST
    + r" (?P<status>\d{3})\b"
)
_ENVOY = re.compile(
    r"\[(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\] "
    + _REQUEST
    + r" (?P<status>\d{1,3}) (?P<flags>\S{1,80}) "
)
_HAPROXY = re.compile(
    r"(?P<client>\S{1,64}:\d{1,5}) \[(?P<stamp>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] \S{1,128} \S{1,128}/\S{1,128}"
    r" [-\d/+]{5,60} (?P<status>-?\d{1,3}) \+?\d{1,19} .{0,200}?(?P<flags>[A-Za-z-]{4}) "
)
_UVICORN = re.compile(
    r'(?P<client>[0-9a-fA-F.:\[\]]{2,64}:\d{1,5}) - "(?P<verb>[A-Z]{2,10}) (?P<path>[^"]{0,4096})" (?P<status>\d{3})\b'
)
_DJANGO = re.compile(r"\[(?P<stamp>\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d)\] " + _REQUEST + r" (?P<status>\d{3})\b")
_GIN = re.compile(
    r"\[GIN\] (?P<stamp>\d{4}/\d\d/\d\d - \d\d:\d\d:\d\d) \| *(?P<status>\d{3}) \|[^|]{1,40}"
    r"\|[^|]{1,80}\| (?P<verb>[A-Z]{2,10}) "
)
_FORMS = (
    ("access_combined", _COMBINED),
    ("envoy_access", _ENVOY),
    ("haproxy_access", _HAPROXY),
    ("uvicorn_access", _UVICORN),
    ("django_access", _DJANGO),
    ("gin_access", _GIN),
)
_CLIENT_TROUBLE = frozenset((401, 403, 407, 408, 409, 413, 422, 425, 429, 431))


def access_level(status: int) -> Severity:
    """ERROR for 5xx and for 0 (no answer was sent), WARN for what a client may suffer from, else INFO."""
    if status >= 500 or status <= 0:
        return Severity.ERROR
    return Severity.WARN if status in _CLIENT_TROUBLE else Severity.INFO


def parse_access(text: str) -> Parsed | None:
    """An access line taken apart, or None. The message is the whole line, since all of it carries meaning."""
    if '"' not in text[:5000] and not text.startswith("[GIN]") and "/" not in text[:200]:
        return None
    for name, form in _FORMS:
        if found := form.match(text):
            status = int(found["status"])
            stamp = found.groupdict().get("stamp") or ""
            return Parsed(name, (text,), access_level(status), "access", 0.9, "", stamp, max(status, 0), (), True)
    return None
