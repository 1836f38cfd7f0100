"""Tables of the room `sharing`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from hub.store.migrations.portal_role import protect

revision = "0004_sharing"
down_revision = "0003_master"
branch_labels = None
depends_on = None


# The ledger only grows: no role, not even the owner by accident, changes or removes a line of it.
APPEND_ONLY = """
create function hub_append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is append only', tg_table_name using errcode = 'restrict_violation';
end $$
"""


def upgrade() -> None:
    op.create_table(
        "agreement_version",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "version", name=op.f("pk_agreement_version")),
        sa.UniqueConstraint("agreement", "digest", name=op.f("uq_agreement_version_agreement_digest")),
        comment="共享协议版本 · an agreement as it stood",
    )
    op.create_table(
        "extract_cooperative",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.Column("from_extract", sa.BigInteger(), nullable=False),
        sa.Column("until_extract", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "agreement", "department", "coop_id", "from_extract", name=op.f("pk_extract_cooperative")
        ),
        comment="摘录所含合作社 · which cooperatives an extract holds, as runs of extracts",
    )
    op.create_index(op.f("ix_extract_cooperative_coop_id"), "extract_cooperative", ["coop_id"], unique=False)
    op.create_index(
        "ix_extract_cooperative_open",
        "extract_cooperative",
        ["agreement", "department"],
        unique=False,
        postgresql_where=sa.text("until_extract is null"),
    )
    op.create_table(
        "agreement_decision",
        sa.Column("decision_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("decision in ('approved', 'revoked')", name=op.f("ck_agreement_decision_decision")),
        sa.ForeignKeyConstraint(
            ["agreement", "version"],
            ["agreement_version.agreement", "agreement_version.version"],
            name=op.f("fk_agreement_decision_agreement_version_agreement_version"),
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_agreement_decision")),
        comment="协议审批 · who approved or revoked which version, when; the newest line counts",
    )
    op.create_index(
        op.f("ix_agreement_decision_agreement_agreement_decision_version"),
        "agreement_decision",
        ["agreement", "version"],
        unique=False,
    )
    op.create_table(
        "extract",
        sa.Column("extract_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("dataset_title", sa.Text(), nullable=False),
        sa.Column("master_version", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("totals", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("rows_digest", sa.Text(), nullable=False),
        sa.Column("rows_sm3", sa.Text(), nullable=False),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("previous_extract", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_version", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_on", sa.Date(), nullable=False),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["master_version"], ["master_version.version"], name=op.f("fk_extract_master_version_master_version")
        ),
        sa.ForeignKeyConstraint(
            ["previous_extract"], ["extract.extract_id"], name=op.f("fk_extract_previous_extract_extract")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_extract_run_id_run")),
        sa.PrimaryKeyConstraint("extract_id", name=op.f("pk_extract")),
        sa.UniqueConstraint(
            "agreement",
            "agreement_version",
            "department",
            "master_version",
            "rows_digest",
            name=op.f("uq_extract_agreement_agreement_version_department_master_version_rows_digest"),
        ),
        comment="数据摘录 · one published version of what a department receives",
    )
    op.create_index(
        op.f("ix_extract_department_extract_published_at"), "extract", ["department", "published_at"], unique=False
    )
    op.create_table(
        "correction",
        sa.Column("correction_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("raised_by_department", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.Text(), nullable=False),
        sa.Column("source_department", sa.Text(), nullable=False),
        sa.Column("extract_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed", sa.Text(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("state", sa.Text(), server_default="raised", nullable=False),
        sa.Column("flagged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("corrected_value", sa.Text(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "state in ('raised', 'accepted', 'flagged', 'answered', 'unflagged', 'archived', 'refused')",
            name=op.f("ck_correction_state"),
        ),
        sa.ForeignKeyConstraint(["extract_id"], ["extract.extract_id"], name=op.f("fk_correction_extract_id_extract")),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_correction")),
        comment="校核纠错 · a disputed value",
    )
    op.create_index(op.f("ix_correction_coop_id"), "correction", ["coop_id"], unique=False)
    op.create_index(
        "ix_correction_flagged", "correction", ["dataset"], unique=False, postgresql_where=sa.text("flagged")
    )
    op.create_index(
        op.f("ix_correction_source_department_correction_state"),
        "correction",
        ["source_department", "state"],
        unique=False,
    )
    op.create_table(
        "extract_copy",
        sa.Column("copy_number", sa.Text(), nullable=False),
        sa.Column("extract_id", sa.BigInteger(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sm3", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["extract_id"], ["extract.extract_id"], name=op.f("fk_extract_copy_extract_id_extract")
        ),
        sa.PrimaryKeyConstraint("copy_number", name=op.f("pk_extract_copy")),
        comment="摘录副本 · one numbered copy that left",
    )
    op.create_index(op.f("ix_extract_copy_extract_id"), "extract_copy", ["extract_id"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("extract_id", sa.BigInteger(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["extract_id"], ["extract.extract_id"], name=op.f("fk_ledger_extract_id_extract")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger")),
        comment="共享台账 · who received what, a hash chain, append only",
    )
    op.create_index(op.f("ix_ledger_department_ledger_at"), "ledger", ["department", "at"], unique=False)
    op.create_index(op.f("ix_ledger_extract_id"), "ledger", ["extract_id"], unique=False)
    op.create_table(
        "push",
        sa.Column("push_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("extract_id", sa.BigInteger(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'sent', 'failed')", name=op.f("ck_push_state")),
        sa.ForeignKeyConstraint(["extract_id"], ["extract.extract_id"], name=op.f("fk_push_extract_id_extract")),
        sa.PrimaryKeyConstraint("push_id", name=op.f("pk_push")),
        sa.UniqueConstraint("extract_id", "way", name=op.f("uq_push_extract_id_way")),
        comment="推送任务 · an extract on its way to a department's own server",
    )
    op.create_table(
        "correction_step",
        sa.Column("step_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("correction_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_id"], ["correction.correction_id"], name=op.f("fk_correction_step_correction_id_correction")
        ),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_correction_step")),
        comment="校核纠错办理过程 · every step of a dispute",
    )
    op.create_index(op.f("ix_correction_step_correction_id"), "correction_step", ["correction_id"], unique=False)
    op.execute(APPEND_ONLY)
    op.execute(
        "create trigger ledger_append_only before update or delete on ledger for each row execute function hub_append_only()"
    )
    op.execute(
        "create trigger ledger_no_truncate before truncate on ledger for each statement execute function hub_append_only()"
    )
    protect(op.get_bind())
