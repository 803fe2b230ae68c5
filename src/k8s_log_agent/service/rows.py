"""Between the values of the service and the rows that the database keeps of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, get_args

import orjson

from k8s_log_agent.records import Category, Severity, Verdict
from k8s_log_agent.service.models import (
    Feedback,
    Incident,
    IncidentSource,
    IncidentState,
    Job,
    JobKind,
    JobState,
    ShownLine,
    SimilarIncident,
)
from k8s_log_agent.service.tables import FeedbackRow, IncidentRow, JobRow

_JOB_KINDS: tuple[JobKind, ...] = get_args(JobKind)
_JOB_STATES: tuple[JobState, ...] = get_args(JobState)
_SOURCES: tuple[IncidentSource, ...] = get_args(IncidentSource)
# PostgreSQL keeps no NUL and no half of a surrogate pair in a text.
_UNKEPT = {0: "\N{REPLACEMENT CHARACTER}"} | dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


def kept(written: str) -> str:
    """The text as any database can keep it."""
    return written.translate(_UNKEPT)


def as_json(value: object) -> str:
    """Compact JSON that any database can keep."""
    return orjson.dumps(value).decode()


def row_of(incident: Incident, changed_at: datetime) -> IncidentRow:
    """A fresh row of an incident, without its lines and feedback."""
    return IncidentRow(
        id=incident.id,
        key=kept(incident.key),
        open_key=kept(incident.key) if incident.state is IncidentState.OPEN else None,
        revision=1,
        title=kept(incident.title),
        state=incident.state.value,
        severity=incident.severity.value,
        category=incident.category.value,
        cause=incident.cause,
        namespace=kept(incident.namespace),
        component=kept(incident.component),
        opened_at=incident.opened_at,
        last_seen=incident.last_seen,
        closed_at=incident.closed_at,
        changed_at=changed_at,
        count=incident.count,
        alerts=as_json([kept(name) for name in incident.alerts]),
        selector=kept(incident.selector),
        similar=as_json([asdict(one) for one in incident.similar]),
        source=incident.source,
        verdict=kept_verdict(incident.verdict),
    )


def kept_verdict(verdict: Verdict) -> str:
    """A verdict as JSON."""
    return verdict.model_dump_json().replace("\\u0000", "\N{REPLACEMENT CHARACTER}")


def kept_lines(lines: Iterable[ShownLine]) -> str:
    """Lines as JSON."""
    return as_json([{**asdict(line), "text": kept(line.text), "source": kept(line.source)} for line in lines])


def incident_of(row: IncidentRow, lines: str = "[]", feedback: Iterable[FeedbackRow] = ()) -> Incident:
    """The incident of a row; `lines` is what `kept_lines` made."""
    return Incident(
        id=row.id,
        key=row.key,
        title=row.title,
        state=IncidentState(row.state),
        severity=Severity(row.severity),
        category=Category(row.category),
        cause=row.cause,
        namespace=row.namespace,
        component=row.component,
        opened_at=row.opened_at,
        last_seen=row.last_seen,
        closed_at=row.closed_at,
        count=row.count,
        verdict=Verdict.model_validate_json(row.verdict),
        lines=tuple(_line(one) for one in orjson.loads(lines)),
        alerts=tuple(orjson.loads(row.alerts)),
        selector=row.selector,
        similar=tuple(_similar(one) for one in orjson.loads(row.similar)),
        feedback=tuple(_feedback(one) for one in feedback),
        source=next(source for source in _SOURCES if source == row.source),
    )


def job_of(row: JobRow) -> Job:
    """The job of a row."""
    return Job(
        id=row.id,
        kind=next(kind for kind in _JOB_KINDS if kind == row.kind),
        state=next(state for state in _JOB_STATES if state == row.state),
        priority=row.priority,
        namespace=row.namespace,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=row.progress,
        result=orjson.loads(row.result),
        error=row.error,
        idempotency_key=row.idempotency_key or "",
    )


def _line(one: Mapping[str, Any]) -> ShownLine:
    return ShownLine(one["number"], _moment(one["timestamp"]), one["source"], one["text"], one["cited"])


def _similar(one: Mapping[str, Any]) -> SimilarIncident:
    at = datetime.fromisoformat(one["at"])
    return SimilarIncident(one["id"], one["title"], one["cause"], Severity(one["severity"]), at, one["score"])


def _feedback(row: FeedbackRow) -> Feedback:
    return Feedback(row.at, row.author, "correct" if row.verdict == "correct" else "wrong", row.cause, row.note)


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
