"""Who changed what, and who was refused: one record a request, without its body."""

from __future__ import annotations

import logging
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from k8s_log_agent.service.security.access import address_of
from k8s_log_agent.service.security.principals import Principal

NAME = "k8s_log_agent.audit"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSED = frozenset({401, 403, 413, 421, 429})
_LONGEST_PATH = 300


class AuditLog:
    """Writes to the logger `k8s_log_agent.audit`, after the answer began."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = logging.getLogger(NAME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # what a route that raises will be answered with

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        scope.setdefault("state", {})
        try:
            await self._app(scope, receive, watched)
        finally:
            if scope["method"] not in _SAFE or status in _REFUSED:
                self._note(scope, status)

    def _note(self, scope: Scope, status: int) -> None:
        principal: Principal | None = scope.get("state", {}).get("principal")
        record: dict[str, Any] = {
            "who": principal.id if principal else "nobody",
            "name": principal.name if principal else "",
            "address": address_of(Request(scope)),
            "method": scope["method"],
            "path": scope["path"][:_LONGEST_PATH],
            "status": status,
        }
        self._log.info("%s %s %s", record["who"], record["method"], status, extra={"fields": record})
