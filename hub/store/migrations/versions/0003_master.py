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
        sa.Column("basis", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_master_version_run_id_run")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_master_version")),
        comment="总表版本 · one published state of the master table",
    )
    op.create_table(
        "cooperative",
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("initials", sa.Text(), server_default="", nullable=False),
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
        sa.Column("records", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("proof", sa.Text(), server_default="", nullable=False),
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
    op.create_table(
        "cooperative_history",
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.Column("from_version", sa.BigInteger(), nullable=False),
        sa.Column("to_version", sa.BigInteger(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["coop_id"], ["cooperative_id.coop_id"], name=op.f("fk_cooperative_history_coop_id_cooperative_id")
        ),
        sa.ForeignKeyConstraint(
            ["from_version"],
            ["master_version.version"],
            name=op.f("fk_cooperative_history_from_version_master_version"),
        ),
        sa.ForeignKeyConstraint(
            ["to_version"], ["master_version.version"], name=op.f("fk_cooperative_history_to_version_master_version")
        ),
        sa.PrimaryKeyConstraint("coop_id", "from_version", name=op.f("pk_cooperative_history")),
        comment="总表历史 · what a cooperative's row was, between two versions",
    )
    op.create_index(op.f("ix_cooperative_history_to_version"), "cooperative_history", ["to_version"], unique=False)
    op.create_table(
        "master_delivery",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("from_version", sa.BigInteger(), nullable=False),
        sa.Column("to_version", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.delivery_id"], name=op.f("fk_master_delivery_delivery_id_delivery")
        ),
        sa.ForeignKeyConstraint(
            ["from_version"], ["master_version.version"], name=op.f("fk_master_delivery_from_version_master_version")
        ),
        sa.ForeignKeyConstraint(
            ["to_version"], ["master_version.version"], name=op.f("fk_master_delivery_to_version_master_version")
        ),
        sa.PrimaryKeyConstraint("delivery_id", "from_version", name=op.f("pk_master_delivery")),
        comment="版本所依来件 · which deliveries a version knew of",
    )
    op.create_table(
        "master_link",
        sa.Column("profile_key", sa.Text(), nullable=False),
        sa.Column("from_version", sa.BigInteger(), nullable=False),
        sa.Column("to_version", sa.BigInteger(), nullable=True),
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_key"], ["profile.profile_key"], name=op.f("fk_master_link_profile_key_profile")
        ),
        sa.ForeignKeyConstraint(
            ["from_version"], ["master_version.version"], name=op.f("fk_master_link_from_version_master_version")
        ),
        sa.ForeignKeyConstraint(
            ["to_version"], ["master_version.version"], name=op.f("fk_master_link_to_version_master_version")
        ),
        sa.ForeignKeyConstraint(
            ["coop_id"], ["cooperative_id.coop_id"], name=op.f("fk_master_link_coop_id_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("profile_key", "from_version", name=op.f("pk_master_link")),
        comment="版本所依关联 · which cooperative a profile was, between two versions",
    )
    op.create_index(op.f("ix_master_link_coop_id"), "master_link", ["coop_id"], unique=False)
