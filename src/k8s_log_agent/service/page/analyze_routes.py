"""The box for pasted lines, and the page of the job that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from k8s_log_agent.service.models import PRIORITY_ORDINARY, Incident, Job
from k8s_log_agent.service.page.rendering import Renderer, links_of
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security import Principal, check_csrf, requires
from k8s_log_agent.service.store import QueueFullError

MOST_SHOWN = 50
LONGEST_NAMESPACE = 63
KIB = 1024


def router(parts: Parts, renderer: Renderer) -> APIRouter:
    """`/analyze` and what lies below it."""
    made = APIRouter()
    reader, sender = Depends(requires(parts, "read")), Depends(requires(parts, "analyze"))
    most = f"{parts.settings.max_body_bytes // KIB:,} KiB and {parts.settings.most_lines:,} lines"

    def form(request: Request, principal: Principal, problem: str = "", status: int = 200, **given: str) -> Response:
        return renderer.page(
            request,
            "analyze.html.j2",
            status,
            problem=problem,
            may_send=principal.may("analyze"),
            most=most,
            given={"text": "", "namespace": "", **given},
        )

    @made.get("/analyze")
    def box(request: Request, principal: Principal = reader) -> Response:
        return form(request, principal)

    @made.post("/analyze")
    def analyze(
        request: Request,
        text: Annotated[str, Form()] = "",
        namespace: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
        principal: Principal = sender,
    ) -> Response:
        check_csrf(request, csrf)
        namespace = namespace.strip()[:LONGEST_NAMESPACE]
        if not text.strip():
            return form(
                request, principal, "There was nothing to read. Paste some lines first.", 422, namespace=namespace
            )
        payload = {"text": text, "namespace": namespace}
        try:
            job = parts.jobs.submit("analyze", payload, namespace=namespace, priority=PRIORITY_ORDINARY)
        except QueueFullError as error:
            answer = form(request, principal, f"{error}", 429, text=text, namespace=namespace)
            answer.headers["Retry-After"] = str(error.retry_after_seconds)
            return answer
        return RedirectResponse(links_of(request)(f"/analyze/{job.id}"), 303)

    @made.get("/analyze/{job}", dependencies=[reader])
    def progress(request: Request, job: str) -> Response:
        found = parts.jobs.get(job)
        if found is None:
            raise Problem(404, "No such job", "There is no job of this name; finished jobs are kept for a while only.")
        incidents = _results(parts, found)
        notes = [str(note) for note in _list(found, "notes")][:MOST_SHOWN]
        words = _words(found, incidents)
        return renderer.page(request, "job.html.j2", job=found, incidents=incidents, notes=notes, words=words)

    return made


def _results(parts: Parts, job: Job) -> list[Incident]:
    ids = [str(one) for one in _list(job, "incidents")][:MOST_SHOWN]
    return [found for one in ids if (found := parts.incidents.get(one)) is not None]


def _list(job: Job, name: str) -> Sequence[object]:
    found = job.result.get(name)
    return found if isinstance(found, list | tuple) else ()


def _words(job: Job, incidents: Sequence[Incident]) -> tuple[str, str]:
    """Headline and sentence for the state of a job."""
    if job.state == "queued":
        return "Waiting for its turn", "Others are before it; this page follows by itself."
    if job.state == "running":
        return "Reading the lines", "Rules first, then the model where it is needed."
    if job.state == "cancelled":
        return "Cancelled", "Nothing was looked at any more."
    if job.state == "failed":
        return "It could not be analyzed", "What went wrong is below."
    count, lines = len(incidents), job.result.get("lines", 0)
    read = f"{lines:,} {'line was' if lines == 1 else 'lines were'} read." if isinstance(lines, int) and lines else ""
    if quiet := job.result.get("quiet_windows"):
        read += f" {quiet} {'stretch' if quiet == 1 else 'stretches'} of time held warnings only."
    if not count:
        return "No failure was found", read or "The lines show nothing that went wrong."
    return f"{count} {'incident' if count == 1 else 'incidents'} found", read
