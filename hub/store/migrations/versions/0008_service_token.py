"""A person's own token for the matching service."""

import sqlalchemy as sa
from alembic import op

revision = "0008_service_token"
down_revision = "0007_review_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_token",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requests", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["person.account"], name=op.f("fk_service_token_account_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_service_token")),
        sa.UniqueConstraint("account", name=op.f("uq_service_token_account")),
        comment="接口令牌 · a person's own address of the matching service; its token is known here by hash only",
    )
