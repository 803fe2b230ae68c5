"""The log lines that a job speaks of: pasted into the request, or read from Loki."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx

from k8s_log_agent.ingest.dropped import dropped_words
from k8s_log_agent.ingest.files import read_stream
from k8s_log_agent.ingest.loki import Budget, LokiReader, Reading
from k8s_log_agent.ingest.loki_access import LokiAccess, http_client, secret_from_file
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_selector import TypedQuery
from k8s_log_agent.ingest.source_error import SourceError
from k8s_log_agent.ingest.windows import nanoseconds
from k8s_log_agent.records import LogLine, StreamKey
from k8s_log_agent.service.settings import Settings
from k8s_log_agent.understand.redaction import Redactor

PASTED = "pasted"
LONGEST_RANGE = timedelta(days=7)
_ATTEMPTS = 3
_READING_SECONDS = 60.0
READING = 0.3  # of a job's progress
_SAID_EVERY = 500  # lines
Tick = Callable[[float], None]  # told how far a job is, 0..1; raises when the job must not go on


class LinesError(ValueError):
    """What a request says of its lines does not go together; the text says why and what to send."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The lines of a request: a text, or a LogQL selector with a range (UTC, the end excluded)."""

    text: str = ""
    selector: str = ""
    start: datetime | None = None
    end: datetime | None = None
    namespace: str = ""
    name: str = PASTED  # what the lines of a text say that they are from

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Wanted:
        """What a job's payload asks for; raises `LinesError`."""
        text, selector = str(payload.get("text") or ""), str(payload.get("selector") or "")
        if bool(text.strip()) == bool(selector.strip()):
            raise LinesError("Send either lines as text, or a LogQL selector with a start and an end.")
        start, end = _moment(payload.get("start")), _moment(payload.get("end"))
        if selector and not (start and end and timedelta(0) < end - start <= LONGEST_RANGE):
            raise LinesError(
                f"A selector needs a start and a later end, at most {LONGEST_RANGE.days} days apart, as in "
                "2026-11-25T08:00:00Z."
            )
        return cls(text, selector, start, end, str(payload.get("namespace") or ""))


def storable(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as it may be stored: pasted text without its secrets."""
    text = payload.get("text")
    return {**payload, "text": Redactor.default().redact(text).text} if isinstance(text, str) and text else {**payload}


def loki_access(settings: Settings, timeout_seconds: float) -> LokiAccess:
    """How the service is let into the Loki of its settings; raises `LokiAccessError`."""
    token = secret_from_file(settings.loki_token_file) if settings.loki_token_file else None
    tenant = settings.loki_tenant or None
    return LokiAccess(url=settings.loki_url, tenant=tenant, token=token, timeout_seconds=timeout_seconds)


class LineSource:
    """Reads lines for one job after the other."""

    def __init__(self, settings: Settings, connect: Callable[[LokiAccess], httpx.Client] = http_client) -> None:
        """`connect` opens what a Loki is asked through."""
        self._settings = settings
        self._connect = connect

    def read(self, wanted: Wanted, notes: list[str], tick: Tick) -> Iterator[LogLine]:
        """The lines, at most as many as the settings allow; says in `notes` what was left out. Raises `SourceError`."""
        most = self._settings.most_lines
        dropped: Counter[str] = Counter()
        for taken, line in enumerate(islice(self._lines(wanted, dropped), most + 1)):
            if taken == most:
                notes.append(f"only the first {most} lines were looked at; ask for a shorter range to see the others")
                break
            if taken % _SAID_EVERY == 0:
                tick(READING * taken / most)
            yield line
        if dropped:
            notes.append(f"skipped or altered while reading: {dropped_words(dropped)}")

    def _lines(self, wanted: Wanted, dropped: Counter[str]) -> Iterator[LogLine]:
        if wanted.selector:
            return self._from_loki(wanted)
        pasted = io.BytesIO(wanted.text.encode("utf-8", "replace"))
        return _within(read_stream(pasted, dropped, wanted.name), wanted)

    def _from_loki(self, wanted: Wanted) -> Iterator[LogLine]:
        if not self._settings.loki_url:
            raise SourceError("This service knows no Loki, so it cannot read a selector. Set loki_url, or send lines.")
        budget = Budget(lines=self._settings.most_lines + 1, seconds=_READING_SECONDS)
        start, end = (nanoseconds(moment) if moment else 0 for moment in (wanted.start, wanted.end))
        with closing(self._connect(loki_access(self._settings, _READING_SECONDS))) as http:
            client = LokiClient(http, attempts=_ATTEMPTS, longest_wait=3.0)
            yield from LokiReader(client, Reading(TypedQuery(wanted.selector), start, end, budget=budget))


def _within(lines: Iterable[LogLine], wanted: Wanted) -> Iterator[LogLine]:
    """Lines that do not say where they are from are of the namespace that the request names, and of no container."""
    streams: dict[StreamKey, StreamKey] = {}
    for line in lines:
        stream = streams.get(line.stream)
        if stream is None:
            container = "" if line.stream.container == wanted.name else line.stream.container
            namespace = line.stream.namespace or wanted.namespace
            stream = streams[line.stream] = line.stream._replace(namespace=namespace, container=container)
        yield line if stream == line.stream else replace(line, stream=stream)


def _moment(written: object) -> datetime | None:
    if not written:
        return None
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError as error:
        raise LinesError(f"{str(written)[:40]!r} is not a time. Write it like 2026-11-25T08:00:00Z.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
