"""The incidents in the database: kept and merged, searched, counted by the hour, judged by people, removed with age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import delete, func, select, text, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, load_only

from k8s_log_agent.service.database import Database
from k8s_log_agent.service.models import (
    MOST_INCIDENTS_A_PAGE,
    Feedback,
    Incident,
    IncidentPage,
    IncidentQuery,
    IncidentState,
    ServiceEvent,
)
from k8s_log_agent.service.outbox import Outbox
from k8s_log_agent.service.rows import as_json, incident_of, kept, kept_lines, row_of
from k8s_log_agent.service.search import after, cursor_of, matching, searchable
from k8s_log_agent.service.store import EventBus, Trends, UnknownIncidentError
from k8s_log_agent.service.tables import FeedbackRow, IncidentRow, LinesRow, SightingRow

_HOUR = 3600
_UNINDEX = "DELETE FROM incident_text WHERE rowid = :rowid"
MOST_ALERTS = 100
_AT_ONCE = 200  # rows of one transaction, so that others get their turn
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseIncidents:
    """An `IncidentStore`. `outbox` is told of every change within the same transaction, `bus` after it."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        bus: EventBus,
        clock: Callable[[], datetime],
        judged: Callable[[Feedback], None] = lambda _feedback: None,
    ) -> None:
        """`clock` gives the time in UTC; `judged` is told of each verdict of a person, for counting."""
        self._database = database
        self._clock = clock
        self._judged = judged
        self._outbox = outbox
        self._bus = bus

    def get(self, incident: str) -> Incident | None:
        """As `IncidentStore.get`."""
        with self._database.reading() as session:
            row = session.scalar(select(IncidentRow).where(IncidentRow.id == incident))
            return _whole(session, row) if row else None

    def search(self, query: IncidentQuery) -> IncidentPage:
        """As `IncidentStore.search`."""
        limit = max(1, min(query.limit, MOST_INCIDENTS_A_PAGE))
        conditions = matching(query, sqlite=self._database.is_sqlite)
        behind = [after(query.cursor)] if query.cursor else []
        newest = (IncidentRow.last_seen.desc(), IncidentRow.number.desc())
        with self._database.reading() as session:
            wanted = select(IncidentRow).where(*conditions, *behind).order_by(*newest).limit(limit + 1)
            rows = session.scalars(wanted).all()
            total = session.scalar(select(func.count()).select_from(IncidentRow).where(*conditions)) or 0
            more = len(rows) > limit
            found = tuple(replace(incident_of(row), similar=()) for row in rows[:limit])
            return IncidentPage(found, cursor_of(rows[limit - 1]) if more else "", total)

    def trend(self, ids: Sequence[str], until: datetime, hours: int = 24) -> Trends:
        """As `IncidentStore.trend`; the hours are those of the clock, the last one being that of `until`."""
        last = int(until.timestamp()) // _HOUR
        first = last - hours + 1
        counts = {one: [0] * hours for one in ids}
        seen = (
            select(IncidentRow.id, SightingRow.hour, SightingRow.count)
            .join(SightingRow, SightingRow.incident == IncidentRow.number)
            .where(IncidentRow.id.in_(counts), SightingRow.hour.between(first, last))
        )
        with self._database.reading() as session:
            for one, hour, count in session.execute(seen):
                counts[one][hour - first] += count
        return {one: tuple(each) for one, each in counts.items()}

    def record(self, new: Incident) -> Incident:
        """As `IncidentStore.record`."""
        with self._database.writing() as session:
            recorded = self.record_within(session, new)
        self.announce([recorded])
        return recorded

    def record_within(self, session: Session, new: Incident) -> Incident:
        """As `record`, as a part of a larger transaction; the caller announces afterwards."""
        row, fresh = self._row_for(session, new)
        if not fresh:
            _merge(row, new)
            row.revision, row.changed_at = row.revision + 1, self._clock()
        _count_sighting(session, row.number, new)
        session.execute(delete(LinesRow).where(LinesRow.incident == row.number))
        session.add(LinesRow(incident=row.number, lines=kept_lines(new.lines)))
        session.flush()
        whole = _whole(session, row)
        self._index(session, row.number, searchable(whole))
        self._outbox.add(session, whole, row.revision, row.changed_at)
        return whole

    def close(self, key: str, at: datetime) -> Incident | None:
        """As `IncidentStore.close`."""
        with self._database.writing() as session:
            row = _open_row(session, kept(key))
            if row is None:
                return None
            row.state, row.open_key = IncidentState.CLOSED.value, None
            row.closed_at = max(at, row.opened_at)
            closed = self._changed(session, row)
        self.announce([closed])
        return closed

    def add_feedback(self, incident: str, feedback: Feedback) -> Incident:
        """As `IncidentStore.add_feedback`."""
        with self._database.writing() as session:
            row = session.scalar(select(IncidentRow).where(IncidentRow.id == incident).with_for_update())
            if row is None:
                raise UnknownIncidentError(incident)
            session.add(
                FeedbackRow(
                    incident=row.number,
                    at=feedback.at,
                    author=kept(feedback.author),
                    verdict=feedback.verdict,
                    cause=feedback.cause,
                    note=kept(feedback.note),
                )
            )
            changed = self._changed(session, row)
        self._judged(feedback)
        self.announce([changed])
        return changed

    def announce(self, incidents: Iterable[Incident]) -> None:
        """Tells listeners of incidents that were kept."""
        for one in incidents:
            told = {"title": one.title, "severity": one.severity.value, "state": one.state.value, "cause": one.cause}
            told |= {"namespace": one.namespace, "last_seen": one.last_seen.isoformat()}
            self._bus.publish(ServiceEvent("incident", one.id, {**told, "count": one.count}))

    def tell_anew(self, progress: Callable[[int], None] = lambda _done: None) -> int:
        """Hands every incident to the outbox anew, in the order of their last change; returns how many."""
        last, done = (_BEGINNING, 0), 0
        order = tuple_(IncidentRow.changed_at, IncidentRow.number)
        wanted = select(IncidentRow).order_by(IncidentRow.changed_at, IncidentRow.number).limit(_AT_ONCE)
        while True:
            with self._database.writing() as session:
                rows = session.scalars(wanted.where(order > last)).all()
                for row in rows:
                    self._outbox.add(session, _whole(session, row), row.revision, row.changed_at)
                    last = (row.changed_at, row.number)
            if not rows:
                return done
            done += len(rows)
            progress(done)

    def remove_older(self, than: datetime) -> int:
        """Removes incidents that did not change since `than`, open ones included; returns how many."""
        removed = 0
        while True:
            with self._database.writing() as session:
                old = select(IncidentRow).options(load_only(IncidentRow.number, IncidentRow.id))
                rows = session.scalars(old.where(IncidentRow.changed_at < than).limit(_AT_ONCE)).all()
                numbers = [row.number for row in rows]
                self._outbox.forget(session, [row.id for row in rows])
                if numbers:
                    session.execute(text(_UNINDEX), [{"rowid": number} for number in numbers])
                session.execute(delete(IncidentRow).where(IncidentRow.number.in_(numbers)))
            removed += len(numbers)
            if len(numbers) < _AT_ONCE:
                return removed

    def _changed(self, session: Session, row: IncidentRow) -> Incident:
        row.revision, row.changed_at = row.revision + 1, self._clock()
        session.flush()
        whole = _whole(session, row)
        self._outbox.add(session, whole, row.revision, row.changed_at)
        return whole

    def _row_for(self, session: Session, new: Incident) -> tuple[IncidentRow, bool]:
        """The open row of the same key, or a fresh one; another process may make one in between."""
        while True:
            if new.state is IncidentState.OPEN and (there := _open_row(session, kept(new.key))):
                return there, False
            row = row_of(new, self._clock())
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                if new.state is not IncidentState.OPEN or not _open_row(session, kept(new.key)):
                    raise
                continue
            return row, True

    def _index(self, session: Session, number: int, words: str) -> None:
        session.execute(text(_UNINDEX), {"rowid": number})
        added = text("INSERT INTO incident_text (rowid, words) VALUES (:rowid, :words)")
        session.execute(added, {"rowid": number, "words": words})


