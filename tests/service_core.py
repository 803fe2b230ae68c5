"""What the tests of the service's storage share: everything over a database, made-up incidents, a standing clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from k8s_log_agent.records import Category, Component, EvidenceLine, Severity, Verdict, VerdictState
from k8s_log_agent.service.bus import MemoryBus
from k8s_log_agent.service.database import Database
from k8s_log_agent.service.incidents import DatabaseIncidents
from k8s_log_agent.service.models import Incident, IncidentState, ShownLine
from k8s_log_agent.service.outbox import Outbox
from k8s_log_agent.service.queue import DatabaseQueue

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@dataclass
class StandingClock:
    """Stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Kept:
    """A migrated database with everything that is kept in it."""

    database: Database
    clock: StandingClock = field(default_factory=StandingClock)
    bus: MemoryBus = field(default_factory=MemoryBus)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.database, ("loki", "chroma"), self.clock)
        self.incidents = DatabaseIncidents(self.database, self.outbox, self.bus, self.clock)
        self.queue = self.queue_of("this")

    def queue_of(self, owner: str, limit: int = 20) -> DatabaseQueue:
        counted = itertools.count(1)
        return DatabaseQueue(
            self.database,
            self.bus,
            limit=limit,
            workers=2,
            owner=owner,
            clock=self.clock,
            identity=lambda: f"{owner}-{next(counted)}",
        )


@contextmanager
def kept_in(url: str) -> Iterator[Kept]:
    """Everything over a fresh database."""
    database = Database(url)
    try:
        database.migrate()
        yield Kept(database)
    finally:
        database.close()


def sqlite_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'service.db'}"


def verdict(**given: Any) -> Verdict:
    made: dict[str, Any] = {
        "id": "v",
        "state": VerdictState.RULED,
        "decided_by": "rule",
        "severity": Severity.ERROR,
        "category": Category.DEPENDENCY,
        "cause": "db_unavailable",
        "root_cause": "A database cannot be reached.",
        "component": Component(kind="database", name="postgresql"),
        "evidence": (EvidenceLine(source="pod.log", line=3, text="connection to db-0.payments:5432 refused"),),
        "reasoning": "Rule connection-refused.",
        "confidence": 0.9,
    }
    return Verdict(**{**made, **given})


def incident(name: str, *, seconds: float = 0, **given: Any) -> Incident:
    """An open incident of its own key, seen `seconds` after the start."""
    at = START + timedelta(seconds=seconds)
    judged = given.pop("verdict", None) or verdict()
    made: dict[str, Any] = {
        "id": name,
        "key": f"key-{name}",
        "title": judged.root_cause,
        "state": IncidentState.OPEN,
        "severity": judged.severity,
        "category": judged.category,
        "cause": judged.cause,
        "namespace": "payments",
        "component": "postgresql",
        "opened_at": at,
        "last_seen": at,
        "closed_at": None,
        "count": 1,
        "verdict": judged,
        "lines": (ShownLine(3, at, "pod.log", "connection to db-0.payments:5432 refused", cited=True),),
    }
    return Incident(**{**made, **given})
