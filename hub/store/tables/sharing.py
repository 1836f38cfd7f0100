"""Agreements as they stood, extracts, who is in them, the ledger of what left, and disputes of values."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
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

AGREEMENT_DECISIONS = ("approved", "revoked")
CORRECTION_STATES = ("raised", "accepted", "flagged", "answered", "unflagged", "archived", "refused")
PUSH_STATES = ("waiting", "sent", "failed")

agreement_version = Table(
    "agreement_version",
    metadata,
    Column("agreement", Text, primary_key=True),  # the agreement's id, as in its file
    Column("version", Integer, primary_key=True),
    Column("digest", Text, nullable=False),  # SHA-256 of its canonical content, approval left out
    Column("content", JSONB, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("agreement", "digest"),
    comment="共享协议版本 · an agreement as it stood",
)

agreement_decision = Table(
    "agreement_decision",
    metadata,
    Column("decision_id", BigInteger, Identity(), primary_key=True),
    Column("agreement", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("decision", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("reason", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    ForeignKeyConstraint(["agreement", "version"], ["agreement_version.agreement", "agreement_version.version"]),
    CheckConstraint(f"decision in {AGREEMENT_DECISIONS}", name="decision"),
    Index(None, "agreement", "version"),
    comment="协议审批 · who approved or revoked which version, when; the newest line counts",
)

extract = Table(
    "extract",
    metadata,
    Column("extract_id", BigInteger, Identity(), primary_key=True),
    Column("agreement", Text, nullable=False),
    Column("agreement_version", Integer, nullable=False),
    Column("department", Text, nullable=False),  # the recipient
    Column("dataset", Text, nullable=False),
    Column("dataset_title", Text, nullable=False),
    Column("master_version", ForeignKey("master_version.version"), nullable=False),
    Column("run_id", ForeignKey("run.run_id")),
    Column("business_date", Date, nullable=False),  # of the master version: the day the content speaks of
    Column("published_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("title", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("fields", JSONB, nullable=False),  # [{name, title, mask}] in the order they stand
    Column("totals", JSONB, nullable=False, server_default="{}"),  # control totals, as on the cover
    Column("rows_digest", Text, nullable=False),  # SHA-256 over the rows as JSON Lines
    Column("rows_sm3", Text, nullable=False),  # SM3 over the same
    Column("files", JSONB, nullable=False),  # [{format, path, size, sha256, sm3, given}]
    Column("changes", JSONB, nullable=False, server_default="{}"),  # against the one before: added, changed, gone
    Column("previous_extract", ForeignKey("extract.extract_id")),
    Column("confirmed_version", BigInteger, nullable=False),  # newest master version with these very rows
    Column("confirmed_on", Date, nullable=False),  # and its date
    Column("recalled_at", DateTime(timezone=True)),
    Column("past", Boolean, nullable=False, server_default=text("false")),  # made on request for a past day
    UniqueConstraint(
        "agreement",
        "agreement_version",
        "department",
        "master_version",
        "rows_digest",
        "past",
        "business_date",
        name="uq_extract_content",
    ),
    Index(None, "department", "published_at"),
    comment="数据摘录 · one published version of what a department receives",
)

extract_cooperative = Table(
    "extract_cooperative",
    metadata,
    Column("agreement", Text, primary_key=True),
    Column("department", Text, primary_key=True),
    Column("coop_id", Text, primary_key=True),
    Column("from_extract", BigInteger, primary_key=True),  # first extract of this agreement that holds it
    Column("until_extract", BigInteger),  # first later one that does not; null: still in the newest
    Index(None, "coop_id"),
    Index("ix_extract_cooperative_open", "agreement", "department", postgresql_where=text("until_extract is null")),
    comment="摘录所含合作社 · which cooperatives an extract holds, as runs of extracts",
)

extract_copy = Table(
    "extract_copy",
    metadata,
    Column("copy_number", Text, primary_key=True),
    Column("extract_id", ForeignKey("extract.extract_id"), nullable=False),
    Column("department", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("way", Text, nullable=False),  # portal, sftp, hand
    Column("sha256", Text, nullable=False),
    Column("sm3", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("acknowledged_at", DateTime(timezone=True)),  # of a recall: the holder says it is deleted
    Column("acknowledged_by", Text),
    Index(None, "extract_id"),
    comment="摘录副本 · one numbered copy that left",
)

push = Table(
    "push",
    metadata,
    Column("push_id", BigInteger, Identity(), primary_key=True),
    Column("extract_id", ForeignKey("extract.extract_id"), nullable=False),
    Column("department", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("sent_at", DateTime(timezone=True)),
    Column("last_error", Text),
    UniqueConstraint("extract_id", "way"),
    CheckConstraint(f"state in {PUSH_STATES}", name="state"),
    comment="推送任务 · an extract on its way to a department's own server",
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # gapless, from 1
    Column("at", DateTime(timezone=True), nullable=False),
    Column("event", Text, nullable=False),  # hub.sharing.ledger.EVENTS
    Column("department", Text, nullable=False),
    Column("person", Text, nullable=False),  # account name, or "hub" for what the hub does itself
    Column("extract_id", ForeignKey("extract.extract_id")),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "extract_id"),
    Index(None, "department", "at"),
    comment="共享台账 · who received what, a hash chain, append only",
)

correction = Table(
    "correction",
    metadata,
    Column("correction_id", BigInteger, Identity(), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("coop_id", Text, nullable=False),
    Column("field", Text),  # null: the whole row
    Column("value", Text),  # the disputed value, as the dataset holds it; null: any
    Column("record", JSONB, nullable=False, server_default="{}"),  # {field: value} that single out the row
    Column("raised_by_department", Text, nullable=False),
    Column("raised_by", Text, nullable=False),
    Column("source_department", Text, nullable=False),  # who must verify
    Column("extract_id", ForeignKey("extract.extract_id")),  # where it was seen
    Column("reason", Text, nullable=False),
    Column("proposed", Text),  # what it should be, in the disputing side's view
    Column("evidence", JSONB, nullable=False, server_default="[]"),  # [{name, sha256}] of attachments
    Column("state", Text, nullable=False, server_default="raised"),
    Column("flagged", Boolean, nullable=False, server_default=text("false")),  # extracts mark the value
    Column("raised_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),  # the running clock's end
    Column("outcome", Text),  # corrected, upheld, withdrawn
    Column("answer", Text),
    Column("corrected_value", Text),
    Column("closed_on", Date),
    CheckConstraint(f"state in {CORRECTION_STATES}", name="state"),
    Index(None, "coop_id"),
    Index(None, "source_department", "state"),
    Index("ix_correction_flagged", "dataset", postgresql_where=text("flagged")),
    comment="校核纠错 · a disputed value",
)

correction_step = Table(
    "correction_step",
    metadata,
    Column("step_id", BigInteger, Identity(), primary_key=True),
    Column("correction_id", ForeignKey("correction.correction_id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("note", Text),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("business_date", Date, nullable=False),
    Index(None, "correction_id"),
    comment="校核纠错办理过程 · every step of a dispute",
)
