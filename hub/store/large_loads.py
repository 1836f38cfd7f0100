"""What large loads put off to their end: foreign keys are checked by one join instead of a lookup a row, indexes are built by one
sort instead of a search a row."""

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


@contextmanager
def indexed_at_the_end(connection: Connection, table: str) -> Iterator[None]:
    """Inside, the table has neither indexes nor a primary key; all are built when the block ends, in the same transaction. Others
    cannot read the table until that ends. No foreign key may refer to it.

    Raises:
        sqlalchemy.exc.IntegrityError: at the end, where two rows have one key.
    """
    found = connection.execute(
        text(
            """select i.indexrelid::regclass::text as "index", pg_get_indexdef(i.indexrelid) as made, c.conname,
                      pg_get_constraintdef(c.oid) as definition
               from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.conrelid = i.indrelid
               where i.indrelid = cast(:table as regclass) order by 1"""
        ),
        {"table": table},
    ).all()
    for index in found:
        drop = (
            f'alter table {table} drop constraint "{index.conname}"' if index.conname else f"drop index {index.index}"
        )
        connection.execute(text(drop))
    yield
    for index in found:
        again = f'alter table {table} add constraint "{index.conname}" {index.definition}'
        connection.execute(text(again if index.conname else index.made))
