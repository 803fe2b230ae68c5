"""Incidents with their lines, sightings, feedback and text; jobs and their turns; the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates everything."""
    _incidents()
    _of_incidents()
    _jobs()
    _outbox()
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE incident_text USING fts5(words, tokenize = 'unicode61')")
        return
    op.execute(
        "CREATE TABLE incident_text (rowid bigint PRIMARY KEY REFERENCES incident (number) ON DELETE CASCADE, "
        "words text NOT NULL, found tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED)"
    )
    op.execute("CREATE INDEX incident_text_found ON incident_text USING gin (found)")


def downgrade() -> None:
    """Removes everything."""
    for table in ("incident_text", "outbox", "turn", "job", "feedback", "incident_sighting", "incident_lines"):
        op.drop_table(table)
    op.drop_table("incident")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        _text("key"),
        sa.Column("open_key", sa.Text, unique=True),
        sa.Column("revision", sa.Integer, nullable=False),
        *(_text(name) for name in ("title", "state", "severity", "category", "cause", "namespace", "component")),
        _time("opened_at"),
        _time("last_seen"),
        _time("closed_at", nullable=True),
        _time("changed_at"),
        sa.Column("count", sa.BigInteger, nullable=False),
        *(_text(name) for name in ("alerts", "selector", "similar", "source", "verdict")),
        sqlite_autoincrement=True,
    )
    op.create_index("incident_by_change", "incident", ["changed_at", "number"])
    op.create_index("incident_by_time", "incident", ["last_seen", "number"])
    for name in ("severity", "state", "cause", "namespace"):
        op.create_index(f"incident_by_{name}", "incident", [name, "last_seen", "number"])


def _of_incidents() -> None:
    def incident(*, primary_key: bool) -> sa.Column[int]:
        target = sa.ForeignKey("incident.number", ondelete="CASCADE")
        return sa.Column("incident", sa.BigInteger, target, primary_key=primary_key, nullable=False)

    op.create_table("incident_lines", incident(primary_key=True), _text("lines"))
    op.create_table(
        "incident_sighting",
        incident(primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        incident(primary_key=False),
        _time("at"),
        *(_text(name) for name in ("author", "verdict", "cause", "note")),
    )
    op.create_index("ix_feedback_incident", "feedback", ["incident"])


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        _text("kind"),
        _text("state"),
        sa.Column("priority", sa.Integer, nullable=False),
        *(_text(name) for name in ("namespace", "payload", "result", "error")),
        sa.Column("progress", sa.Float, nullable=False),
        _time("created_at"),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("owner"),
        _time("lease_until", nullable=True),
        sa.Column("idempotency_key", sa.Text, unique=True),
        _text("fingerprint"),
    )
    op.create_index("job_by_turn", "job", ["state", "priority", "namespace", "number"])
    op.create_table("turn", sa.Column("namespace", sa.Text, primary_key=True), _time("served_at"))


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        *(_text(name) for name in ("target", "incident")),
        sa.Column("revision", sa.Integer, nullable=False),
        _text("payload"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _time("due_at"),
        _text("error"),
    )
    op.create_index("outbox_once", "outbox", ["target", "incident", "revision"], unique=True)
    op.create_index("outbox_by_turn", "outbox", ["target", "due_at", "number"])
