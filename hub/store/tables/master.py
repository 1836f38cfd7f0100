"""The master table, its history, and what each published version rested on.

Rows of these tables are computed from tables that hold the references (deliveries, profiles, ids never go), millions in one
transaction: foreign keys would check what cannot be otherwise, for longer than the computing takes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)
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
    Column("basis", JSONB, nullable=False, server_default="{}"),  # thresholds and towns it was computed with
    Column("figures", JSONB, nullable=False, server_default="{}"),
    comment="总表版本 · one published state of the master table",
)

cooperative = Table(
    "cooperative",
    metadata,
    Column("coop_id", Text, primary_key=True),  # no foreign keys here: see the first lines
    # one column a master field, named as in hub/master/fields.yaml; evidence holds, where sources differ, whose word counts and
    # what the others say, and what a rule's answer hangs on. The rows behind all of it: hub.master.provenance
    Column("name", Text, nullable=False),
    Column("initials", Text, nullable=False, server_default=""),  # pinyin initials of the name, for the search box
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
    Column("records", Text, nullable=False, server_default=""),  # digest of what its child records say
    Column(
        "digest", Text, nullable=False, server_default=""
    ),  # of fields, records and who said what: what a version is made of
    Column("version", BigInteger, nullable=False),  # last changed in
    Index(None, "town"),
    Index(None, "uscc"),
    comment="合作社总表 · one row a cooperative, as of the newest version",
)

cooperative_history = Table(
    "cooperative_history",
    metadata,
    Column("coop_id", Text, primary_key=True),
    Column("from_version", BigInteger, primary_key=True),
    Column("to_version", BigInteger, nullable=False),  # the first version it no longer held in
    Column("fields", JSONB, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("records", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index(None, "to_version"),
    comment="总表历史 · what a cooperative's row was, between two versions",
)

master_delivery = Table(
    "master_delivery",
    metadata,
    Column("delivery_id", ForeignKey("delivery.delivery_id"), primary_key=True),
    Column("from_version", ForeignKey("master_version.version"), primary_key=True),
    Column("to_version", ForeignKey("master_version.version")),  # null: still
    comment="版本所依来件 · which deliveries a version knew of",
)

master_link = Table(
    "master_link",
    metadata,
    Column("profile_key", Text, primary_key=True),
    Column("from_version", BigInteger, primary_key=True),
    Column("to_version", BigInteger),  # null: still
    Column("coop_id", Text, nullable=False),
    Index(None, "coop_id"),
    comment="版本所依关联 · which cooperative a profile was, between two versions",
)

moved_link = Table(
    "moved_link",
    metadata,
    Column("profile_key", Text, nullable=False),  # triggers of `link` write here, once a link and statement
    comment="变动关联 · profiles whose link was written since the last projection looked",
)

cooperative_watch = Table(
    "cooperative_watch",
    metadata,
    Column("coop_id", Text, primary_key=True),
    Column("representative", Text),
    Column("phone", Text),
    Column("place", Text),  # the address, where it is exact enough to compare
    Column("due_on", Date),  # the next day on which an answer may change though nothing new arrives
    Column("contested", Boolean, nullable=False),  # some value hangs on which feed spoke last
    comment="总表留意 · what the next projection must know of a cooperative: values it shares, when its answers may change",
)

projection_state = Table(
    "projection_state",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),  # one row
    Column("version", BigInteger, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("premise", Text, nullable=False),  # digest of what all cooperatives hang on: rules, basis, complete lists
    Column("digest", Text, nullable=False),
    Column("figures", JSONB, nullable=False),
    Column("deliveries", JSONB, nullable=False),  # delivery_id -> [root, live]
    CheckConstraint("single", name="single"),
    comment="总表投影状态 · what the last projection was made from",
)

joint_meeting = Table(
    "joint_meeting",
    metadata,
    Column("held_on", Date, primary_key=True),
    Column("note", Text, nullable=False, server_default=""),
    Column("entered_by", Text, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    comment="联席会议 · days from which the office counts what changed",
)
