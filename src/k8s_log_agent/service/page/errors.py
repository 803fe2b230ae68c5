"""Errors as pages, for those who came with a browser."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from k8s_log_agent.service.page.rendering import links_of, rendered
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem


def problem_page(parts: Parts) -> Callable[[Request, Problem], Response]:
    """What `app.state.problem_page` is to be."""

    def shown(request: Request, problem: Problem) -> Response:
        text = rendered("problem.html.j2", links=links_of(request), now=parts.clock(), problem=problem)
        return HTMLResponse(text, problem.status_code)

    return shown
