"""Which profile an id stands by, once the cooperative that bears it no longer holds the profile it was first given to: when that one
waits for a person too, for a while nobody bears the id, and it must be known whose it was."""

import sqlalchemy as sa
from alembic import op

revision = "0015_home_profile"
down_revision = "0014_first_run"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cooperative_id", sa.Column("home_profile", sa.Text(), nullable=True))
