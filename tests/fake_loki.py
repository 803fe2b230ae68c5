"""A fake Loki in memory: what a log reader asks of the real one, as recorded of Loki 3.8, and no more.

It passes the tests of `tests/contract/test_loki_behaviour.py`, which a real Loki passes too. Its LogQL is matchers,
line filters and label filters with quoted values. `accept` is a handler for `httpx.MockTransport`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qs

import httpx

STRING = r'"(?:[^"\\]|\\.)*"'
MATCHER = re.compile(rf"\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*({STRING})\s*,?")
STAGE = re.compile(rf"\s*(?:(\|=|!=|\|~|!~)\s*({STRING})|\|\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*({STRING}))")
ESCAPE = re.compile(r'\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|([\\"nrt]))')
PLAIN = {"\\": "\\", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
LEVELS = ("error", "warn", "info", "debug")

Labels = Mapping[str, str]
Test = Callable[[Labels, str], bool]


class RefusedError(Exception):
    """What the fake answers with 400, as plain text."""


@dataclass(frozen=True)
class Line:
    labels: tuple[tuple[str, str], ...]
    timestamp: int
    text: str

    @property
    def place(self) -> tuple[int, bytes]:
        """Lines of one nanosecond lie in an order of their own, always the same."""
        return self.timestamp, blake2b(repr(self).encode("utf-8", "replace"), digest_size=8).digest()

    @property
    def detected_level(self) -> str:
        return next((level for level in LEVELS if level in self.text.lower()), "unknown")


@dataclass
class FakeLoki:
    """`before` sees each request first and may answer in its place, which is how faults are provoked."""

    max_entries: int = 5000
    max_length: int = 30 * 24 * 3600 * 10**9
    tenants: bool = False
    lines: dict[str, set[Line]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    before: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self.accept), base_url="http://loki.invalid", **options)

    def add(self, labels: Labels, *entries: tuple[int, str], tenant: str = "fake") -> None:
        known = {**labels, "service_name": labels.get("container") or labels.get("app") or "unknown_service"}
        stored = self.lines.setdefault(tenant, set())
        stored.update(Line(tuple(sorted(known.items())), timestamp, text) for timestamp, text in entries)

    def accept(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/loki/api/v1")
        tenant = request.headers.get("X-Scope-OrgID", "") if self.tenants else "fake"
        return self.before(request) or self._refused(path, tenant) or self._answer(request, path, tenant)

    def _refused(self, path: str, tenant: str) -> httpx.Response | None:
        if path not in {"/ready", "/status/buildinfo", "/push", "/query_range"}:
            return httpx.Response(404, text="404 page not found\n")
        if not tenant and path != "/ready":
            return httpx.Response(401, text="no org id\n")
        return httpx.Response(500, text="multiple org IDs present") if "|" in tenant else None

    def _answer(self, request: httpx.Request, path: str, tenant: str) -> httpx.Response:
        if path == "/query_range":
            return self._lines(request, tenant)
        if path == "/push":
            for stream in json.loads(request.content)["streams"]:
                self.add(stream["stream"], *((int(value[0]), value[1]) for value in stream["values"]), tenant=tenant)
            return httpx.Response(204)
        return httpx.Response(200, text="ready" if path == "/ready" else '{"version": "fake"}')

    def _lines(self, request: httpx.Request, tenant: str) -> httpx.Response:
        asked = dict(request.url.params)
        if request.method == "POST":
            asked = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.asked.append(asked)
        try:
            found = self._query_range(asked, tenant)
        except RefusedError as refused:
            return httpx.Response(400, text=str(refused))
        flags = request.headers.get("X-Loki-Response-Encoding-Flags", "")
        return httpx.Response(200, json=_streams(found, apart="categorize-labels" in flags))

    def _query_range(self, asked: dict[str, str], tenant: str) -> list[Line]:
        start, end, limit = int(asked["start"]), int(asked["end"]), int(asked.get("limit", "100"))
        if start > end:
            raise RefusedError("end timestamp must not be before or equal to start time")
        if limit <= 0:
            raise RefusedError("limit must be a positive value")
        if limit > self.max_entries:
            over = f"({limit} > {self.max_entries})"
            raise RefusedError(f"max entries limit per query exceeded, limit > max_entries_limit_per_query {over}")
        if end - start > self.max_length:
            lengths = f"(query length: {(end - start) // 10**9}s, limit: {self.max_length // 10**9}s)"
            raise RefusedError(f"the query time range exceeds the limit {lengths}")
        tests = list(_tests(asked["query"]))
        found = [
            line
            for line in self.lines.get(tenant, ())
            if start <= line.timestamp < end and all(test(_all_labels(line), line.text) for test in tests)
        ]
        newest_first = asked.get("direction", "backward") == "backward"
        return sorted(found, key=lambda line: line.place, reverse=newest_first)[:limit]


def _all_labels(line: Line) -> dict[str, str]:
    return {**dict(line.labels), "detected_level": line.detected_level}


def _streams(lines: list[Line], *, apart: bool) -> dict[str, Any]:
    streams: dict[tuple[tuple[str, str], ...], list[list[Any]]] = {}
    for line in lines:
        value: list[Any] = [str(line.timestamp), line.text]
        if apart:
            value.append({"structuredMetadata": {"detected_level": line.detected_level}})
        key = line.labels if apart else tuple(sorted(_all_labels(line).items()))
        streams.setdefault(key, []).append(value)
    data: dict[str, Any] = {"resultType": "streams", "stats": {}}
    if apart:
        data["encodingFlags"] = ["categorize-labels"]
    data["result"] = [{"stream": dict(key), "values": values} for key, values in streams.items()]
    return {"status": "success", "data": data}


def _tests(query: str) -> Iterator[Test]:
    query = re.sub(rf"({STRING})|#[^\n]*", lambda found: found[1] or "", query).strip()
    if not query.startswith("{"):
        raise RefusedError("parse error at line 1, col 1: syntax error: unexpected IDENTIFIER")
    place = 1
    wanted: list[Test] = []
    while found := MATCHER.match(query, place):
        wanted.append(_label_test(found[1], found[2], go_text(found[3])))
        place = found.end()
    if not re.compile(r"\s*\}").match(query, place):
        column = len(query) + 1
        raise RefusedError(f"parse error at line 1, col {column}: syntax error: unexpected $end, expecting }} or ,")
    place = query.index("}", place) + 1
    if all(test({}, "") for test in wanted):
        raise RefusedError("parse error : queries require at least one regexp or equality matcher")
    yield from wanted
    while place < len(query):
        found = STAGE.match(query, place)
        if not found:
            raise RefusedError(f"parse error at line 1, col {place + 1}: syntax error: unexpected IDENTIFIER")
        yield (
            _line_test(found[1], go_text(found[2])) if found[1] else _label_test(found[3], found[4], go_text(found[5]))
        )
        place = found.end()


def _label_test(name: str, operator: str, value: str) -> Test:
    if operator == "=":
        return lambda labels, text: labels.get(name, "") == value
    if operator == "!=":
        return lambda labels, text: labels.get(name, "") != value
    whole = re.compile(value)
    return lambda labels, text: bool(whole.fullmatch(labels.get(name, ""))) == (operator == "=~")


def _line_test(operator: str, value: str) -> Test:
    if operator == "|=":
        return lambda labels, text: value in text
    if operator == "!=":
        return lambda labels, text: value not in text
    expression = re.compile(value)
    return lambda labels, text: bool(expression.search(text)) == (operator == "|~")


def go_text(literal: str) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else PLAIN[found[3]]

    return ESCAPE.sub(plain, literal[1:-1])
