"""What the API takes and gives; the examples are those of its OpenAPI page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from k8s_log_agent.records import Category, Severity, Verdict
from k8s_log_agent.service.models import (
    Incident,
    IncidentSource,
    IncidentState,
    Job,
    JobKind,
    JobState,
    ShownLine,
    SimilarIncident,
)

MOST_LINES = 100_000
_PASTE: list[JsonValue] = [
    "2026-11-25T08:00:01Z ERROR checkout: cannot connect to db-0.db:5432: connection refused",
    "2026-11-25T08:00:02Z ERROR checkout: giving up after 5 attempts",
]
Answers = dict[int | str, dict[str, Any]]  # what a route says of its answers in OpenAPI
LINES_EXAMPLE: dict[str, JsonValue] = {"lines": _PASTE, "namespace": "shop"}
SELECTOR_EXAMPLE: dict[str, JsonValue] = {
    "selector": '{namespace="shop", app="checkout"}',
    "start": "2026-11-25T08:00:00Z",
    "end": "2026-11-25T08:15:00Z",
}
FEEDBACK_EXAMPLE: dict[str, JsonValue] = {
    "verdict": "wrong",
    "cause": "dns_failure",
    "note": "The name server was restarted.",
}


class Sent(BaseModel):
    """Base of what is sent: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class LogsIn(Sent):
    """Log lines, as a list or a text; or a LogQL selector with a range of at most 7 days."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [LINES_EXAMPLE, SELECTOR_EXAMPLE]})

    lines: Annotated[list[str] | None, Field(max_length=MOST_LINES, description="Log lines, one each.")] = None
    text: Annotated[str | None, Field(description="Log lines as one text, as kubectl prints them.")] = None
    selector: Annotated[str | None, Field(max_length=5000, description="LogQL that selects log lines.")] = None
    start: Annotated[datetime | None, Field(description="Beginning of the range.")] = None
    end: Annotated[datetime | None, Field(description="End of the range, excluded.")] = None
    namespace: Annotated[str, Field(max_length=253, description="Where the lines are from, if they do not say.")] = ""
    urgent: Annotated[bool, Field(description="Whether this goes before ordinary requests.")] = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(bool(part) for part in (self.lines, self.text, self.selector)) != 1:
            raise ValueError("send exactly one of lines, text and selector")
        if self.selector and not (self.start and self.end):
            raise ValueError("a selector needs a start and an end")
        return self

    def payload(self) -> dict[str, Any]:
        """As the queue keeps it."""
        if self.selector and self.start and self.end:
            asked = {"selector": self.selector, "start": self.start.isoformat(), "end": self.end.isoformat()}
            return {**asked, "namespace": self.namespace}
        return {"text": self.text or "\n".join(self.lines or ()), "namespace": self.namespace}


class FeedbackIn(Sent):
    """What a person says of a verdict; a wrong one needs the right cause, by its code, or `unknown`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [FEEDBACK_EXAMPLE]})

    verdict: Literal["correct", "wrong"]
    cause: Annotated[str, Field(max_length=64)] = ""
    note: Annotated[str, Field(max_length=2000)] = ""


class Given(BaseModel):
    """Base of what is given."""

    model_config = ConfigDict(from_attributes=True)


class FeedbackOut(Given):
    """What a person said of a verdict."""

    at: datetime
    author: str
    verdict: Literal["correct", "wrong"]
    cause: str
    note: str


class IncidentOut(Given):
    """An incident as it stands in a list."""

    id: str
    title: str
    state: IncidentState
    severity: Severity
    category: Category
    cause: str
    namespace: str
    component: str
    opened_at: datetime
    last_seen: datetime
    closed_at: datetime | None
    count: int
    alerts: tuple[str, ...]
    selector: str
    source: IncidentSource
    feedback: tuple[FeedbackOut, ...]
    verdict: Verdict

    @classmethod
    def of(cls, incident: Incident) -> Self:
        """The incident, as it is given."""
        return cls.model_validate(incident)


class WholeIncidentOut(IncidentOut):
    """An incident with its lines, similar past ones, and how often it was seen in each of the last 24 hours."""

    lines: tuple[ShownLine, ...]
    similar: tuple[SimilarIncident, ...]
    trend: tuple[int, ...] = ()


class IncidentPageOut(Given):
    """One page; `next_cursor` is empty on the last one. `total` counts all that match."""

    incidents: tuple[IncidentOut, ...]
    next_cursor: str
    total: int


class JobOut(Given):
    """A job. `progress` is 0..1; `result` is there once it is done."""

    id: str
    kind: JobKind
    state: JobState
    priority: int
    namespace: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: float
    result: dict[str, Any]
    error: str

    @classmethod
    def of(cls, job: Job) -> JobOut:
        """The job, as it is given."""
        return cls.model_validate(job)


class AnalysisOut(Given):
    """A job that is done, with the incidents that it found, the worst first."""

    job: JobOut
    incidents: tuple[WholeIncidentOut, ...]


class SummaryOut(Given):
    """A job that is done, with its report."""

    job: JobOut
    summary: dict[str, Any]
    markdown: str


class ProblemOut(Given):
    """Problem details (RFC 9457): what went wrong, why, and what to do next."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    next_step: str = ""
    instance: str = ""


def problems(*statuses: int) -> Answers:
    """What a route says of its errors in OpenAPI."""
    what = {
        400: "The request is malformed.",
        401: "No valid key was sent.",
        403: "The key's scope does not reach so far.",
        404: "There is no such thing.",
        409: "It does not fit what is there.",
        413: "The body is too large.",
        415: "The body is of another kind.",
        422: "The request is not valid.",
        429: "The queue is full, or too many requests came; Retry-After says when to come again.",
        503: "The service cannot answer now.",
        507: "The storage is full.",
    }
    always = (401, 403, 429, 503)
    schema = {"application/problem+json": {"schema": ProblemOut.model_json_schema()}}
    return {status: {"description": what[status], "content": schema} for status in sorted({*always, *statuses})}
