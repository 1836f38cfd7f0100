"""The master table, its history and child records."""

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.store.metadata import metadata

master_version = Table(
    "master_version",
    metadata,
    Column("version", BigInteger, Identity(), primary_key=True),
    Column("run_id", ForeignKey("run.run_id")),
    Column("business_date", Date, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("digest", Text, nullable=False),  # SHA-256 over the canonical rows
    Column("figures", JSONB, nullable=False, server_default="{}"),
    comment="总表版本 · one published state of the master table",
)

cooperative = Table(
    "cooperative",
    metadata,
    Column("coop_id", ForeignKey("cooperative_id.coop_id"), primary_key=True),
    # one column a master field, named as in hub/master/fields.yaml; evidence holds, field by field, the winning and
    # losing values with row_id, delivery_id, feed, as_of and rule
    Column("name", Text, nullable=False),
    Column("uscc", Text),
    Column("representative", Text),
    Column("town", Text),
    Column("address", Text),
    Column("phone", Text),
    Column("founded_on", Date),
    Column("registry_status", Text),
    Column("tax_status", Text),
    Column("fields", JSONB, nullable=False, server_default="{}"),  # all master fields, those above included
    Column("evidence", JSONB, nullable=False, server_default="{}"),
    Column("version", ForeignKey("master_version.version"), nullable=False),  # last changed in
    Index(None, "town"),
    Index(None, "uscc"),
    comment="合作社总表 · one row a cooperative, as of the newest version",
)
