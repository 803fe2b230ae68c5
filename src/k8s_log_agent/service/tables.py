"""The tables of the database. What creates and alters them are the migrations, not these classes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Counted = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what is an INTEGER


def microseconds_of(moment: datetime) -> int:
    """Since 1970; a time without a zone is an error of the program."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """The time, in UTC, so many microseconds after 1970; raises `OverflowError`."""
    return _EPOCH + microseconds * _MICROSECOND


class Moment(TypeDecorator[datetime]):
    """A time in UTC, kept as microseconds since 1970, which every database sorts and none converts."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """As the database keeps it."""
        del dialect
        return None if value is None else microseconds_of(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """As the program knows it."""
        del dialect
        return None if value is None else moment_of(value)


class Table(DeclarativeBase):
    """Base of all tables."""


class IncidentRow(Table):
    """One incident. `open_key` is its key while it is open, else NULL, so that one key is open once at most.

    `revision` counts its changes, `changed_at` is when the last one was made. `verdict`, `alerts` and `similar` are
    JSON.
    """

    __tablename__ = "incident"

    number: Mapped[int] = mapped_column(Counted, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(Text, unique=True)
    key: Mapped[str] = mapped_column(Text)
    open_key: Mapped[str | None] = mapped_column(Text, unique=True)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    title: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(Text)
    namespace: Mapped[str] = mapped_column(Text)
    component: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(Moment)
    last_seen: Mapped[datetime] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)
    count: Mapped[int] = mapped_column(BigInteger)
    alerts: Mapped[str] = mapped_column(Text)
    selector: Mapped[str] = mapped_column(Text)
    similar: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("incident_by_change", "changed_at", "number"),
        Index("incident_by_time", "last_seen", "number"),
        Index("incident_by_severity", "severity", "last_seen", "number"),
        Index("incident_by_state", "state", "last_seen", "number"),
        Index("incident_by_cause", "cause", "last_seen", "number"),
        Index("incident_by_namespace", "namespace", "last_seen", "number"),
    )


class LinesRow(Table):
    """The lines of an incident as JSON, apart from it so that a list of incidents need not read them."""

    __tablename__ = "incident_lines"

    incident: Mapped[int] = mapped_column(ForeignKey("incident.number", ondelete="CASCADE"), primary_key=True)
    lines: Mapped[str] = mapped_column(Text)


class SightingRow(Table):
    """How often an incident was seen in one hour, counted from 1970."""

    __tablename__ = "incident_sighting"

    incident: Mapped[int] = mapped_column(ForeignKey("incident.number", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[int] = mapped_column(Integer, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class FeedbackRow(Table):
    """What one person said of one incident."""

    __tablename__ = "feedback"

    number: Mapped[int] = mapped_column(Counted, primary_key=True, autoincrement=True)
    incident: Mapped[int] = mapped_column(ForeignKey("incident.number", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    author: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)


class JobRow(Table):
    """One job. `owner` is the process that works on it, which has to renew it before `lease_until`.

    `fingerprint` tells whether a repeated idempotency key comes with the same request. `payload` and `result` are JSON.
    """

    __tablename__ = "job"

    number: Mapped[int] = mapped_column(Counted, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(Integer)
    namespace: Mapped[str] = mapped_column(Text)
    payload: Mapped[str] = mapped_column(Text)
    result: Mapped[str] = mapped_column(Text, default="{}")
    error: Mapped[str] = mapped_column(Text, default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    owner: Mapped[str] = mapped_column(Text, default="")
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    idempotency_key: Mapped[str | None] = mapped_column(Text, unique=True)
    fingerprint: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (Index("job_by_turn", "state", "priority", "namespace", "number"),)


class TurnRow(Table):
    """When a namespace had a job started last."""

    __tablename__ = "turn"

    namespace: Mapped[str] = mapped_column(Text, primary_key=True)
    served_at: Mapped[datetime] = mapped_column(Moment)


class OutboxRow(Table):
    """One change of an incident that has yet to reach a projection; written with the change, removed when it did."""

    __tablename__ = "outbox"

    number: Mapped[int] = mapped_column(Counted, primary_key=True, autoincrement=True)
    target: Mapped[str] = mapped_column(Text)
    incident: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer)
    payload: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(Moment)
    error: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        Index("outbox_once", "target", "incident", "revision", unique=True),
        Index("outbox_by_turn", "target", "due_at", "number"),
    )
