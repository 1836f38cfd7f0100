"""Tables of the room `intake`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_intake"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archived_file",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sm3", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_archived_file")),
        comment="原件存档 · every arrival by content, never overwritten",
    )
    op.create_table(
        "column_mapping",
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("department", "feed", "header", name=op.f("pk_column_mapping")),
        comment="列名对照 · a mapping confirmed once is remembered for that sender",
    )
    op.create_table(
        "connector_state",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_connector_state")),
        comment="连接状态 · how far a connector has come",
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("dagster_run_id", sa.Text(), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
        comment="夜间同步 · one night or one hand-started run",
    )
    op.create_table(
        "delivery",
        sa.Column("delivery_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="received", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("supersedes", sa.BigInteger(), nullable=True),
        sa.Column("town", sa.Text(), nullable=True),
        sa.Column("rows_in", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows_accepted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows_quarantined", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows_duplicate", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows_out_of_scope", sa.Integer(), server_default="0", nullable=False),
        sa.Column("account", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "rows_in = rows_accepted + rows_quarantined + rows_duplicate + rows_out_of_scope or state in ('received', 'failed')",
            name=op.f("ck_delivery_control_total"),
        ),
        sa.CheckConstraint(
            "state in ('received', 'staged', 'held', 'accepted', 'rejected', 'failed', 'unchanged')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_delivery_run_id_run")),
        sa.ForeignKeyConstraint(["sha256"], ["archived_file.sha256"], name=op.f("fk_delivery_sha256_archived_file")),
        sa.ForeignKeyConstraint(["supersedes"], ["delivery.delivery_id"], name=op.f("fk_delivery_supersedes_delivery")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("feed", "name", "sha256", name=op.f("uq_delivery_feed_name_sha256")),
        comment="来件 · one file or query result that arrived",
    )
    op.create_index(op.f("ix_delivery_feed_delivery_state"), "delivery", ["feed", "state"], unique=False)
    op.create_table(
        "check_result",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("rows_failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.delivery_id"],
            name=op.f("fk_check_result_delivery_id_delivery"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "rule", name=op.f("pk_check_result")),
        comment="检查结果 · one rule on one delivery",
    )
    op.create_table(
        "source_row",
        sa.Column("row_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), server_default="", nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), server_default="0", nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("superseded_by", sa.BigInteger(), nullable=True),
        sa.Column("profile_key", sa.Text(), nullable=True),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content_key", sa.Text(), nullable=False),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint(
            "disposition in ('accepted', 'quarantined', 'duplicate', 'out_of_scope')",
            name=op.f("ck_source_row_disposition"),
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.delivery_id"],
            name=op.f("fk_source_row_delivery_id_delivery"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("row_id", name=op.f("pk_source_row")),
        sa.UniqueConstraint(
            "delivery_id", "sheet", "row", "part", name=op.f("uq_source_row_delivery_id_sheet_row_part")
        ),
        comment="来源行 · who said what, when, in which row",
    )
    op.create_index(op.f("ix_source_row_profile_key"), "source_row", ["profile_key"], unique=False)
    op.create_index(op.f("ix_source_row_content_key"), "source_row", ["content_key"], unique=False)
    op.create_table(
        "row_reason",
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("column", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["row_id"], ["source_row.row_id"], name=op.f("fk_row_reason_row_id_source_row"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("row_id", "seq", name=op.f("pk_row_reason")),
        comment="退回原因 · why a row is not accepted",
    )
