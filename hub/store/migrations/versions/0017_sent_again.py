"""When a sender last sent the same content again: a list that did not change is no late one. With the time of that copy, because a
file that only lies where it lay is not sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0017_sent_again"
down_revision = "0016_return_due"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("sent_again_on", sa.Date(), nullable=True))
    op.add_column("delivery", sa.Column("sent_again_at", sa.DateTime(timezone=True), nullable=True))
