"""The queue of jobs in the database: bounded, fair, and still there after the process was killed.

A job that a process has begun is leased to it. The result of a job is kept in one transaction with its end, and only
while the lease holds, so a job that was cut off is done again and yet has one result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import CursorResult, Update, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from k8s_log_agent.service.database import Database
from k8s_log_agent.service.lines import storable
from k8s_log_agent.service.models import Job, JobKind, ServiceEvent
from k8s_log_agent.service.rows import as_json, job_of, kept
from k8s_log_agent.service.store import EventBus, IdempotencyConflictError, QueueFullError
from k8s_log_agent.service.tables import JobRow, TurnRow
from k8s_log_agent.service.telemetry.tracing import traceparent
from k8s_log_agent.service.turns import Waiting, next_turn

PARENT = "traceparent"  # of a payload: the span of the request that the job comes from
LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 3
_SECONDS_A_JOB = 5  # a guess, for telling when to come again
_FORGOTTEN = "{}"  # what a job was about is of no use after it
_SUBMITTING, _CLAIMING = 0x6C6F6762, 0x6C6F6763


class LeaseLostError(RuntimeError):
    """The job was cancelled, or another process took it over; what was worked out is thrown away."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this process is to do."""

    job: Job
    payload: Mapping[str, Any]
    attempt: int


