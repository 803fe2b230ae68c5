"""When the client asks again, for how long, and what it says when it gives up."""

from __future__ import annotations

import random
from collections.abc import Callable

import httpx
import pytest

from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_errors import (
    LokiAnswerError,
    LokiRefusedError,
    LokiUnavailableError,
    OutOfTimeError,
)
from tests.fake_loki import FakeLoki

QUERY = '{job="test"}'


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds

    def read(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


def client_of(time: Time, *answers: httpx.Response | Exception, then: httpx.Response | None = None) -> LokiClient:
    """Gives the answers in turn, then the last one, or a fake's."""
    waiting = list(answers)

    def before(request: httpx.Request) -> httpx.Response | None:
        answer = waiting.pop(0) if waiting else then
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = FakeLoki(before=before).client()
    chance = random.Random(1)  # noqa: S311 - spreads waits, guards nothing
    return LokiClient(http, sleep=time.sleep, clock=time.read, now=time.read, chance=chance)


@pytest.mark.parametrize(
    "fault",
    [
        lambda: httpx.Response(429, text="too many outstanding requests"),
        lambda: httpx.Response(500, text="context canceled"),
        lambda: httpx.Response(503, text="Ingester not ready"),
        lambda: httpx.ConnectError("[Errno 111] Connection refused"),
        lambda: httpx.ReadTimeout("timed out"),
        lambda: httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        lambda: httpx.Response(200, content=b'{"status":"success","data":{"resultT'),
    ],
)
def test_a_passing_fault_is_outlasted(time: Time, fault: Callable[[], httpx.Response | Exception]) -> None:
    client = client_of(time, fault(), fault())

    assert client.lines(QUERY, 0, 1, 10).count == 0
    assert client.counts["requests"] == 3 and client.counts["retries"] == 2


def test_waits_double_with_a_share_of_chance_and_a_bound(time: Time) -> None:
    client = client_of(time, then=httpx.Response(503, text="starting"))

    with pytest.raises(LokiUnavailableError):
        client.lines(QUERY, 0, 1, 10)

    bounds = [0.5, 1, 2, 4, 8, 16, 20]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(time.waits, bounds, strict=True))
    assert sum(time.waits) > 25


@pytest.mark.parametrize(
    ("told", "least"), [("7", 7), ("Thu, 01 Jan 1970 00:17:00 GMT", 20), ("soon", 0), ("-3", 0), ("", 0)]
)
def test_a_retry_after_is_honoured(time: Time, told: str, least: float) -> None:
    client = client_of(time, httpx.Response(429, text="slow down", headers={"Retry-After": told}))

    client.lines(QUERY, 0, 1, 10)

    assert time.waits[0] >= least
    assert least or time.waits[0] <= 0.5


def test_after_the_last_attempt_the_reason_and_the_next_step_are_told(time: Time) -> None:
    client = client_of(time, then=httpx.Response(500, text="at least 1 live replicas required\n"))

    with pytest.raises(LokiUnavailableError, match=r"8 times.*500.*live replicas.*loki\.invalid/ready"):
        client.lines(QUERY, 0, 1, 10)


def test_no_wait_reaches_beyond_the_time_allowed(time: Time) -> None:
    client = client_of(time, then=httpx.Response(429, text="slow down", headers={"Retry-After": "3600"}))

    with pytest.raises(OutOfTimeError, match="slow down"):
        client.lines(QUERY, 0, 1, 10, deadline=time.read() + 60)
    assert time.waits == []


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (httpx.Response(400, text="parse error at line 1"), "parse error at line 1"),
        (httpx.Response(401, text="no org id\n"), "no org id.*tenant"),
        (httpx.Response(404, text="404 page not found"), "404 page not found.*address of Loki"),
        (httpx.Response(302, headers={"Location": "https://login.invalid/"}), "moved to https://login.invalid/"),
    ],
)
def test_a_refusal_is_told_at_once(time: Time, answer: httpx.Response, text: str) -> None:
    client = client_of(time, answer)

    with pytest.raises(LokiRefusedError, match=text):
        client.lines(QUERY, 0, 1, 10)
    assert client.counts["requests"] == 1


def test_a_login_page_is_not_taken_for_lines(time: Time) -> None:
    with pytest.raises(LokiAnswerError, match="a web page instead of log lines"):
        client_of(time, httpx.Response(200, text="<!doctype html><html>")).lines(QUERY, 0, 1, 10)


@pytest.mark.parametrize("body", ["[]", "3", '{"data": null}', '{"data": {"resultType": "streams", "result": [{}]}}'])
def test_json_of_another_form_is_not_taken_for_lines(time: Time, body: str) -> None:
    with pytest.raises(LokiAnswerError, match="does not have the form"):
        client_of(time, httpx.Response(200, text=body)).lines(QUERY, 0, 1, 10)


def test_a_proxys_long_page_is_cut(time: Time) -> None:
    with pytest.raises(LokiRefusedError) as refused:
        client_of(time, httpx.Response(403, text="x" * 100_000)).lines(QUERY, 0, 1, 10)
    assert len(str(refused.value)) < 1000
