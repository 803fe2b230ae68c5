"""What the service keeps and tells: incidents with their verdicts, feedback, jobs, and what is said to listeners."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from k8s_log_agent.records import Category, Severity, Verdict

JobKind = Literal["analyze", "summarize", "alert"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
IncidentSource = Literal["request", "alert", "rule"]
NOTHING: Mapping[str, Any] = MappingProxyType({})
MOST_INCIDENTS_A_PAGE = 200
PRIORITY_ORDINARY, PRIORITY_ALERT, PRIORITY_CRITICAL = 0, 5, 10


class IncidentState(StrEnum):
    """An incident is open until it is resolved; the same trouble after that is a new incident."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One log line of an incident. `text` is redacted always; `number` is 1-based in `source`."""

    number: int
    timestamp: datetime | None
    source: str
    text: str
    cited: bool  # whether the verdict rests on it


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person said of a verdict. `cause` is the right one where the verdict was wrong."""

    at: datetime
    author: str
    verdict: Literal["correct", "wrong"]
    cause: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SimilarIncident:
    """A past incident like another. `score` is 0..1, higher is more alike."""

    id: str
    title: str
    cause: str
    severity: Severity
    at: datetime
    score: float


@dataclass(frozen=True, slots=True)
class Incident:
    """Trouble of one kind in one place. Two with the same `key` while open are the same incident.

    All times carry UTC. `count` is how often the trouble was seen; `alerts` are names of alerts; `selector` is the
    LogQL that shows its lines, or empty.
    """

    id: str
    key: str
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
    verdict: Verdict
    lines: tuple[ShownLine, ...] = ()
    alerts: tuple[str, ...] = ()
    selector: str = ""
    similar: tuple[SimilarIncident, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    source: IncidentSource = "request"


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Which incidents are wanted, newest (by `last_seen`) first. Empty means no restriction.

    `since` and `until` bound `last_seen`, the end excluded. `text` is searched word by word. `cursor` is the
    `next_cursor` of the page before; `limit` is 1..200.
    """

    severities: frozenset[Severity] = frozenset()
    states: frozenset[IncidentState] = frozenset()
    cause: str = ""
    namespace: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    cursor: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One page of a search, without lines and similar ones. `next_cursor` is empty on the last page.

    `total` counts all that match, on whichever page.
    """

    incidents: tuple[Incident, ...]
    next_cursor: str
    total: int


@dataclass(frozen=True, slots=True)
class Job:
    """Work that was accepted. `progress` is 0..1, `priority` higher is sooner; `result` is JSON."""

    id: str
    kind: JobKind
    state: JobState
    priority: int
    namespace: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: float = 0.0
    result: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    error: str = ""
    idempotency_key: str = ""

    @property
    def finished(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """What listeners are told: that the job or incident `id` changed, and a little of it as JSON."""

    kind: Literal["job", "incident"]
    id: str
    data: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


def alert_key(group_key: str) -> str:
    """The key of the incident of one group of alerts, as Alertmanager names the group."""
    return f"alert:{hashlib.sha256(group_key.encode('utf-8', 'replace')).hexdigest()[:24]}"
