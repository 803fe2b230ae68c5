"""Headers that keep a browser from running, loading, framing or remembering what it should not; and the form cookie."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from k8s_log_agent.service.security.csrf import COOKIE

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class SafeHeaders:
    """Adds the headers to every answer. What a route says about caching stays; else nothing is cached."""

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app = app
        self._cookie_path = root_path or "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if word := scope.get("state", {}).get("csrf"):
                    headers.append("Set-Cookie", self._cookie(word, secure=scope.get("scheme") == "https"))
            await send(message)

        scope.setdefault("state", {})
        await self._app(scope, receive, safely)

    def _cookie(self, word: str, *, secure: bool) -> str:
        parts = [f"{COOKIE}={word}", f"Path={self._cookie_path}", "HttpOnly", "SameSite=Strict", "Max-Age=86400"]
        return "; ".join([*parts, "Secure"] if secure else parts)
