"""Groups of alerts with the alerts in them; messages that went out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "alert_group",
        sa.Column("key", sa.Text, primary_key=True),
        _text("group_key"),
        sa.Column("pending", sa.Integer, nullable=False),
        sa.Column("unseen", sa.Boolean, nullable=False),
        _moment("first_at"),
        _moment("last_at"),
        _moment("submitted_at", nullable=True),
        _text("names"),
        sa.Column("truncated", sa.Integer, nullable=False),
        sa.Column("batch", sa.Integer, nullable=False),
        sa.Column("sealed", sa.Text),
        _text("job"),
        _moment("closing_at", nullable=True),
        _moment("seen_at"),
    )
    op.create_index("ix_alert_group_pending", "alert_group", ["pending"])
    op.create_index("ix_alert_group_seen_at", "alert_group", ["seen_at"])
    op.create_table(
        "alert",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("group_key", sa.Text, sa.ForeignKey("alert_group.key", ondelete="CASCADE"), nullable=False),
        _text("name"),
        sa.Column("firing", sa.Boolean, nullable=False),
        _moment("starts_at"),
        sa.Column("batch", sa.Integer),
        _moment("seen_at"),
        _text("alert"),
    )
    op.create_index("alert_by_group", "alert", ["group_key", "batch", "firing"])
    op.create_index("alert_by_age", "alert", ["seen_at"])
    op.create_table(
        "notice",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("incident", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, primary_key=True),
        _moment("sent_at"),
    )
    op.create_index("ix_notice_sent_at", "notice", ["sent_at"])


def downgrade() -> None:
    """Removes them."""
    for table in ("notice", "alert", "alert_group"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)