class DatabaseQueue:
    """A `JobQueue`, with what its workers need. `owner` names this process, `identity` makes ids."""

    def __init__(  # noqa: PLR0913 - clock and ids are what a test puts in the place of chance
        self,
        database: Database,
        bus: EventBus,
        *,
        limit: int,
        workers: int,
        owner: str,
        clock: Callable[[], datetime],
        identity: Callable[[], str],
        ring: Callable[[], None] = lambda: None,
    ) -> None:
        """`limit` bounds the jobs that wait; `ring` wakes whoever does them."""
        self._database = database
        self._bus = bus
        self._limit = limit
        self._workers = max(1, workers)
        self._owner = owner
        self._clock = clock
        self._identity = identity
        self._ring = ring

    def submit(
        self, kind: JobKind, payload: Mapping[str, Any], *, namespace: str, priority: int, idempotency_key: str = ""
    ) -> Job:
        """As `JobQueue.submit`."""
        stored = storable(payload)
        asked = {name: value for name, value in stored.items() if name != PARENT}
        fingerprint = hashlib.sha256(f"{kind} {as_json(asked)}".encode()).hexdigest()
        try:
            with self._database.writing() as session:
                self._alone(session, _SUBMITTING)
                if idempotency_key and (there := _same(session, kept(idempotency_key), fingerprint)):
                    return job_of(there)
                waiting = _depth(session)
                if waiting >= self._limit:
                    raise QueueFullError(max(1, min(300, _SECONDS_A_JOB * waiting // self._workers // 10)))
                row = JobRow(
                    id=self._identity(),
                    kind=kind,
                    state="queued",
                    priority=priority,
                    namespace=kept(namespace),
                    payload=as_json({PARENT: traceparent(), **stored}),
                    created_at=self._clock(),
                    idempotency_key=kept(idempotency_key) or None,
                    fingerprint=fingerprint,
                )
                session.add(row)
                session.flush()
                job = job_of(row)
        except IntegrityError:
            with self._database.reading() as session:
                if there := _same(session, kept(idempotency_key), fingerprint):
                    return job_of(there)
            raise
        self._ring()
        return self._told(job)

    def get(self, job: str) -> Job | None:
        """As `JobQueue.get`."""
        with self._database.reading() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job))
            return job_of(row) if row else None

    def cancel(self, job: str) -> Job | None:
        """As `JobQueue.cancel`; the worker of a running one notices at its next step."""
        with self._database.writing() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job).with_for_update())
            if row is None:
                return None
            if row.state not in ("queued", "running"):
                return job_of(row)
            row.state, row.finished_at, row.lease_until = "cancelled", self._clock(), None
            row.payload = _FORGOTTEN
            session.flush()
            cancelled = job_of(row)
        return self._told(cancelled)

    def depth(self) -> int:
        """As `JobQueue.depth`."""
        with self._database.reading() as session:
            return _depth(session)

    def claim(self) -> Claimed | None:
        """Begins the job whose turn it is; None when nothing waits."""
        now = self._clock()
        with self._database.writing() as session:
            self._alone(session, _CLAIMING)
            turn = next_turn(_waiting(session), _running(session), _served(session), now)
            if turn is None:
                return None
            of_turn = (JobRow.state == "queued", JobRow.namespace == turn.namespace, JobRow.priority == turn.priority)
            row = session.scalar(select(JobRow).where(*of_turn).order_by(JobRow.number).limit(1).with_for_update())
            if row is None:
                return None
            row.state, row.owner, row.attempts = "running", self._owner, row.attempts + 1
            row.started_at, row.lease_until = now, now + LEASE
            session.merge(TurnRow(namespace=turn.namespace, served_at=now))
            session.flush()
            claimed = Claimed(job_of(row), orjson.loads(row.payload), row.attempts)
        self._told(claimed.job)
        return claimed

    def renew(self, claimed: Claimed, progress: float) -> None:
        """Says that the job goes on; raises `LeaseLostError` when it must not."""
        with self._database.writing() as session:
            self._held(session, claimed, {"progress": progress, "lease_until": self._clock() + LEASE})
        self.announce(claimed.job.id)

    def say(self, claimed: Claimed, progress: float) -> None:
        """Tells listeners how far a job is, and nobody else."""
        self._told(replace(claimed.job, progress=round(progress, 3)))

    def finish(self, session: Session, claimed: Claimed, result: Mapping[str, Any]) -> None:
        """Ends a job within the transaction that keeps what came of it; raises `LeaseLostError`."""
        done = {"state": "done", "progress": 1.0, "result": as_json(dict(result)), "finished_at": self._clock()}
        self._held(session, claimed, {**done, "lease_until": None, "payload": _FORGOTTEN})

    def fail(self, claimed: Claimed, why: str) -> None:
        """Ends a job that cannot be done; raises `LeaseLostError`."""
        failed = {"state": "failed", "error": kept(why)[:2000], "finished_at": self._clock(), "lease_until": None}
        with self._database.writing() as session:
            self._held(session, claimed, {**failed, "payload": _FORGOTTEN})

    def put_back(self, claimed: Claimed) -> None:
        """Gives a job back that was begun and is to be done later; raises `LeaseLostError`."""
        fresh = {"state": "queued", "owner": "", "started_at": None, "lease_until": None, "progress": 0.0}
        with self._database.writing() as session:
            self._held(session, claimed, {**fresh, "attempts": claimed.attempt - 1})

    def announce(self, job: str) -> Job | None:
        """Tells listeners how a job stands, and gives it."""
        found = self.get(job)
        return self._told(found) if found else None

    def recover(self, *, everything: bool) -> int:
        """Puts jobs back whose process is gone; returns how many.

        With `everything` all running ones, as at the start of the only process; else those whose lease is over. One
        that was begun three times is given up.
        """
        now = self._clock()
        lost = [JobRow.state == "running"]
        if not everything:
            lost.append(JobRow.lease_until < now)
        with self._database.writing() as session:
            rows = session.scalars(select(JobRow).where(*lost).with_for_update(skip_locked=True)).all()
            for row in rows:
                row.lease_until, row.owner = None, ""
                if row.attempts < MOST_ATTEMPTS:
                    row.state, row.started_at, row.progress = "queued", None, 0.0
                else:
                    row.state, row.finished_at, row.payload = "failed", now, _FORGOTTEN
                    row.error = f"The service ended {row.attempts} times while it worked on this job; it is given up."
            return len(rows)

    def remove_older(self, than: datetime) -> int:
        """Removes jobs that were finished before `than`, and turns of namespaces that had none since."""
        with self._database.writing() as session:
            session.execute(delete(TurnRow).where(TurnRow.served_at < than))
            removed = session.execute(delete(JobRow).where(JobRow.finished_at < than))
            return removed.rowcount if isinstance(removed, CursorResult) else 0

    def _held(self, session: Session, claimed: Claimed, values: Mapping[str, Any]) -> None:
        row = JobRow
        mine = (row.id == claimed.job.id, row.state == "running", row.owner == self._owner)
        changed: Update = update(row).where(*mine, row.attempts == claimed.attempt).values(**values)
        done = session.execute(changed)
        if not isinstance(done, CursorResult) or done.rowcount != 1:
            raise LeaseLostError(f"The job {claimed.job.id} is no longer this process's.")

    def _alone(self, session: Session, number: int) -> None:
        """Lets one process at a time through; SQLite's writers are alone anyway."""
        if not self._database.is_sqlite:
            session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})

    def _told(self, job: Job) -> Job:
        data = {"state": job.state, "kind": job.kind, "progress": job.progress, "namespace": job.namespace}
        self._bus.publish(ServiceEvent("job", job.id, data))
        return job


def _depth(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(JobRow).where(JobRow.state == "queued")) or 0


def _same(session: Session, key: str, fingerprint: str) -> JobRow | None:
    row = session.scalar(select(JobRow).where(JobRow.idempotency_key == key))
    if row is not None and row.fingerprint != fingerprint:
        raise IdempotencyConflictError(key)
    return row


def _waiting(session: Session) -> list[Waiting]:
    row = JobRow
    grouped = select(row.namespace, row.priority, func.min(row.created_at)).where(row.state == "queued")
    return [Waiting(*found) for found in session.execute(grouped.group_by(row.namespace, row.priority))]


def _running(session: Session) -> dict[str, int]:
    counted = select(JobRow.namespace, func.count()).where(JobRow.state == "running").group_by(JobRow.namespace)
    return {namespace: int(count) for namespace, count in session.execute(counted)}


def _served(session: Session) -> dict[str, datetime]:
    return {turn.namespace: turn.served_at for turn in session.scalars(select(TurnRow))}
