"""Agreements, extracts, the ledger and corrections."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.store.metadata import metadata

agreement_version = Table(
    "agreement_version",
    metadata,
    Column("agreement", Text, primary_key=True),  # the agreement's id, as in its file
    Column("version", Integer, primary_key=True),
    Column("digest", Text, nullable=False),  # of its canonical content
    Column("content", JSONB, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("agreement", "digest"),
    comment="共享协议版本 · an agreement as it stood",
)

extract = Table(
    "extract",
    metadata,
    Column("extract_id", BigInteger, Identity(), primary_key=True),
    Column("agreement", Text, nullable=False),
    Column("agreement_version", Integer, nullable=False),
    Column("department", Text, nullable=False),  # the recipient
    Column("master_version", ForeignKey("master_version.version"), nullable=False),
    Column("run_id", ForeignKey("run.run_id")),
    Column("business_date", Date, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("title", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("fields", JSONB, nullable=False),  # names of the fields it carries
    Column("files", JSONB, nullable=False),  # [{format, path, size, sha256, sm3}]
    Column("changes", JSONB, nullable=False, server_default="{}"),  # against the one before: added, changed, gone
    Column("recalled_at", DateTime(timezone=True)),
    UniqueConstraint("agreement", "agreement_version", "master_version"),
    comment="数据摘录 · one published version of what a department receives",
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # gapless, from 1
    Column("at", DateTime(timezone=True), nullable=False),
    Column("event", Text, nullable=False),  # published, downloaded, pushed, recalled, acknowledged…
    Column("department", Text, nullable=False),
    Column("person", Text, nullable=False),  # account name, or "hub" for what the hub does itself
    Column("extract_id", ForeignKey("extract.extract_id")),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    comment="共享台账 · who received what, a hash chain, append only",
)
