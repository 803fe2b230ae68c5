"""Reads the body of a request before any route sees it: not more than allowed, not slower than allowed.

What counts is what arrives, so a body in chunks, or one that is longer than it said, is bounded too.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from k8s_log_agent.service import problems
from k8s_log_agent.service.problems import Problem

BODY_SECONDS = 20.0
AT_ONCE = 64  # bodies that are read at the same time, so that slow senders cannot fill the memory
_CLOSE = {"Connection": "close"}


class BoundedBodies:
    """Answers 413 to what is too long, 408 to what is too slow, 503 when too many are sending at once."""

    def __init__(self, app: ASGIApp, *, most_bytes: int, seconds: float = BODY_SECONDS, at_once: int = AT_ONCE) -> None:
        self._app = app
        self._most = most_bytes
        self._seconds = seconds
        self._at_once = at_once
        self._reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._whole(Headers(scope=scope), receive)
        except Problem as problem:
            await problems.response(problem, scope["path"])(scope, receive, send)
            return
        if body is None:
            return  # the sender is gone
        await self._app(scope, _replayed(body, receive), send)

    async def _whole(self, headers: Headers, receive: Receive) -> bytes | None:
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._most:
            raise self._too_long()
        if self._reading >= self._at_once:
            raise Problem(
                503, "Too many are sending", "Too many requests are being received.", "Try again.", {"Retry-After": "1"}
            )
        self._reading += 1
        try:
            async with asyncio.timeout(self._seconds):
                return await self._read(receive)
        except TimeoutError:
            raise Problem(
                408,
                "Too slow",
                f"The body of the request did not arrive within {self._seconds:.0f} s.",
                "Send it faster, or in smaller requests.",
                _CLOSE,
            ) from None
        finally:
            self._reading -= 1

    async def _read(self, receive: Receive) -> bytes | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._most:
                raise self._too_long()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_long(self) -> Problem:
        return Problem(
            413,
            "Too long",
            f"The body of the request has more than {self._most} bytes.",
            "Send fewer lines at once, or let the service read them from Loki with a selector.",
            _CLOSE,
        )


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