def _open_row(session: Session, key: str) -> IncidentRow | None:
    return session.scalar(select(IncidentRow).where(IncidentRow.open_key == key).with_for_update())


def _whole(session: Session, row: IncidentRow) -> Incident:
    lines = session.scalar(select(LinesRow.lines).where(LinesRow.incident == row.number)) or "[]"
    said = select(FeedbackRow).where(FeedbackRow.incident == row.number).order_by(FeedbackRow.number)
    return incident_of(row, lines, session.scalars(said))


def _merge(row: IncidentRow, new: Incident) -> None:
    """The newer verdict counts; how long and how often it was seen adds up."""
    fresh = row_of(new, row.changed_at)
    for name in ("title", "severity", "category", "cause", "namespace", "component", "similar", "verdict"):
        setattr(row, name, getattr(fresh, name))
    row.selector = fresh.selector or row.selector
    alerts = dict.fromkeys([*orjson.loads(row.alerts), *orjson.loads(fresh.alerts)])
    row.alerts = as_json(list(alerts)[:MOST_ALERTS])
    row.opened_at = min(row.opened_at, new.opened_at)
    row.last_seen = max(row.last_seen, new.last_seen)
    row.count += new.count


def _count_sighting(session: Session, number: int, new: Incident) -> None:
    values: dict[str, Any] = {
        "incident": number,
        "hour": int(new.last_seen.timestamp()) // _HOUR,
        "count": new.count,
    }
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    added = (sqlite.insert if on_sqlite else postgresql.insert)(SightingRow).values(**values)
    more = {"count": SightingRow.count + new.count}
    session.execute(added.on_conflict_do_update(index_elements=["incident", "hour"], set_=more))
