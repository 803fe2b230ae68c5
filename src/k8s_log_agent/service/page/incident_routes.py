"""The list of incidents, one incident, and what a person says of it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from k8s_log_agent.service.models import Feedback, Incident
from k8s_log_agent.service.page.filters import SEVERITIES, SPANS, STATES, read_filters
from k8s_log_agent.service.page.incident_list import IncidentList
from k8s_log_agent.service.page.incident_view import incident_view
from k8s_log_agent.service.page.rendering import Renderer, links_of
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.security import Principal, check_csrf, requires
from k8s_log_agent.triage.opinions import NO_CAUSE, UNKNOWN
from k8s_log_agent.understand.causes import CauseTable

LONGEST_NOTE = 500
NO_FIELDS = {"cause": "", "note": ""}


def router(parts: Parts, renderer: Renderer) -> APIRouter:
    """`/incidents` and what lies below it."""
    made = APIRouter()
    reader, speaker = Depends(requires(parts, "read")), Depends(requires(parts, "analyze"))
    table = CauseTable.default()
    listed = IncidentList(parts.incidents)
    grouped = causes_by_category(table)
    allowed = {*table.codes, NO_CAUSE, UNKNOWN}

    def shown(request: Request, incident: Incident, principal: Principal, wrong: str = "", **given: str) -> Response:
        now = parts.clock()
        return renderer.page(
            request,
            "incident.html.j2",
            422 if wrong else 200,
            view=incident_view(incident, parts.incidents, parts.settings.grafana_url, now),
            causes=grouped,
            may_answer=principal.may("analyze"),
            wrong_field=wrong,
            given={**NO_FIELDS, **given},
        )

    @made.get("/incidents", dependencies=[reader])
    def incidents(request: Request, severity: Annotated[list[str] | None, Query()] = None) -> Response:
        filters = read_filters(request.query_params, severity or [])
        return renderer.page(
            request,
            "incidents.html.j2",
            filters=filters,
            listing=listed.read(filters, parts.clock()),
            severities=SEVERITIES,
            states=STATES,
            spans=[(key, words) for key, (words, _) in SPANS.items()],
            causes=sorted(allowed),
        )

    @made.get("/incidents/{incident}")
    def one(request: Request, incident: str, principal: Principal = reader) -> Response:
        return shown(request, parts.incident(incident), principal)

    @made.post("/incidents/{incident}/feedback")
    def feedback(  # noqa: PLR0913, PLR0917 - the fields of the form
        request: Request,
        incident: str,
        verdict: Annotated[Literal["correct", "wrong"], Form()],
        csrf: Annotated[str, Form()] = "",
        cause: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
        principal: Principal = speaker,
    ) -> Response:
        check_csrf(request, csrf)
        found = parts.incident(incident)
        if verdict == "wrong" and cause not in allowed:
            return shown(request, found, principal, "Choose the right cause from the list.", note=note)
        if len(note) > LONGEST_NOTE:
            wrong = f"The note is longer than {LONGEST_NOTE} characters. Shorten it and send it again."
            return shown(request, found, principal, wrong, cause=cause, note=note)
        right = "" if verdict == "correct" else cause
        parts.incidents.add_feedback(incident, Feedback(parts.clock(), principal.name, verdict, right, note.strip()))
        return RedirectResponse(f"{links_of(request).incident(incident)}#feedback", 303)

    return made


def causes_by_category(table: CauseTable) -> list[tuple[str, list[tuple[str, str]]]]:
    """All causes with their codes in words, grouped as a list to choose from."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for code in table.codes:
        cause = table.cause(code)
        if code not in (NO_CAUSE, UNKNOWN):
            groups.setdefault(cause.category.value, []).append((code, code.replace("_", " ")))
    return [(category, sorted(entries)) for category, entries in sorted(groups.items())]
