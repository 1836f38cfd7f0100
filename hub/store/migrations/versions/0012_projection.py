"""The master table can be projected by what changed: what the next night must know, and evidence that depends on what is said
alone. References between tables that are computed anew from rows are not checked row by row any more: that took longer than
the computing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_projection"
down_revision = "0011_large_deliveries"
branch_labels = None
depends_on = None

_REFERENCES = (
    ("cooperative", "coop_id", "cooperative_id"),
    ("cooperative", "version", "master_version"),
    ("cooperative_history", "coop_id", "cooperative_id"),
    ("cooperative_history", "from_version", "master_version"),
    ("cooperative_history", "to_version", "master_version"),
    ("master_link", "profile_key", "profile"),
    ("master_link", "coop_id", "cooperative_id"),
    ("master_link", "from_version", "master_version"),
    ("master_link", "to_version", "master_version"),
)


def upgrade() -> None:
    for table, column, other in _REFERENCES:
        op.drop_constraint(op.f(f"fk_{table}_{column}_{other}"), table, type_="foreignkey")
    op.drop_column("cooperative", "proof")
    op.create_table(
        "cooperative_watch",
        sa.Column("coop_id", sa.Text(), nullable=False),
        sa.Column("representative", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("contested", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("coop_id", name=op.f("pk_cooperative_watch")),
        comment="总表留意 · what the next projection must know of a cooperative: values it shares, when its answers may change",
    )
    op.create_table(
        "projection_state",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("premise", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deliveries", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_projection_state_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_projection_state")),
        comment="总表投影状态 · what the last projection was made from",
    )
    # the next projection is a whole one: it finds no state
    op.execute("alter table cooperative set (toast_tuple_target = 8160)")
    op.execute("alter table cooperative_history set (toast_tuple_target = 8160)")


def downgrade() -> None:
    op.execute("alter table cooperative_history reset (toast_tuple_target)")
    op.execute("alter table cooperative reset (toast_tuple_target)")
    op.drop_table("projection_state")
    op.drop_table("cooperative_watch")
    op.add_column("cooperative", sa.Column("proof", sa.Text(), server_default="", nullable=False))
    for table, column, other in _REFERENCES:
        target = {"cooperative_id": "coop_id", "master_version": "version", "profile": "profile_key"}[other]
        op.create_foreign_key(op.f(f"fk_{table}_{column}_{other}"), table, other, [column], [target])
