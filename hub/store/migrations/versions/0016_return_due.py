"""Whether a delivery's return workbook is still to be written: noted with the acceptance itself, so that a night killed between the
two writes it the next time."""

import sqlalchemy as sa
from alembic import op

revision = "0016_return_due"
down_revision = "0015_home_profile"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("return_due", sa.Boolean(), nullable=False, server_default=sa.false()))
