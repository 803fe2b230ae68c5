"""GET /incidents, GET /incidents/{id}, POST /incidents/{id}/feedback, GET /similar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from k8s_log_agent.records import Severity
from k8s_log_agent.service.analysis import likeness
from k8s_log_agent.service.api.schemas import (
    FeedbackIn,
    IncidentOut,
    IncidentPageOut,
    WholeIncidentOut,
    problems,
)
from k8s_log_agent.service.models import MOST_INCIDENTS_A_PAGE, Feedback, IncidentQuery, IncidentState, SimilarIncident
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security import Principal, requires
from k8s_log_agent.triage.opinions import NO_CAUSE, UNKNOWN
from k8s_log_agent.understand.causes import CauseTable

LONGEST_SEARCH = 500  # characters
_HOURS = 24
Limit = Annotated[int, Query(ge=1, le=MOST_INCIDENTS_A_PAGE)]
Text = Annotated[str, Query(max_length=LONGEST_SEARCH, description="Words to look for, each or its beginning.")]


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["incidents"])
    may_judge = Depends(requires(parts, "analyze"))
    reader = [Depends(requires(parts, "read"))]

    @routes.get("/incidents", responses=problems(400, 422), dependencies=reader)
    def incidents(  # noqa: PLR0913, PLR0917 - one parameter for each filter
        severity: Annotated[list[Severity], Query()] = [],  # noqa: B006 - FastAPI copies it
        state: Annotated[list[IncidentState], Query()] = [],  # noqa: B006 - as above
        cause: Annotated[str, Query(max_length=64)] = "",
        namespace: Annotated[str, Query(max_length=253)] = "",
        text: Text = "",
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: Annotated[str, Query(max_length=200)] = "",
        limit: Limit = 50,
    ) -> IncidentPageOut:
        """Incidents that match every filter, those last seen latest first."""
        query = IncidentQuery(
            severities=frozenset(severity),
            states=frozenset(state),
            cause=cause,
            namespace=namespace,
            text=text,
            since=_utc(since),
            until=_utc(until),
            cursor=cursor,
            limit=limit,
        )
        page = parts.incidents.search(query)
        found = tuple(IncidentOut.of(one) for one in page.incidents)
        return IncidentPageOut(incidents=found, next_cursor=page.next_cursor, total=page.total)

    @routes.get("/incidents/{incident_id}", responses=problems(404), dependencies=reader)
    def incident(incident_id: str) -> WholeIncidentOut:
        """One incident with its lines, what people said of it, and similar past ones."""
        found = parts.incident(incident_id)
        trend = parts.incidents.trend([found.id], parts.clock(), _HOURS)[found.id]
        return WholeIncidentOut.of(found).model_copy(update={"trend": trend})

    @routes.post("/incidents/{incident_id}/feedback", status_code=201, responses=problems(400, 404, 413, 422, 507))
    def feedback(incident_id: str, said: FeedbackIn, sender: Principal = may_judge) -> WholeIncidentOut:
        """Says whether the cause is right; the answer helps with the next incident like this."""
        judged = Feedback(parts.clock(), sender.name, said.verdict, right_cause(said.verdict, said.cause), said.note)
        return WholeIncidentOut.of(parts.incidents.add_feedback(incident_id, judged))

    @routes.get("/similar", responses=problems(400, 404, 422), dependencies=reader)
    def similar(
        text: Annotated[str, Query(max_length=4000, description="Log lines to compare with.")] = "",
        incident: Annotated[str, Query(max_length=64, description="Or the id of an incident.")] = "",
        limit: Annotated[int, Query(ge=1, le=50)] = 5,
    ) -> list[SimilarIncident]:
        """Past incidents like some lines, or like another incident, the likest first."""
        if bool(text.strip()) == bool(incident):
            raise Problem(422, "The request is not valid", "Send either a text or the id of an incident.")
        besides = ""
        if incident:
            found = parts.incident(incident)
            text, besides = likeness(found.verdict), found.key
        return list(parts.past.like(text, limit, besides=besides))

    return routes


def right_cause(verdict: str, cause: str) -> str:
    """The cause that somebody names as the right one; raises `Problem` where it is none of the table."""
    if verdict == "correct":
        return ""
    known = {*CauseTable.default().codes, NO_CAUSE, UNKNOWN}
    if cause not in known:
        raise Problem(
            422,
            "Not a cause",
            f"{cause[:80]!r} is not a code of the table of causes."
            if cause
            else "A wrong verdict needs a right cause.",
            "Name one of its codes, such as dns_failure, or unknown.",
        )
    return cause


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
