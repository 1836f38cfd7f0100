"""Profiles, links, decisions and ids: who is who, why, since when.

A *profile* is one distinct way rows say who they are about (name, codes, representative, phone, town, address). Rows
that say the same share a profile, whatever feed or night they come from, so a night matches only new profiles, and a
decision about two profiles outlives every re-sent file. Links hang on profiles; a row's cooperative is its profile's.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.store.metadata import metadata

VERDICTS = ("same", "different", "unsure")
LINKS = ("identifier", "name", "model", "decision", "new", "review")

profile = Table(
    "profile",
    metadata,
    Column("profile_key", Text, primary_key=True),  # hub.intake.profile.profile_key: 32 hex digits
    Column("name", Text),
    Column("former_name", Text),
    Column("codes", ARRAY(Text), nullable=False, server_default="{}"),  # as normalised by intake, untyped
    Column("representative", Text),
    Column("phone", Text),
    Column("town", Text),  # the row's, else its delivery's
    Column("address", Text),
    Column("founded_on", Date),
    Column("first_run_id", BigInteger),  # no foreign key: that would be a look-up a profile
    comment="身份画像 · one distinct way rows say who they are about",
)

cooperative_id = Table(
    "cooperative_id",
    metadata,
    Column("coop_id", Text, primary_key=True),
    Column("seq", BigInteger, Identity(), nullable=False),  # order of giving
    Column("created_run_id", ForeignKey("run.run_id")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column(
        "redirects_to", ForeignKey("cooperative_id.coop_id")
    ),  # after a merge; the target is never itself redirected
    Column("seed_profile", Text),  # the profile the id was first given to
    Column("home_profile", Text),  # the profile it stands by, once its cooperative no longer holds that
    comment="合作社编号 · ids, never reused",
)

id_event = Table(
    "id_event",
    metadata,
    Column("seq", BigInteger, Identity(), primary_key=True),
    Column("run_id", ForeignKey("run.run_id")),
    Column("happened_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("kind", Text, nullable=False),  # new, merged, split, restored; renames: hub.master.id_changes
    Column("coop_id", ForeignKey("cooperative_id.coop_id"), nullable=False),
    Column("other_id", ForeignKey("cooperative_id.coop_id")),  # merged into, split from
    Column("reason", Text, nullable=False),
    comment="编号变更 · change feed of ids",
)

link = Table(
    "link",
    metadata,
    Column("profile_key", ForeignKey("profile.profile_key"), primary_key=True),
    Column("coop_id", ForeignKey("cooperative_id.coop_id")),  # null: under review, or nothing to go by
    Column("link", Text, nullable=False),
    Column("score", Float),  # probability, where a model or a rule gives one
    Column("reason", Text, nullable=False),  # one Chinese sentence a clerk understands
    Column("evidence", JSONB, nullable=False, server_default="{}"),
    Column("run_id", ForeignKey("run.run_id")),
    CheckConstraint(f"link in {LINKS}", name="link"),
    Index(None, "coop_id"),
    comment="关联 · which cooperative a profile is, and why",
)

candidate = Table(
    "candidate",
    metadata,
    Column("profile_a", ForeignKey("profile.profile_key"), primary_key=True),
    Column("profile_b", ForeignKey("profile.profile_key"), primary_key=True),
    Column("kind", Text, nullable=False),  # model: alike; conflict: one code, two names
    Column("probability", Float, nullable=False),  # that both are one cooperative
    Column("evidence", JSONB, nullable=False, server_default="{}"),
    Column("rows", Integer, nullable=False),  # rows the answer settles
    Column("run_id", ForeignKey("run.run_id")),
    comment="待判问题 · doubtful pairs, rewritten by every matching",
)

decision = Table(
    "decision",
    metadata,
    Column("decision_id", BigInteger, Identity(), primary_key=True),
    Column("profile_a", ForeignKey("profile.profile_key"), nullable=False),  # the smaller key
    Column("profile_b", ForeignKey("profile.profile_key"), nullable=False),
    Column("verdict", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("evidence", JSONB, nullable=False, server_default="{}"),  # what the person saw
    Column("needs_second", Boolean, nullable=False, server_default=text("false")),
    Column("confirmed_by", Text),  # the second pair of eyes, where the office asks for one
    Column("confirmed_at", DateTime(timezone=True)),
    Column("revoked_by", Text),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoke_reason", Text),
    Column("entered_by", Text),  # the account that recorded another person's answer
    CheckConstraint(f"verdict in {VERDICTS}", name="verdict"),
    CheckConstraint("profile_a < profile_b", name="order"),
    Index("uq_decision_live", "profile_a", "profile_b", unique=True, postgresql_where=text("revoked_at is null")),
    comment="人工判断 · same, different or unsure; binds until revoked",
)

match_state = Table(
    "match_state",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="匹配状态 · what the last matching was made from, so that an unchanged night does nothing",
)
