"""One question to a Loki and its answer: asked again when that can help, and refused in Loki's own words when not."""

from __future__ import annotations

import email.utils
import random
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import orjson
import tenacity

from k8s_log_agent.ingest.loki_answer import Answer, read_answer
from k8s_log_agent.ingest.loki_errors import (
    AnswerTooLargeError,
    LokiAnswerError,
    LokiError,
    LokiRefusedError,
    LokiUnavailableError,
    OutOfTimeError,
)

API = "loki/api/v1"
LONGEST_GET = 1500  # characters of a query; a longer one is sent as a form, since proxies bound addresses
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
_HINTS = {
    401: "Give the tenant, the token or the user that this Loki expects.",
    403: "The tenant, token or user may not read here; give another.",
    404: "Give the address of Loki itself, without /loki/api/v1.",
}


T = TypeVar("T")


class _AskAgain(Exception):  # noqa: N818 - a signal between two functions of this file
    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


@dataclass
class LokiClient:
    """Questions over an injected `httpx.Client`. `counts` holds requests, retries and response bytes so far.

    A start of Loki takes half a minute; eight attempts with waits that double up to 20 s outlast it. `clock` and
    `now` are a steady clock and the wall clock, both in seconds.
    """

    http: httpx.Client
    attempts: int = 8
    longest_wait: float = 20.0
    answer_bytes: int = 64 << 20
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    chance: random.Random = field(default_factory=random.Random)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        """The address, which holds no secret."""
        return str(self.http.base_url).rstrip("/")

    def lines(self, logql: str, start: int, end: int, limit: int, deadline: float | None = None) -> Answer:
        """The oldest `limit` lines with `start` <= timestamp < `end`, both in nanoseconds, sorted by time.

        `deadline` is a reading of `clock`. Raises what `loki_errors` names.
        """
        asked = {"query": logql, "start": str(start), "end": str(end), "limit": str(limit), "direction": "forward"}
        answer = self._ask("query_range", asked, deadline, read_answer)
        if isinstance(answer, str):
            raise LokiAnswerError(answer)
        return answer

    def version(self, deadline: float | None = None) -> str:
        """What Loki calls its version, or `unknown` where a gateway hides it."""
        try:
            return self._ask("status/buildinfo", {}, deadline, lambda found: str(found["version"]) or "unknown")
        except (LokiError, KeyError, TypeError):
            return "unknown"

    def _ask(self, path: str, asked: dict[str, str], deadline: float | None, read: Callable[[Any], T]) -> T:
        def give_up(state: tenacity.RetryCallState) -> bool:
            out_of_time = deadline is not None and self.clock() + state.upcoming_sleep > deadline
            return out_of_time or state.attempt_number >= self.attempts

        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_AskAgain),
            stop=give_up,
            wait=self._wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return read(attempts(self._once, path, asked, deadline))
        except _AskAgain as last:
            asked_times = attempts.statistics["attempt_number"]
            if asked_times < self.attempts:
                raise OutOfTimeError(f"The time for reading Loki ended while it did not answer: {last}.") from None
            raise LokiUnavailableError(
                f"Loki at {self.url} was asked {asked_times} times in vain: {last}. See that it runs and is "
                f"ready ({self.url}/ready), then run the same command again."
            ) from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Doubling waits from half a second, half of each by chance, and never shorter than Loki asked for."""
        self.counts["retries"] += 1
        bound = min(self.longest_wait, 0.5 * 2 ** (state.attempt_number - 1))
        wait = bound * (0.5 + 0.5 * self.chance.random())
        failed = state.outcome.exception() if state.outcome else None
        return float(max(wait, failed.wait_seconds)) if isinstance(failed, _AskAgain) else wait

    def _once(self, path: str, asked: dict[str, str], deadline: float | None) -> object:
        status, headers, body = self._send(path, asked, deadline)
        if status == TOO_MANY_REQUESTS or status >= SERVER_ERROR:
            wait = self._asked_wait(headers.get("Retry-After"))
            raise _AskAgain(f"it answered {status}, {_message(body)!r}", wait)
        if status != httpx.codes.OK:
            raise self._refused(status, headers, body, asked)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            if b"<html" in body[:512].lower():
                raise LokiAnswerError(
                    f"{self.url} answered with a web page instead of log lines. It may ask for a login, or be another "
                    "program: give the address of Loki itself, and the token or user that it expects."
                ) from None
            raise _AskAgain("its answer was cut short or is no JSON") from None

    def _send(self, path: str, asked: dict[str, str], deadline: float | None) -> tuple[int, httpx.Headers, bytes]:
        self.counts["requests"] += 1
        place: dict[str, Any] = {"method": "GET", "params": asked}
        if len(asked.get("query", "")) > LONGEST_GET:
            place = {"method": "POST", "data": asked}
        if deadline is not None:
            place["timeout"] = max(0.05, min(self.http.timeout.read or 60.0, deadline - self.clock()))
        body = bytearray()
        try:
            with self.http.stream(url=f"{API}/{path}", **place) as response:
                for block in response.iter_bytes():
                    body += block
                    if deadline is not None and self.clock() > deadline:
                        raise OutOfTimeError("The time allowed for reading Loki ended in the middle of an answer.")
                    if len(body) > self.answer_bytes:
                        raise AnswerTooLargeError(
                            f"One answer of Loki exceeds {self.answer_bytes >> 20} MiB for one line. Allow more."
                        )
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise LokiAnswerError(f"The request to {self.url} cannot be sent: {error}.") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._unreached(error) from error
        self.counts["response_bytes"] += len(body)
        return response.status_code, response.headers, bytes(body)

    def _unreached(self, error: httpx.RequestError) -> Exception:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return LokiUnavailableError(
                    f"The certificate of {self.url} is not trusted: {cause.verify_message}. Name the PEM file of the "
                    "authority that signed it."
                )
            cause = cause.__cause__ or cause.__context__
        return _AskAgain(str(error) or type(error).__name__)

    def _asked_wait(self, text: str | None) -> float:
        """Seconds of a `Retry-After`, which is a number or a date."""
        if not text:
            return 0.0
        if text.strip().isdecimal():
            return float(text)
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - self.now())
        except ValueError:
            return 0.0

    def _refused(self, status: int, headers: httpx.Headers, body: bytes, asked: dict[str, str]) -> LokiRefusedError:
        message = _message(body)
        if httpx.codes.is_redirect(status):
            message = message or f"moved to {headers.get('Location', 'an unnamed place')}"
        hint = _HINTS.get(status, "Mend the query or the range and run the command again.")
        query = f" The query was {asked['query']}" if status == httpx.codes.BAD_REQUEST and "query" in asked else ""
        text = f"Loki at {self.url} refused with {status}: {message}. {hint}{query}"
        return LokiRefusedError(status, message, text)


def _message(body: bytes) -> str:
    """Loki's own words, which are plain text; a proxy's page is cut."""
    return " ".join(body[:2000].decode("utf-8", "replace").split())[:500]
