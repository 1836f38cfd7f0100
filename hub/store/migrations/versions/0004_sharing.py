"""Tables of the room `sharing`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_sharing"
down_revision = "0003_master"
branch_labels = None
depends_on = None


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
        "extract",
        sa.Column("extract_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("master_version", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["master_version"], ["master_version.version"], name=op.f("fk_extract_master_version_master_version")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_extract_run_id_run")),
        sa.PrimaryKeyConstraint("extract_id", name=op.f("pk_extract")),
        sa.UniqueConstraint(
            "agreement",
            "agreement_version",
            "master_version",
            name=op.f("uq_extract_agreement_agreement_version_master_version"),
        ),
        comment="数据摘录 · one published version of what a department receives",
    )
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
