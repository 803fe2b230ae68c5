"""An intake of alerts over a database of its own, whose clock stands still until told; and messages to send it."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select, update

from k8s_log_agent.service.alerts import AlertIntake
from k8s_log_agent.service.alerts.messages import AlertMessage
from k8s_log_agent.service.bus import MemoryBus
from k8s_log_agent.service.database import Database
from k8s_log_agent.service.incidents import DatabaseIncidents
from k8s_log_agent.service.outbox import Outbox
from k8s_log_agent.service.queue import DatabaseQueue
from k8s_log_agent.service.tables import JobRow
from k8s_log_agent.service.telemetry import Metrics

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
GROUP = '{}:{namespace="shop"}'


@cache
def _migrated() -> bytes:
    """A database with its tables, made once."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        database.migrate()
        database.close()
        return Path(folder, "empty.db").read_bytes()


class StandingClock:
    """Gives the time that it was set to."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class Desk:
    """`intake` and what it works with; `jobs` are the payloads that it submitted."""

    def __init__(self, folder: Path, *, url: str = "", queue_limit: int = 200, **named: Any) -> None:
        self.folder = folder
        self.clock: StandingClock = named.pop("clock", None) or StandingClock()
        file = folder / "alerts.db"
        if not url and not file.exists():
            file.write_bytes(_migrated())
        self.database = Database(url or f"sqlite:///{file}")
        if url:
            self.database.migrate()
        bus = MemoryBus()
        outbox = Outbox(self.database, (), self.clock)
        self.incidents = DatabaseIncidents(self.database, outbox, bus, self.clock)
        self.queue = DatabaseQueue(
            self.database,
            bus,
            limit=queue_limit,
            workers=1,
            owner="test",
            clock=self.clock,
            identity=lambda: secrets.token_hex(8),
        )
        self.metrics = Metrics()
        self.intake = AlertIntake(self.database, self.queue, self.incidents, self.metrics, clock=self.clock, **named)

    def post(self, *alerts: Mapping[str, Any], **others: object) -> dict[str, int]:
        return self.intake.accept(message(*alerts, **others))

    def tick(self, **span: float) -> int:
        self.clock.forward(**span)
        return self.intake.tick()

    @property
    def jobs(self) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            return [orjson.loads(row.payload) for row in session.scalars(select(JobRow).order_by(JobRow.number))]

    def end_jobs(self) -> None:
        with self.database.writing() as session:
            session.execute(update(JobRow).values(state="done", finished_at=self.clock()))


def alert(name: str = "ShopDown", number: int = 0, **others: object) -> dict[str, Any]:
    """A firing alert; another `number` is another pod."""
    labels = {"alertname": name, "namespace": "shop", "pod": f"web-{number}", "severity": "critical"}
    made = {
        "status": "firing",
        "labels": {**labels, **others.pop("labels", {})},  # type: ignore[dict-item] # labels are texts in these tests
        "annotations": {"summary": f"{name} of web-{number}"},
        "startsAt": NOON.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:16],
    }
    return {**made, **others}


def over(firing: Mapping[str, Any], at: datetime = NOON) -> dict[str, Any]:
    """The same alert, resolved."""
    return {**firing, "status": "resolved", "endsAt": at.isoformat()}


def body(*alerts: Mapping[str, Any], **others: object) -> dict[str, Any]:
    """What Alertmanager posts."""
    firing = any(one["status"] == "firing" for one in alerts)
    made = {
        "version": "4",
        "groupKey": GROUP,
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "log-analyzer",
        "groupLabels": {"namespace": "shop"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    }
    return {**made, **others}


def message(*alerts: Mapping[str, Any], **others: object) -> AlertMessage:
    """The same, read."""
    return AlertMessage.model_validate(body(*alerts, **others))
