"""Puts figures and traces around the routes, and serves the figures at /metrics."""

from __future__ import annotations

from time import perf_counter

from fastapi import FastAPI
from opentelemetry.trace import Span
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.telemetry.metrics import Metrics
from k8s_log_agent.service.telemetry.tracing import Tracing

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked for every few seconds, and of no interest in a trace
_REFUSALS = {401: "unknown", 403: "forbidden", 408: "slow", 413: "long", 421: "name", 429: "rate", 503: "busy"}


def install(app: FastAPI, parts: Parts) -> None:
    """Adds the middleware and the route; the last thing that is done to `app`."""
    parts.metrics.watched.watch("queue_depth", "Jobs that wait.", parts.jobs.depth)

    @app.get("/metrics", include_in_schema=False)
    def metrics(request: Request) -> Response:
        parts.authority.admit_scraper(request)
        return Response(parts.metrics.text(), headers={"Content-Type": MEDIA_TYPE})

    app.add_middleware(Observed, metrics=parts.metrics, tracing=parts.tracing)


class Observed:
    """Counts, times and traces each request by the route that answered, never by the path that was asked for."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"
        answer = _Answer(send)
        if scope["path"].removeprefix(scope.get("root_path", "")) in _QUIET:
            await self._counted(method, scope, receive, answer)
            return
        with self._tracing.request(method, Headers(scope=scope), {"http.request.method": method}) as span:
            await self._counted(method, scope, receive, answer)
            _describe(span, method, _route(scope), answer.status)

    async def _counted(self, method: str, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            await self._app(scope, receive, answer)
        finally:
            route = _route(scope)
            self._metrics.requests.labels(method, route, str(answer.status)).inc()
            self._metrics.request_seconds.labels(method, route).observe(answer.seconds)
            if reason := _REFUSALS.get(answer.status):
                self._metrics.refused.labels(reason).inc()


class _Answer:
    """Passes an answer on and remembers its status and when it began."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = perf_counter()
        self.status = 500
        self.seconds = 0.0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.seconds = perf_counter() - self._started
        await self._send(message)


def _route(scope: Scope) -> str:
    """The route's template with what stands before it, such as the prefix of its router; `none` where none answered."""
    template = str(getattr(scope.get("route"), "path_format", ""))
    if not template:
        return "none"
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    try:
        asked = template.format(**scope.get("path_params", {}))
    except (KeyError, IndexError, ValueError):
        return template
    return path.removesuffix(asked) + template if path.endswith(asked) else template


def _describe(span: Span, method: str, route: str, status: int) -> None:
    span.update_name(f"{method} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
