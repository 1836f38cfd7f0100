"""Nights, deliveries and their rows: who sent what, when, in which row, and what became of it."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
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

DELIVERY_STATES = ("received", "staged", "held", "accepted", "rejected", "failed", "unchanged")
DISPOSITIONS = ("accepted", "quarantined", "duplicate", "out_of_scope")

run = Table(
    "run",
    metadata,
    Column("run_id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),  # nightly, hand, release
    Column("dagster_run_id", Text),
    Column("business_date", Date, nullable=False),  # the night's date in the county
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("finished_at", DateTime(timezone=True)),
    Column("state", Text, nullable=False, server_default="running"),  # running, done, attention, failed
    Column("steps", JSONB, nullable=False, server_default="[]"),  # [{step, seconds, ...}]
    Column("summary", JSONB, nullable=False, server_default="{}"),
    comment="夜间同步 · one night or one hand-started run",
)

archived_file = Table(
    "archived_file",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("sm3", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("path", Text, nullable=False),  # below the data folder
    Column("stored_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    comment="原件存档 · every arrival by content, never overwritten",
)

delivery = Table(
    "delivery",
    metadata,
    Column("delivery_id", BigInteger, Identity(), primary_key=True),
    Column("feed", Text, nullable=False),
    Column("department", Text, nullable=False),  # who sent it
    Column("name", Text, nullable=False),  # file name as sent, or the query window's name
    Column("sha256", ForeignKey("archived_file.sha256"), nullable=False),
    Column("run_id", ForeignKey("run.run_id")),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("modified_at", DateTime(timezone=True)),  # the sender's time stamp
    Column("as_of", Date, nullable=False),  # the day the content speaks of
    Column("coverage", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="received"),
    Column("reason", Text),  # why held, rejected or failed, in Chinese
    Column("decided_by", Text),  # who released or rejected it
    Column("decided_at", DateTime(timezone=True)),
    Column("accepted_at", DateTime(timezone=True)),
    Column("supersedes", ForeignKey("delivery.delivery_id")),  # the delivery this one corrects
    Column("town", Text),  # per-town feeds
    Column("rows_in", Integer, nullable=False, server_default="0"),
    Column("rows_accepted", Integer, nullable=False, server_default="0"),
    Column("rows_quarantined", Integer, nullable=False, server_default="0"),
    Column("rows_duplicate", Integer, nullable=False, server_default="0"),
    Column("rows_out_of_scope", Integer, nullable=False, server_default="0"),
    Column("account", JSONB, nullable=False, server_default="{}"),  # what the reader made of every row of the file
    Column("sent_again_on", Date),  # the night the sender last sent this content again, unchanged
    Column("sent_again_at", DateTime(timezone=True)),  # the time stamp of that copy
    Column("return_due", Boolean, nullable=False, server_default=text("false")),  # its workbook is still to be written
    UniqueConstraint("feed", "name", "sha256"),
    CheckConstraint(f"state in {DELIVERY_STATES}", name="state"),
    CheckConstraint(
        "rows_in = rows_accepted + rows_quarantined + rows_duplicate + rows_out_of_scope or state in ('received', 'failed')",
        name="control_total",
    ),
    Index(None, "feed", "state"),
    comment="来件 · one file or query result that arrived",
)

source_row = Table(
    "source_row",
    metadata,
    Column("row_id", BigInteger, Identity(), primary_key=True),
    Column("delivery_id", BigInteger, nullable=False),  # no foreign key: that would be a look-up a row
    Column("feed", Text, nullable=False),
    Column("sheet", Text, nullable=False, server_default=""),
    Column("row", Integer, nullable=False),  # from 1, as the sheet or file shows it
    Column("part", Integer, nullable=False, server_default="0"),  # several names in one cell: 0, 1, 2…
    Column("disposition", Text, nullable=False),
    Column("superseded_by", BigInteger),  # the delivery whose corrected row replaces this one
    Column("profile_key", Text),  # who the row says it is: hub.intake.profile; null when it says nothing
    Column("fields", JSON, nullable=False),  # field -> normal form
    Column("raw", JSON, nullable=False),  # header -> cell as written, unknown columns included
    Column("content_key", Text, nullable=False),  # of the fields without the serial: rows that say the same
    Column("notes", JSON, nullable=False, server_default="[]"),  # [{field, code, message}] repairs and warnings
    UniqueConstraint("delivery_id", "sheet", "row", "part"),
    CheckConstraint(f"disposition in {DISPOSITIONS}", name="disposition"),
    Index(None, "profile_key"),
    Index(None, "content_key"),
    Index(None, "superseded_by", postgresql_where=text("superseded_by is not null")),
    comment="来源行 · who said what, when, in which row",
)

row_reason = Table(
    "row_reason",
    metadata,
    Column(
        "row_id", BigInteger, primary_key=True, autoincrement=False
    ),  # of source_row, or of a table that inherits from it
    Column("seq", Integer, primary_key=True),
    Column("rule", Text, nullable=False),  # name of the expectation or of the intake rule
    Column("field", Text),
    Column("column", Text),  # header as the sender wrote it
    Column("message", Text, nullable=False),  # plain Chinese, for the sender
    comment="退回原因 · why a row is not accepted",
)

check_result = Table(
    "check_result",
    metadata,
    Column("delivery_id", ForeignKey("delivery.delivery_id", ondelete="CASCADE"), primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("severity", Text, nullable=False),  # critical (file), row, warning
    Column("passed", Boolean, nullable=False),
    Column("rows_failed", Integer, nullable=False, server_default="0"),
    Column("message", Text, nullable=False),
    comment="检查结果 · one rule on one delivery",
)

column_mapping = Table(
    "column_mapping",
    metadata,
    Column("department", Text, primary_key=True),
    Column("feed", Text, primary_key=True),
    Column("header", Text, primary_key=True),  # normalised as hub.intake.columns does
    Column("field", Text),  # null: confirmed to be of no interest
    Column("confirmed_by", Text, nullable=False),
    Column("confirmed_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    comment="列名对照 · a mapping confirmed once is remembered for that sender",
)

connector_state = Table(
    "connector_state",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("state", JSONB, nullable=False, server_default="{}"),  # cursor, sizes seen; moved only with the delivery
    Column("checked_at", DateTime(timezone=True)),
    comment="连接状态 · how far a connector has come",
)
