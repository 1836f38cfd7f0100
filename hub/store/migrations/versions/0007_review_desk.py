"""The review desk: who recorded another person's answer, and who may read questions and decisions."""

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.portal_role import REVIEW_POLICIES, write_policies

revision = "0007_review_desk"
down_revision = "0006_portal"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("entered_by", sa.Text(), nullable=True))
    write_policies(op.get_bind(), REVIEW_POLICIES)
