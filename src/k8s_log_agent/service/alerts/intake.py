"""Takes alerts in and makes jobs of them. What was accepted lies in the database before the sender hears of it.

A group's alerts become a job in three steps, each of which may be the last one before the process is killed: they are
sealed as a numbered batch, the batch is submitted under that number, the seal is taken off. The queue knows the number,
so that a step which is done twice counts once.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import orjson
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from k8s_log_agent.service.alerts.batches import payload, stored
from k8s_log_agent.service.alerts.messages import Alert, AlertMessage
from k8s_log_agent.service.alerts.selectors import OWN_APP, is_own
from k8s_log_agent.service.alerts.tables import AlertGroupRow, AlertRow
from k8s_log_agent.service.alerts.ticking import Ticking
from k8s_log_agent.service.alerts.timing import GroupState, Timing
from k8s_log_agent.service.database import Database
from k8s_log_agent.service.models import alert_key
from k8s_log_agent.service.rows import as_json, kept
from k8s_log_agent.service.store import IncidentStore, JobQueue, QueueFullError
from k8s_log_agent.service.telemetry.metrics import Metrics
from k8s_log_agent.service.telemetry.tracing import traceparent

JOBS_A_MINUTE = 30  # of all groups together; what is over that waits
KEPT = timedelta(days=14)
TICK_SECONDS = 0.2
_NOT_FOR_ANALYSIS = -1  # the batch of an alert that was resolved before it was known
_MOST_NAMES = 500
_AT_ONCE = 500
_PRUNED_EVERY = timedelta(hours=1)
_log = logging.getLogger(__name__)


class AlertIntake:
    """Keeps alerts and makes jobs of their groups when `timing` says so. Several processes may share a database."""

    def __init__(  # noqa: PLR0913 - where alerts go, how often, and what a test puts in the place of time
        self,
        database: Database,
        jobs: JobQueue,
        incidents: IncidentStore,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        timing: Timing = Timing(),  # noqa: B008 - it is frozen
        own_app: str = OWN_APP,
        jobs_a_minute: int = JOBS_A_MINUTE,
    ) -> None:
        """`own_app` is the label `app` of the analyzer's own pods, whose alerts and lines are left alone."""
        self._database = database
        self._jobs = jobs
        self._incidents = incidents
        self._metrics = metrics
        self._clock = clock
        self._timing = timing
        self._own_app = own_app
        self._most = jobs_a_minute
        self._sealed_at: deque[datetime] = deque(maxlen=jobs_a_minute)
        self._pruned_at: datetime | None = None
        self._ticking = Ticking("alerts", self.tick, TICK_SECONDS)

    def start(self) -> None:
        """Begins to turn groups into jobs; what waited when the last process ended is among them."""
        self._ticking.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Ends; what waits stays in the database."""
        self._ticking.stop(seconds)

    def accept(self, message: AlertMessage) -> dict[str, int]:
        """Keeps the alerts of a message and counts what they are: new, known, resolved, stale, own.

        Returns only when they are in the database; raises `DatabaseError` when they are not.
        """
        others = [alert for alert in message.alerts if not is_own(alert.labels, self._own_app)]
        counts: Counter[str] = Counter(own=len(message.alerts) - len(others))
        if others:
            with self._database.writing() as session:
                counts.update(self._keep(session, message, others))
        counts = +counts
        self._metrics.count(self._metrics.alerts, counts)
        if message.truncated_alerts:
            self._metrics.alerts.labels("truncated").inc(message.truncated_alerts)
        return dict(counts)

    def tick(self) -> int:
        """Submits what is due and closes what is resolved; returns how many jobs were submitted."""
        now = self._clock()
        row = AlertGroupRow
        busy = or_(row.pending > 0, row.sealed.is_not(None), row.closing_at.is_not(None))
        with self._database.reading() as session:
            groups = session.scalars(select(row).where(busy).order_by(row.first_at)).all()
        submitted = 0
        for group in groups:
            if group.closing_at is not None and group.pending and group.submitted_at and not group.unseen:
                self._set_aside(group.key)
            sealed = group.sealed is not None
            if not sealed and self._timing.due(_state(group), now) and self._has_room(now):
                self._seal(group.key, now)
                sealed = True
            if sealed:
                submitted += self._submit(group.key)
            if group.closing_at is not None:
                self._close(group.key)
        if self._pruned_at is None or not timedelta(0) <= now - self._pruned_at < _PRUNED_EVERY:
            self._prune(now)
            self._pruned_at = now
        return submitted

    def waiting(self) -> int:
        """How many alerts wait to become jobs."""
        with self._database.reading() as session:
            return session.scalar(select(func.coalesce(func.sum(AlertGroupRow.pending), 0))) or 0

    def _keep(self, session: Session, message: AlertMessage, alerts: Iterable[Alert]) -> Counter[str]:
        now = self._clock()
        group = self._group(session, message, now)
        by_id = {alert.identity(group.key): alert for alert in alerts}
        known = _known(session, list(by_id))
        counts: Counter[str] = Counter()
        names = set(orjson.loads(group.names))
        for identity, alert in by_id.items():
            there = known.get(identity)
            if there is None:
                self._add(session, group, identity, alert, now)
                group.unseen = group.unseen or (alert.status == "firing" and kept(alert.name) not in names)
                counts["new" if alert.status == "firing" else "resolved"] += 1
                continue
            there.seen_at = now
            if alert.status == "resolved":
                counts["resolved" if there.firing else "known"] += 1
                there.firing = False
            else:
                counts["known" if there.firing else "stale"] += 1
        if counts["new"]:
            group.closing_at = None
            group.last_at = now
        session.flush()
        self._resolve(session, group, message, now)
        return counts

    def _group(self, session: Session, message: AlertMessage, now: datetime) -> AlertGroupRow:
        """The group's row, held until the end of the transaction; another process may make it in between."""
        key = alert_key(message.group_key)
        wanted = select(AlertGroupRow).where(AlertGroupRow.key == key).with_for_update()
        group = session.scalar(wanted)
        if group is None:
            fresh = {"key": key, "group_key": kept(message.group_key), "first_at": now, "last_at": now, "seen_at": now}
            fresh |= {"pending": 0, "unseen": False, "names": "[]", "truncated": 0, "batch": 0, "job": ""}
            insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
            session.execute(insert(AlertGroupRow).values(**fresh).on_conflict_do_nothing(index_elements=["key"]))
            group = session.scalars(wanted).one()
        group.truncated = message.truncated_alerts
        group.seen_at = now
        return group

    @staticmethod
    def _add(session: Session, group: AlertGroupRow, identity: str, alert: Alert, now: datetime) -> None:
        firing = alert.status == "firing"
        if firing:
            group.first_at = group.first_at if group.pending else now
            group.pending += 1
        session.add(
            AlertRow(
                id=identity,
                group=group.key,
                name=kept(alert.name),
                firing=firing,
                starts_at=alert.starts_at,
                batch=None if firing else _NOT_FOR_ANALYSIS,
                seen_at=now,
                alert=as_json({**stored(alert), "traceparent": traceparent()}),
            )
        )

    @staticmethod
    def _resolve(session: Session, group: AlertGroupRow, message: AlertMessage, now: datetime) -> None:
        """Notes that the incident is to be closed, when all alerts of the group are over."""
        if message.status != "resolved":
            return
        of_group = AlertRow.group == group.key
        if not message.truncated_alerts:  # then these are all alerts of the group
            session.execute(update(AlertRow).where(of_group, AlertRow.firing).values(firing=False))
        elif session.scalar(select(func.count()).where(of_group, AlertRow.firing)):
            return
        ended = [alert.ended_at for alert in message.alerts if alert.ended_at]
        group.closing_at = min(max(ended, default=now), now)

    def _has_room(self, now: datetime) -> bool:
        """Whether another job may be made in this minute; after a clock was set back, yes."""
        full = len(self._sealed_at) == self._most
        return not full or not timedelta(0) <= now - self._sealed_at[0] < timedelta(minutes=1)

    def _seal(self, key: str, now: datetime) -> None:
        """Makes a batch of what waits in the group."""
        row = AlertRow
        with self._database.writing() as session:
            group = session.scalar(select(AlertGroupRow).where(AlertGroupRow.key == key).with_for_update())
            if group is None or group.sealed is not None or not self._timing.due(_state(group), now):
                return  # another process was here first
            wait = (row.group == key, row.batch.is_(None))
            rows = session.scalars(select(row).where(*wait).order_by(row.starts_at, row.id)).all()
            alerts = [orjson.loads(one.alert) for one in rows]
            rested = group.submitted_at is None or now - group.submitted_at >= self._timing.cooldown
            names = {*(() if rested else orjson.loads(group.names)), *(one.name for one in rows)}
            group.batch += 1
            group.sealed = as_json(payload(group.group_key, alerts, group.truncated, now, self._own_app))
            group.pending, group.unseen, group.submitted_at = 0, False, now
            group.names = as_json(sorted(names)[:_MOST_NAMES])
            session.execute(update(row).where(*wait).values(batch=group.batch))
        self._sealed_at.append(now)

    def _set_aside(self, key: str) -> None:
        """Lets alerts be that wait in a group which is over and was judged; a resolved alert is not analyzed."""
        with self._database.writing() as session:
            group = session.scalar(select(AlertGroupRow).where(AlertGroupRow.key == key).with_for_update())
            if group is None or group.closing_at is None or group.unseen:
                return
            group.pending = 0
            wait = (AlertRow.group == key, AlertRow.batch.is_(None))
            session.execute(update(AlertRow).where(*wait).values(batch=_NOT_FOR_ANALYSIS))

    def _submit(self, key: str) -> int:
        """Hands a sealed batch to the queue; one that is full is asked again later."""
        with self._database.reading() as session:
            group = session.get(AlertGroupRow, key)
        if group is None or group.sealed is None:
            return 0
        told = orjson.loads(group.sealed)
        number = f"{key}:{group.batch}"
        try:
            job = self._jobs.submit(
                "alert", told, namespace=told["namespace"], priority=told["priority"], idempotency_key=number
            )
        except QueueFullError:
            return 0
        mine = (AlertGroupRow.key == key, AlertGroupRow.batch == group.batch)
        with self._database.writing() as session:
            session.execute(update(AlertGroupRow).where(*mine).values(sealed=None, job=job.id))
        self._metrics.alert_jobs.inc()
        return 1

    def _close(self, key: str) -> None:
        """Closes the incident of a group that is over, after its last job has told what it was."""
        with self._database.reading() as session:
            group = session.get(AlertGroupRow, key)
        if group is None or group.closing_at is None or group.pending or group.sealed is not None:
            return
        job = self._jobs.get(group.job) if group.job else None
        if job is not None and not job.finished:
            return
        self._incidents.close(key, group.closing_at)
        mine = (AlertGroupRow.key == key, AlertGroupRow.closing_at == group.closing_at)
        with self._database.writing() as session:
            session.execute(update(AlertGroupRow).where(*mine).values(closing_at=None))

    def _prune(self, now: datetime) -> None:
        """Forgets alerts and groups of which nothing was heard for long."""
        row, old = AlertGroupRow, now - KEPT
        idle = (row.seen_at < old, row.pending == 0, row.sealed.is_(None), row.closing_at.is_(None))
        with self._database.writing() as session:
            session.execute(delete(AlertRow).where(AlertRow.seen_at < old, AlertRow.batch.is_not(None)))
            session.execute(delete(row).where(*idle))


def _state(group: AlertGroupRow) -> GroupState:
    return GroupState(group.pending, group.first_at, group.last_at, group.submitted_at, group.unseen)


def _known(session: Session, ids: list[str]) -> dict[str, AlertRow]:
    found: dict[str, AlertRow] = {}
    for first in range(0, len(ids), _AT_ONCE):
        some = select(AlertRow).where(AlertRow.id.in_(ids[first : first + _AT_ONCE]))
        found |= {row.id: row for row in session.scalars(some)}
    return found
