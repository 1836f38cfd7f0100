"""Foreign keys of large loads: checked by one join at the end instead of a lookup a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text


@contextmanager
def checked_at_the_end(connection: Connection, *tables: str) -> Iterator[None]:
    """Inside, what is written to the tables is not checked against those they refer to; all of it is when the block ends, in the
    same transaction. Others cannot read the tables until that ends.

    Raises:
        sqlalchemy.exc.IntegrityError: at the end, where a row refers to nothing.
    """
    found = connection.execute(
        text(
            """select conrelid::regclass::text as "table", conname, pg_get_constraintdef(oid) as definition
               from pg_constraint where contype = 'f' and conrelid = any(cast(:tables as regclass[])) order by 1, 2"""
        ),
        {"tables": list(tables)},
    ).all()
    for key in found:
        connection.execute(text(f'alter table {key.table} drop constraint "{key.conname}"'))
    yield
    for key in found:
        connection.execute(text(f'alter table {key.table} add constraint "{key.conname}" {key.definition}'))
