"""Tables of what alerts came in, which of them wait, and which messages went out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from k8s_log_agent.service.tables import Moment, Table


class AlertGroupRow(Table):
    """One group of alerts. `key` is the key of its incident; `names` are those of jobs since its last rest, as JSON.

    `sealed` is the payload of a job that is to be submitted as number `batch`; `job` is the last one that was.
    """

    __tablename__ = "alert_group"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    group_key: Mapped[str] = mapped_column(Text)
    pending: Mapped[int] = mapped_column(Integer, default=0, index=True)
    unseen: Mapped[bool] = mapped_column(default=False)
    first_at: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    names: Mapped[str] = mapped_column(Text, default="[]")
    truncated: Mapped[int] = mapped_column(Integer, default=0)
    batch: Mapped[int] = mapped_column(Integer, default=0)
    sealed: Mapped[str | None] = mapped_column(Text)
    job: Mapped[str] = mapped_column(Text, default="")
    closing_at: Mapped[datetime | None] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment, index=True)


class AlertRow(Table):
    """One alert. `batch` is the number of its job within the group, NULL while it waits. `alert` is JSON, redacted."""

    __tablename__ = "alert"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    group: Mapped[str] = mapped_column("group_key", ForeignKey("alert_group.key", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    firing: Mapped[bool] = mapped_column()
    starts_at: Mapped[datetime] = mapped_column(Moment)
    batch: Mapped[int | None] = mapped_column(Integer)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    alert: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("alert_by_group", "group_key", "batch", "firing"), Index("alert_by_age", "seen_at"))


class NoticeRow(Table):
    """One message that went out: to which target, of which incident, and of what in its life."""

    __tablename__ = "notice"

    target: Mapped[str] = mapped_column(Text, primary_key=True)
    incident: Mapped[str] = mapped_column(Text, primary_key=True)
    what: Mapped[str] = mapped_column(Text, primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(Moment, index=True)
