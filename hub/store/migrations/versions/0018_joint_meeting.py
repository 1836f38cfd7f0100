"""Joint meetings: the days from which the office counts what changed."""

import sqlalchemy as sa
from alembic import op

revision = "0018_joint_meeting"
down_revision = "0017_sent_again"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "joint_meeting",
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("held_on", name=op.f("pk_joint_meeting")),
        comment="联席会议 · days from which the office counts what changed",
    )
