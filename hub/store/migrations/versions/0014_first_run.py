"""The run that first heard a profile is noted without a foreign key: it was looked up once for each of half a million
profiles a large delivery brings, which took longer than adding them, and runs are never deleted."""

from alembic import op

revision = "0014_first_run"
down_revision = "0013_moved_links"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("fk_profile_first_run_id_run"), "profile", type_="foreignkey")
