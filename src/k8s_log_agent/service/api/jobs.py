"""GET and DELETE /jobs/{id}."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from k8s_log_agent.service.api.schemas import JobOut, problems
from k8s_log_agent.service.models import Job
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security import requires


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["jobs"])

    @routes.get("/jobs/{job_id}", name="job", responses=problems(404), dependencies=[Depends(requires(parts, "read"))])
    def job(job_id: str) -> JobOut:
        """A job, with its result once it is done. Finished jobs are kept for a week."""
        return JobOut.of(_there(parts.jobs.get(job_id), job_id))

    @routes.delete("/jobs/{job_id}", responses=problems(404), dependencies=[Depends(requires(parts, "analyze"))])
    def cancel(job_id: str) -> JobOut:
        """Cancels a job that is not finished, and gives it as it is then."""
        return JobOut.of(_there(parts.jobs.cancel(job_id), job_id))

    return routes


def _there(job: Job | None, asked: str) -> Job:
    if job is None:
        raise Problem(
            404, "No such job", f"There is no job {asked[:80]}.", "Finished jobs are kept for a week; send it again."
        )
    return job
