"""Extracts for a past day, made on request."""

import sqlalchemy as sa
from alembic import op

revision = "0009_past_extracts"
down_revision = "0008_service_token"
branch_labels = None
depends_on = None

# The name of the constraint was longer than PostgreSQL's names may be, so it stands there cut off.
_DROP_UNIQUE = """
do $$ declare found text; begin
  select conname into found from pg_constraint where conrelid = 'extract'::regclass and contype = 'u';
  execute format('alter table extract drop constraint %I', found);
end $$
"""


def upgrade() -> None:
    op.add_column("extract", sa.Column("past", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute(_DROP_UNIQUE)
    op.create_unique_constraint(
        "uq_extract_content",
        "extract",
        ["agreement", "agreement_version", "department", "master_version", "rows_digest", "past", "business_date"],
    )
