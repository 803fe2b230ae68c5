"""GET /healthz and /readyz, for probes; and POST /projections, to tell them everything again."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request

from k8s_log_agent.service.api.schemas import problems
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security import requires


def probes(parts: Parts) -> APIRouter:
    """The routes of probes, which stand beside the API."""
    routes = APIRouter(tags=["health"])

    def scraper(request: Request) -> None:
        parts.authority.admit_scraper(request)

    @routes.get("/healthz", dependencies=[Depends(scraper)])
    async def alive() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "ok"}

    @routes.get("/readyz", dependencies=[Depends(scraper)], responses=problems())
    def ready() -> dict[str, str | int]:
        """Whether the database answers; 503 when it does not."""
        return {"status": "ready", "jobs_waiting": parts.jobs.depth()}

    return routes


def router(parts: Parts) -> APIRouter:
    """The route of the projections."""
    routes = APIRouter(tags=["projections"])

    @routes.post(
        "/projections", status_code=202, responses=problems(409), dependencies=[Depends(requires(parts, "admin"))]
    )
    def projections() -> dict[str, int]:
        """Hands every incident to Loki and Chroma again, for when one of them lost its data; says how many."""
        if parts.tell_anew is None:
            raise Problem(409, "No projections", "This service tells neither Loki nor Chroma.", "Set their addresses.")
        return {"incidents": parts.tell_anew()}

    return routes
