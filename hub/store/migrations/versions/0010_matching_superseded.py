"""A night finds the rows that newer deliveries replaced without reading all rows."""

import sqlalchemy as sa
from alembic import op

revision = "0010_matching_superseded"
down_revision = "0009_past_extracts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_source_row_superseded_by"),
        "source_row",
        ["superseded_by"],
        unique=False,
        postgresql_where=sa.text("superseded_by is not null"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_source_row_superseded_by"), table_name="source_row")
