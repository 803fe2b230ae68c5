"""The addresses of the pages."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from k8s_log_agent.evaluation.drift import DriftReport
from k8s_log_agent.evaluation.results import Evaluation
from k8s_log_agent.service.page import analyze_routes, incident_routes
from k8s_log_agent.service.page.drift_view import drift_view
from k8s_log_agent.service.page.evaluation_view import evaluation_view
from k8s_log_agent.service.page.rendering import Renderer, links_of
from k8s_log_agent.service.page.result_files import NotThere, ResultFile
from k8s_log_agent.service.page.static_files import static_file
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security import csrf_token, requires

A_YEAR = "public, max-age=31536000, immutable"


def router(parts: Parts) -> APIRouter:
    """All pages and the files beside them. `/` leads to the list of incidents."""
    renderer = Renderer(parts.clock, csrf_token)
    made = APIRouter(include_in_schema=False)
    made.include_router(incident_routes.router(parts, renderer))
    made.include_router(analyze_routes.router(parts, renderer))
    made.include_router(_figures(parts, renderer))

    @made.get("/")
    def home(request: Request) -> Response:
        return RedirectResponse(links_of(request)("/incidents"), 303)

    @made.get("/static/{name}")
    def static(name: str, request: Request) -> Response:
        found = static_file(name)
        if found is None:
            raise Problem(404, "No such file", "The pages use no file of this name.")
        headers = {"ETag": f'"{found.version}"', "Cache-Control": A_YEAR}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)

    return made


def _figures(parts: Parts, renderer: Renderer) -> APIRouter:
    made = APIRouter()
    reader = requires(parts, "read")
    settings = parts.settings
    evaluations = ResultFile(settings.evaluation_path, Evaluation, "k8s-log-agent evaluate", evaluation_view)
    drifts = ResultFile(settings.drift_path, DriftReport, "k8s-log-agent drift --json", drift_view)

    @made.get("/evaluation", dependencies=[Depends(reader)])
    def evaluation(request: Request) -> Response:
        return _figure_page(renderer, request, "evaluation.html.j2", evaluations)

    @made.get("/drift", dependencies=[Depends(reader)])
    def drift(request: Request) -> Response:
        return _figure_page(renderer, request, "drift.html.j2", drifts)

    return made


def _figure_page(renderer: Renderer, request: Request, template: str, file: ResultFile) -> Response:
    view = file.view()
    if isinstance(view, NotThere):
        return renderer.page(request, template, view=None, missing=view.words)
    return renderer.page(request, template, view=view, missing="")
