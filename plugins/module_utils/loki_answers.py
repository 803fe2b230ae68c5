"""Asks a Loki for the lines of a query, by address or through a Service of a cluster."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ansible.module_utils.urls import open_url

from . import pod_http
from .cluster_api import ClusterApi, ClusterError

NANOSECONDS = 1_000_000_000


class LokiError(Exception):
    """Loki could not be asked, or refused the query; one paragraph."""


@dataclass(frozen=True)
class Found:
    """The lines of an answer, newest first, and the seconds that the answer took."""

    lines: list[dict[str, Any]]
    seconds: float


Ask = Callable[[str], tuple[int, bytes]]


def by_url(url: str, timeout_seconds: float) -> Ask:
    """Asks the Loki at `url`."""

    def ask(path: str) -> tuple[int, bytes]:
        try:
            with open_url(url.rstrip("/") + path, timeout=timeout_seconds) as answer:
                return int(answer.status), answer.read()
        except urllib.error.HTTPError as error:
            return int(error.code), error.read()
        except OSError as error:
            raise LokiError(f"No Loki answers at {url}: {error}. Check that it runs, then run again.") from error

    return ask


def by_service(api: ClusterApi, namespace: str, name: str, port: int, timeout_seconds: float) -> Ask:
    """Asks a pod behind the Service through the API."""

    def ask(path: str) -> tuple[int, bytes]:
        try:
            answer = pod_http.ask_service(api, namespace, name, port, path, timeout_seconds=timeout_seconds)
        except ClusterError as error:
            raise LokiError(f"{error} Look at it with kubectl get pods -n {namespace}, then run again.") from error
        return answer.status, answer.body

    return ask


def find_lines(ask: Ask, query: str, start: float, end: float, limit: int) -> Found:
    """At most `limit` lines between `start` and `end`, in seconds since the epoch."""
    asked = {
        "query": query,
        "start": str(int(start * NANOSECONDS)),
        "end": str(int(end * NANOSECONDS)),
        "limit": str(limit),
        "direction": "backward",
    }
    began = time.monotonic()
    status, body = ask("/loki/api/v1/query_range?" + urlencode(asked))
    seconds = time.monotonic() - began
    if status != 200:
        said = " ".join(body[:500].decode("utf-8", "replace").split())
        raise LokiError(f"Loki answers {status} to {query}: {said}. Correct the query, or look at Loki's log.")
    return Found(lines_of(body), seconds)


def lines_of(body: bytes) -> list[dict[str, Any]]:
    """The lines of an answer of query_range, newest first."""
    try:
        data = json.loads(body)["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise LokiError("What answers is no Loki: its answer holds no data. Check the address.") from error
    if data.get("resultType") != "streams":
        raise LokiError(
            f'The query gives {data.get("resultType")} and not lines. Ask for lines, such as {{job=~".+"}}.'
        )
    lines = [
        {"timestamp": value[0], "labels": stream["stream"], "text": value[1]}
        for stream in data["result"]
        for value in stream["values"]
    ]
    return sorted(lines, key=lambda line: int(line["timestamp"]), reverse=True)


def wait_for_lines(
    find: Callable[[], Found], at_least: int, timeout_seconds: float, sleep: Callable[[float], None] = time.sleep
) -> tuple[Found, float]:
    """Asks until there are `at_least` lines or the time is over; the last answer and the seconds waited."""
    began = time.monotonic()
    while True:
        found = find()
        waited = time.monotonic() - began
        if len(found.lines) >= at_least or waited >= timeout_seconds:
            return found, waited
        sleep(1.0)
