"""POST /analyze and /summarize: answered at once when the work is quick, with a job to ask after when it is not."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from k8s_log_agent.service.api.schemas import (
    AnalysisOut,
    Answers,
    JobOut,
    LogsIn,
    SummaryOut,
    WholeIncidentOut,
    problems,
)
from k8s_log_agent.service.bus import TooManyListenersError
from k8s_log_agent.service.lines import LinesError, Wanted
from k8s_log_agent.service.models import PRIORITY_CRITICAL, PRIORITY_ORDINARY, Job, JobKind
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security import Principal, requires

_LOOK_AGAIN_SECONDS = 1.0  # another process may have done the job
Wait = Annotated[
    float | None,
    Query(ge=0, le=60, description="Seconds to wait for the result; 0 answers with a job at once."),
]
Idempotency = Annotated[str, Header(max_length=200, description="Sent twice with the same request, it counts as one.")]
_ACCEPTED: Answers = {202: {"model": JobOut, "description": "Accepted; the job is at the address in Location."}}


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["analysis"])
    may = Depends(requires(parts, "analyze"))
    said = {**_ACCEPTED, **problems(400, 409, 413, 422, 507)}

    @routes.post("/analyze", response_model=AnalysisOut, responses=said)
    async def analyze(
        request: Request,
        logs: LogsIn,
        wait: Wait = None,
        idempotency_key: Idempotency = "",
        sender: Principal = may,
    ) -> object:
        """Finds what went wrong in log lines, and keeps it as incidents."""
        job = await _submitted(parts, "analyze", logs, _own(sender, idempotency_key))
        job = await finished(parts, job, parts.settings.wait_seconds if wait is None else wait)
        if not job.finished:
            return _accepted(request, job)
        _refuse_failed(job)
        ids = [str(one) for one in job.result.get("incidents", ())]
        found = [await run_in_threadpool(parts.incidents.get, one) for one in ids]
        incidents = tuple(WholeIncidentOut.of(incident) for incident in found if incident)
        return AnalysisOut(job=JobOut.of(job), incidents=incidents)

    @routes.post("/summarize", response_model=SummaryOut, responses=said)
    async def summarize(
        request: Request,
        logs: LogsIn,
        wait: Wait = None,
        idempotency_key: Idempotency = "",
        sender: Principal = may,
    ) -> object:
        """Sums log lines up as a short report, by rules alone; nothing is kept as an incident."""
        job = await _submitted(parts, "summarize", logs, _own(sender, idempotency_key))
        job = await finished(parts, job, parts.settings.wait_seconds if wait is None else wait)
        if not job.finished:
            return _accepted(request, job)
        _refuse_failed(job)
        return SummaryOut(job=JobOut.of(job), summary=job.result["summary"], markdown=job.result["markdown"])

    return routes


async def finished(parts: Parts, job: Job, seconds: float) -> Job:
    """The job as it is when it is finished, or after so many seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    try:
        listening = parts.bus.subscribe()
    except TooManyListenersError:
        return job
    async with aclosing(listening) as events:
        while True:
            found = await run_in_threadpool(parts.jobs.get, job.id)
            remaining = deadline - loop.time()
            if found is None or found.finished or remaining <= 0:
                return found or job
            try:
                async with asyncio.timeout(min(remaining, _LOOK_AGAIN_SECONDS)):
                    async for event in events:
                        if event.id == job.id:
                            break
                    else:
                        return found  # the service stops; the job goes on with its next start
            except TimeoutError:
                continue


async def _submitted(parts: Parts, kind: JobKind, logs: LogsIn, key: str) -> Job:
    payload = logs.payload()
    try:
        Wanted.of(payload)
    except LinesError as error:
        raise Problem(422, "The request is not valid", str(error)) from error
    priority = PRIORITY_CRITICAL if logs.urgent else PRIORITY_ORDINARY
    submit = parts.jobs.submit
    return await run_in_threadpool(
        submit, kind, payload, namespace=logs.namespace, priority=priority, idempotency_key=key
    )


def _own(sender: Principal, key: str) -> str:
    """Each sender's keys are its own."""
    return f"{sender.id}/{key}" if key else ""


def _accepted(request: Request, job: Job) -> Response:
    place = str(request.url_for("job", job_id=job.id).path)
    return Response(JobOut.of(job).model_dump_json(), 202, {"Location": place}, "application/json")


def _refuse_failed(job: Job) -> None:
    if job.state == "failed":
        raise Problem(422, "The lines could not be analyzed", job.error, more={"job": job.id})
    if job.state == "cancelled":
        raise Problem(409, "The job was cancelled", f"Somebody cancelled the job {job.id}.", "Send the lines again.")
