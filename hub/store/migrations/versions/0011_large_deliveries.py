"""Rows of large deliveries in tables of their own, and texts of JSON kept as they came.

A foreign key cannot point to a row of an inheriting table, so reasons no longer refer to `source_row` by one; that of each
row to its delivery cost a look-up a row, and rows are only written in a transaction that holds their delivery. `jsonb`
took every object apart to be put together again by whoever reads it; nothing searches inside.
"""

from alembic import op

revision = "0011_large_deliveries"
down_revision = "0010_matching_superseded"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("fk_row_reason_row_id_source_row", "row_reason", type_="foreignkey")
    op.drop_constraint("fk_source_row_delivery_id_delivery", "source_row", type_="foreignkey")
    op.execute(
        "alter table source_row alter column notes drop default, alter column fields type json using fields::json,"
        " alter column raw type json using raw::json, alter column notes type json using notes::json,"
        " alter column notes set default '[]'"
    )
