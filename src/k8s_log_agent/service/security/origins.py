"""Refuses what a foreign page makes a browser send: to change something, or to reach this machine by another name."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from k8s_log_agent.service import problems
from k8s_log_agent.service.problems import Problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class OwnOrigin:
    """Guards a service that browsers let in unasked, by kept credentials or because it is on their machine."""

    def __init__(self, app: ASGIApp, *, only_local_names: bool) -> None:
        """With `only_local_names` the service is asked for by a name of this machine only, or not answered.

        A page elsewhere can have its own name lead here, and would then read what is answered; its name gives it away.
        """
        self._app = app
        self._only_local = only_local_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await problems.response(problem, scope["path"])(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._only_local and not _is_local(host):
            return Problem(
                421,
                "Not by this name",
                "Without keys the service answers only to names of its own machine, such as 127.0.0.1 and localhost.",
                "Use such a name, or give the service keys: `k8s-log-agent keys create`.",
            )
        if scope["method"] in _SAFE or _own(headers, host):
            return None
        return Problem(
            403,
            "Sent by a foreign page",
            "A page of another site made the browser send this request.",
            "Use the pages of this service, or a program that is no browser.",
        )


def _own(headers: Headers, host: str) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or (bool(host) and urlsplit(origin).netloc.lower() == host.lower())


def _is_local(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname if host.isascii() else None
    if not name:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
