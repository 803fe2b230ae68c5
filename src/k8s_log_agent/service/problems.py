"""Errors as problem details (RFC 9457): what went wrong, why, and what to do next, and never a stack trace."""

from __future__ import annotations

import html
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from k8s_log_agent.service.storage_errors import DatabaseError, StorageFullError
from k8s_log_agent.service.store import CursorError, IdempotencyConflictError, QueueFullError, UnknownIncidentError

MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS = 20
_log = logging.getLogger(__name__)

Handler = Callable[[Request, Exception], Awaitable[Response]]


class Problem(HTTPException):
    """An answer that is an error. `next_step` says what the caller can do; `more` are further members of the body."""

    def __init__(  # noqa: PLR0913, PLR0917 - the members of a problem
        self,
        status: int,
        title: str,
        detail: str,
        next_step: str = "",
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.title = title
        self.next_step = next_step
        self.more = dict(more or {})

    def body(self, instance: str = "") -> dict[str, Any]:
        """The members of RFC 9457, with `next_step` beside them; `instance` is the path that was asked for."""
        body = {"type": "about:blank", "title": self.title, "status": self.status_code, "detail": self.detail}
        if self.next_step:
            body["next_step"] = self.next_step
        if instance:
            body["instance"] = instance
        return {**self.more, **body}


def install(app: FastAPI) -> None:
    """Makes every error of `app` a problem. `app.state.problem_page` may show one to a browser in its own way."""
    for kind in (HTTPException, RequestValidationError, Exception, *_KNOWN):
        app.add_exception_handler(kind, answer)


def response(problem: Problem, instance: str = "") -> JSONResponse:
    """The problem as an answer."""
    return JSONResponse(problem.body(instance), problem.status_code, problem.headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """The problem that an error is."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        return Problem(error.status_code, _phrase(error.status_code), str(error.detail), headers=error.headers)
    for kind, (status, title) in _KNOWN.items():
        if isinstance(error, kind):
            wait = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, QueueFullError) else {}
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                wait = {"Retry-After": "5"}
            return Problem(status, title, str(error), headers=wait)
    _log.error("A request failed for a reason that nobody foresaw.", exc_info=error)
    return Problem(
        500,
        "The service failed",
        "The request was not answered because of a fault of the service; its log tells more.",
        "Send the request again; if it fails again, report it with the line of the service's log.",
    )


_KNOWN: dict[type[Exception], tuple[int, str]] = {
    QueueFullError: (429, "The queue is full"),
    UnknownIncidentError: (404, "No such incident"),
    CursorError: (400, "Not a cursor"),
    IdempotencyConflictError: (409, "The idempotency key was used before"),
    StorageFullError: (507, "The storage is full"),
    DatabaseError: (503, "The database does not answer"),
}


async def answer(request: Request, error: Exception) -> Response:
    """What is sent in the place of an answer that failed."""
    problem = problem_of(error)
    path = request.url.path
    if _wants_page(request):
        page: Callable[[Request, Problem], Response] = getattr(request.app.state, "problem_page", _plain_page)
        shown = page(request, problem)
        shown.headers.update(problem.headers or {})
        return shown
    return response(problem, path)


def _wants_page(request: Request) -> bool:
    inside = request.url.path.removeprefix(str(request.scope.get("root_path", "")))
    return not inside.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _plain_page(request: Request, problem: Problem) -> Response:
    del request
    title, detail, step = (html.escape(str(text)) for text in (problem.title, problem.detail, problem.next_step))
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p>{detail}</p><p>{step}</p></html>",
        problem.status_code,
    )


def _invalid(error: RequestValidationError) -> Problem:
    """Names each field that is wrong, and does not repeat what was sent, which may be a secret."""
    wrong = [
        {"field": ".".join(map(str, one["loc"])), "problem": str(one["msg"])} for one in error.errors()[:_MOST_ERRORS]
    ]
    said = "; ".join(f"{one['field']}: {one['problem']}" for one in wrong)
    return Problem(
        422,
        "The request is not valid",
        said or "The request is not valid.",
        "Compare it with the examples in openapi.json.",
        more={"errors": wrong},
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
