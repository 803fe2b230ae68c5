"""GET /evaluations and GET /drift: the files that an evaluation and a watch for drift left."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Depends, Response

from k8s_log_agent.service.api.schemas import Answers, problems
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security import requires

MOST_BYTES = 64 * 1024 * 1024
_JSON: Answers = {200: {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "The report."}}


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["reports"], dependencies=[Depends(requires(parts, "read"))])

    @routes.get("/evaluations", responses={**_JSON, **problems(404)}, response_class=Response)
    def evaluations() -> Response:
        """How good the analysis is: the last evaluation, as `k8s-log-agent evaluate` wrote it."""
        return _file(parts.settings.evaluation_path, "evaluation", "evaluation_path", "k8s-log-agent evaluate")

    @routes.get("/drift", responses={**_JSON, **problems(404)}, response_class=Response)
    def drift() -> Response:
        """How far the logs have moved from those that it was made for, as `k8s-log-agent drift` wrote it."""
        return _file(parts.settings.drift_path, "report on drift", "drift_path", "k8s-log-agent drift")

    return routes


def _file(path: Path | None, what: str, setting: str, command: str) -> Response:
    step = f"Run `{command}` and name its JSON file as {setting}."
    if path is None:
        raise Problem(404, f"No {what}", f"This service is not told where the {what} lies.", step)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Problem(404, f"No {what}", f"The file of the {what} is larger than any that is made.", step)
        return Response(path.read_bytes(), media_type="application/json")
    except OSError as error:
        raise Problem(404, f"No {what}", f"The file of the {what} cannot be read: {error.strerror}.", step) from error
