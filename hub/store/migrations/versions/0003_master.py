"""Tables of the room `master`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_master"
down_revision = "0002_matching"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "master_version",
        sa.Column("version", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_master_version_run_id_run")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_master_version")),
        comment="总表版本 · one published state of the master table",
    )
    op.create_table(
        "cooperative",
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=True),
        sa.Column("representative", sa.Text(), nullable=True),
        sa.Column("town", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("registry_status", sa.Text(), nullable=True),
        sa.Column("tax_status", sa.Text(), nullable=True),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["coop_id"], ["cooperative_id.coop_id"], name=op.f("fk_cooperative_coop_id_cooperative_id")
        ),
        sa.ForeignKeyConstraint(
            ["version"], ["master_version.version"], name=op.f("fk_cooperative_version_master_version")
        ),
        sa.PrimaryKeyConstraint("coop_id", name=op.f("pk_cooperative")),
        comment="合作社总表 · one row a cooperative, as of the newest version",
    )
    op.create_index(op.f("ix_cooperative_town"), "cooperative", ["town"], unique=False)
    op.create_index(op.f("ix_cooperative_uscc"), "cooperative", ["uscc"], unique=False)
