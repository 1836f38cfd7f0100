"""The outbox of alerts: producers only insert; one sender delivers."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.store.metadata import metadata

alert = Table(
    "alert",
    metadata,
    Column("alert_id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),  # delivery_held, run_failed, feed_overdue…: hub.alerts.kinds
    Column("key", Text, nullable=False),  # one open alert per problem
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("first_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("last_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("fixed_at", DateTime(timezone=True)),
    Column("told_at", DateTime(timezone=True)),  # its mails were written
    Column("fix_told_at", DateTime(timezone=True)),  # the mails about its end were written
    Index("uq_alert_open", "kind", "key", unique=True, postgresql_where=text("fixed_at is null")),
    comment="告警 · one problem, open until fixed",
)

message = Table(
    "message",
    metadata,
    Column("message_id", BigInteger, Identity(), primary_key=True),
    Column("alert_id", ForeignKey("alert.alert_id", ondelete="CASCADE")),  # null: proof of life
    Column("occasion", Text, nullable=False),  # alert:12:raised, alert:12:fixed, life:2026-10-01
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("not_before", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", DateTime(timezone=True)),
    Column("gave_up_at", DateTime(timezone=True)),  # the mail server refuses this recipient for good
    Column("last_error", Text),
    UniqueConstraint("occasion", "recipient"),
    Index("ix_message_due", "not_before", postgresql_where=text("sent_at is null and gave_up_at is null")),
    comment="发件箱 · one mail to one recipient",
)
