"""Links that moved since the last projection are noted as they move: finding them by comparing all links with those the version
rested on cost more than the rest of a quiet night."""

import sqlalchemy as sa
from alembic import op

revision = "0013_moved_links"
down_revision = "0012_projection"
branch_labels = None
depends_on = None

_NOTED = {
    "insert": ("referencing new table as now", "select profile_key from now"),
    "delete": ("referencing old table as was", "select profile_key from was"),
    "update": (
        "referencing old table as was new table as now",
        "select profile_key from (select profile_key, coop_id, link = 'review' as open from was"
        " except all select profile_key, coop_id, link = 'review' from now) moved"
        " union select profile_key from (select profile_key, coop_id, link = 'review' as open from now"
        " except all select profile_key, coop_id, link = 'review' from was) moved",
    ),
}


def upgrade() -> None:
    op.create_table(
        "moved_link",
        sa.Column("profile_key", sa.Text(), nullable=False),
        comment="变动关联 · profiles whose link was written since the last projection looked",
    )
    for event, (tables, moved) in _NOTED.items():
        op.execute(
            f"create function note_{event}_link() returns trigger language plpgsql as"
            f" $$ begin insert into moved_link {moved}; return null; end $$"
        )
        op.execute(
            f"create trigger note_{event} after {event} on link {tables}"
            f" for each statement execute function note_{event}_link()"
        )
    # what moved before there were notes: the next projection is a whole one, which compares all links
    op.execute("delete from projection_state")


def downgrade() -> None:
    for event in _NOTED:
        op.execute(f"drop trigger note_{event} on link")
        op.execute(f"drop function note_{event}_link()")
    op.drop_table("moved_link")
