"""The application: every route of the service over one set of parts, with its guards around them."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from k8s_log_agent import __version__
from k8s_log_agent.service import problems, telemetry
from k8s_log_agent.service.alerts import webhook
from k8s_log_agent.service.api import analyze, events, health, incidents, jobs, reports
from k8s_log_agent.service.api.schemas import problems as problem_answers
from k8s_log_agent.service.below_path import BelowPath
from k8s_log_agent.service.page import routes as page
from k8s_log_agent.service.page.errors import problem_page
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.security import harden

PREFIX = "/api/v1"
_SAYS = "Log lines or alerts in, readable incidents out. Every error is a problem detail (RFC 9457)."


def create_app(parts: Parts) -> FastAPI:
    """The application over running parts; what runs beside the requests is started and ended by who made these."""
    app = FastAPI(
        title="Log analyzer",
        version=__version__,
        description=_SAYS,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
    )
    app.state.parts = parts
    problems.install(app)
    app.state.problem_page = problem_page(parts)
    api = APIRouter(prefix=PREFIX)
    for part in (analyze, incidents, jobs, reports, events, health):
        api.include_router(part.router(parts))
    app.include_router(api)
    app.include_router(health.probes(parts))
    app.include_router(webhook.router(parts), responses=problem_answers(400, 413, 415, 422, 507))
    app.include_router(page.router(parts))
    harden(app, parts.settings)
    telemetry.install(app, parts)
    app.add_middleware(BelowPath, root_path=parts.settings.root_path)  # the last one added sees a request first
    return app
