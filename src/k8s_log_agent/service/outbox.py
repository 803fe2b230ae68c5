"""Changes of incidents on their way to the projections, written in the transaction that makes the change.

What is written there is delivered at least once; since each has the identity of incident and revision, and a
projection takes the same one twice as one, it counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from k8s_log_agent.service.database import Database
from k8s_log_agent.service.models import Incident
from k8s_log_agent.service.rows import as_json
from k8s_log_agent.service.tables import OutboxRow

Target = Literal["loki", "chroma"]
TARGETS: tuple[Target, ...] = ("loki", "chroma")
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One change to be told. `payload` is None where the incident was removed."""

    number: int
    incident: str
    revision: int
    payload: dict[str, Any] | None


class Outbox:
    """What waits for the projections that are switched on."""

    def __init__(self, database: Database, targets: Collection[Target], clock: Callable[[], datetime]) -> None:
        self._database = database
        self._targets = tuple(target for target in TARGETS if target in targets)
        self._clock = clock

    @property
    def targets(self) -> tuple[Target, ...]:
        """The projections that are switched on."""
        return self._targets

    def add(self, session: Session, incident: Incident, revision: int, changed_at: datetime) -> None:
        """Notes a change within the transaction that makes it; the same revision a second time changes nothing."""
        payload = as_json({**told(incident), "revision": revision, "changed_at": changed_at.isoformat()})
        for target in self._targets:
            self._put(session, target, incident.id, revision, payload)

    def forget(self, session: Session, incidents: Sequence[str]) -> None:
        """Drops what waits of incidents that are removed, and tells the index of past incidents to do the same."""
        if not incidents:
            return
        session.execute(delete(OutboxRow).where(OutboxRow.incident.in_(incidents)))
        if "chroma" in self._targets:
            for one in incidents:
                self._put(session, "chroma", one, 0, "null")

    def due(self, target: Target, most: int) -> list[Delivery]:
        """The oldest changes, in their order; none while the oldest is put off, lest a newer one overtakes it."""
        mine = OutboxRow.target == target
        oldest = select(OutboxRow.due_at).where(mine).order_by(OutboxRow.number).limit(1)
        with self._database.reading() as session:
            due = session.scalar(oldest)
            if due is None or due > self._clock():
                return []
            rows = session.scalars(select(OutboxRow).where(mine).order_by(OutboxRow.number).limit(most)).all()
            return [Delivery(row.number, row.incident, row.revision, orjson.loads(row.payload)) for row in rows]

    def delivered(self, deliveries: Sequence[Delivery]) -> None:
        """Removes what was told."""
        numbers = [one.number for one in deliveries]
        with self._database.writing() as session:
            session.execute(delete(OutboxRow).where(OutboxRow.number.in_(numbers)))

    def failed(self, deliveries: Sequence[Delivery], why: str) -> None:
        """Puts the oldest of a target off, longer with each attempt, and with them all that is behind them."""
        numbers = [one.number for one in deliveries]
        with self._database.writing() as session:
            tried = session.scalar(select(func.max(OutboxRow.attempts)).where(OutboxRow.number.in_(numbers))) or 0
            wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(tried, 12))
            late = update(OutboxRow).where(OutboxRow.number.in_(numbers))
            due = self._clock() + wait
            session.execute(late.values(attempts=OutboxRow.attempts + 1, error=why[:500], due_at=due))

    def waiting(self) -> dict[str, int]:
        """How many changes wait, by target."""
        counted = select(OutboxRow.target, func.count()).group_by(OutboxRow.target)
        with self._database.reading() as session:
            return dict.fromkeys(self._targets, 0) | {name: int(count) for name, count in session.execute(counted)}

    def _put(self, session: Session, target: str, incident: str, revision: int, payload: str) -> None:
        same = (OutboxRow.target == target, OutboxRow.incident == incident, OutboxRow.revision == revision)
        if session.scalar(select(OutboxRow.number).where(*same)) is None:
            due = self._clock()
            row = OutboxRow(target=target, incident=incident, revision=revision, payload=payload, due_at=due)
            session.add(row)
            session.flush()


def told(incident: Incident) -> dict[str, Any]:
    """What a projection is told of an incident, everything redacted as in the incident itself."""
    verdict = incident.verdict
    judged = incident.feedback[-1] if incident.feedback else None
    return {
        "id": incident.id,
        "title": incident.title,
        "state": incident.state.value,
        "severity": incident.severity.value,
        "category": incident.category.value,
        "cause": incident.cause,
        "namespace": incident.namespace,
        "component": incident.component,
        "opened_at": incident.opened_at.isoformat(),
        "last_seen": incident.last_seen.isoformat(),
        "closed_at": incident.closed_at.isoformat() if incident.closed_at else None,
        "count": incident.count,
        "alerts": list(incident.alerts),
        "source": incident.source,
        "decided_by": verdict.decided_by,
        "verdict_state": verdict.state.value,
        "confidence": verdict.confidence,
        "root_cause": verdict.root_cause,
        "evidence": [line.text for line in verdict.evidence],
        "feedback": judged.verdict if judged else "",
        "right_cause": _right_cause(incident),
        "judged_by": judged.author if judged else "",
        "judged_at": judged.at.isoformat() if judged else "",
    }


def _right_cause(incident: Incident) -> str:
    """The cause that a person vouches for, or nothing."""
    judged = incident.feedback[-1] if incident.feedback else None
    if judged is None:
        return ""
    return incident.cause if judged.verdict == "correct" else judged.cause
