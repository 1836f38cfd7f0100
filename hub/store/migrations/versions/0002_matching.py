"""Tables of the room `matching`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_matching"
down_revision = "0001_intake"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cooperative_id",
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_run_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("redirects_to", sa.Text(), nullable=True),
        sa.Column("seed_profile", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["created_run_id"], ["run.run_id"], name=op.f("fk_cooperative_id_created_run_id_run")),
        sa.ForeignKeyConstraint(
            ["redirects_to"], ["cooperative_id.coop_id"], name=op.f("fk_cooperative_id_redirects_to_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("coop_id", name=op.f("pk_cooperative_id")),
        comment="合作社编号 · ids, never reused",
    )
    op.create_table(
        "profile",
        sa.Column("profile_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("former_name", sa.Text(), nullable=True),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("representative", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("town", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("first_run_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["first_run_id"], ["run.run_id"], name=op.f("fk_profile_first_run_id_run")),
        sa.PrimaryKeyConstraint("profile_key", name=op.f("pk_profile")),
        comment="身份画像 · one distinct way rows say who they are about",
    )
    op.create_table(
        "id_event",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.Column("other_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["coop_id"], ["cooperative_id.coop_id"], name=op.f("fk_id_event_coop_id_cooperative_id")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["cooperative_id.coop_id"], name=op.f("fk_id_event_other_id_cooperative_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_id_event_run_id_run")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_id_event")),
        comment="编号变更 · change feed of ids",
    )
    op.create_table(
        "link",
        sa.Column("profile_key", sa.Text(), nullable=False),
        sa.Column("coop_id", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "link in ('identifier', 'name', 'model', 'decision', 'new', 'review')", name=op.f("ck_link_link")
        ),
        sa.ForeignKeyConstraint(["coop_id"], ["cooperative_id.coop_id"], name=op.f("fk_link_coop_id_cooperative_id")),
        sa.ForeignKeyConstraint(["profile_key"], ["profile.profile_key"], name=op.f("fk_link_profile_key_profile")),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_link_run_id_run")),
        sa.PrimaryKeyConstraint("profile_key", name=op.f("pk_link")),
        comment="关联 · which cooperative a profile is, and why",
    )
    op.create_index(op.f("ix_link_coop_id"), "link", ["coop_id"], unique=False)
    op.create_table(
        "candidate",
        sa.Column("profile_a", sa.Text(), nullable=False),
        sa.Column("profile_b", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["profile_a"], ["profile.profile_key"], name=op.f("fk_candidate_profile_a_profile")),
        sa.ForeignKeyConstraint(["profile_b"], ["profile.profile_key"], name=op.f("fk_candidate_profile_b_profile")),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_candidate_run_id_run")),
        sa.PrimaryKeyConstraint("profile_a", "profile_b", name=op.f("pk_candidate")),
        comment="待判问题 · doubtful pairs, rewritten by every matching",
    )
    op.create_table(
        "decision",
        sa.Column("decision_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("profile_a", sa.Text(), nullable=False),
        sa.Column("profile_b", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("needs_second", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("verdict in ('same', 'different', 'unsure')", name=op.f("ck_decision_verdict")),
        sa.CheckConstraint("profile_a < profile_b", name=op.f("ck_decision_order")),
        sa.ForeignKeyConstraint(["profile_a"], ["profile.profile_key"], name=op.f("fk_decision_profile_a_profile")),
        sa.ForeignKeyConstraint(["profile_b"], ["profile.profile_key"], name=op.f("fk_decision_profile_b_profile")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision")),
        comment="人工判断 · same, different or unsure; binds until revoked",
    )
    op.create_index(
        "uq_decision_live",
        "decision",
        ["profile_a", "profile_b"],
        unique=True,
        postgresql_where=sa.text("revoked_at is null"),
    )
    op.create_table(
        "match_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_match_state")),
        comment="匹配状态 · what the last matching was made from, so that an unchanged night does nothing",
    )
