"""People, sessions and what they did in the portal."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.store.metadata import metadata

ROLES = ("staff", "office", "operator", "auditor")

person = Table(
    "person",
    metadata,
    Column("account", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),  # argon2id
    Column("password_set_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("must_change_password", Boolean, nullable=False, server_default=text("true")),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("failed_logins", Integer, nullable=False, server_default="0"),
    Column("locked_until", DateTime(timezone=True)),
    Column("last_login_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint(f"role in {ROLES}", name="role"),
    comment="用户 · accounts of the portal",
)

session = Table(
    "session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account", ForeignKey("person.account", ondelete="CASCADE"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index(None, "account"),
    comment="会话 · who is logged in",
)

service_token = Table(
    "service_token",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account", ForeignKey("person.account", ondelete="CASCADE"), nullable=False, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("used_at", DateTime(timezone=True)),
    Column("requests", BigInteger, nullable=False, server_default="0"),
    comment="接口令牌 · a person's own address of the matching service; its token is known here by hash only",
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("event_id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("event", Text, nullable=False),  # named in docs/audit-events.md
    Column("account", Text),
    Column("department", Text),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Index(None, "at"),
    comment="审计日志 · what people did and what was refused",
)
