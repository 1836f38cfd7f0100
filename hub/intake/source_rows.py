"""A delivery's rows in PostgreSQL: where they go, how they get there, how they leave again.

Rows of large deliveries lie in a table of their own that inherits from `source_row`, `source_row_of_<delivery>`: whoever
reads, changes or guards `source_row` means them, too. Such a table is filled before it has an index, and an index built
from sorted rows costs a tenth of one kept up row by row (the keys are digests: each falls somewhere else in the index).
Small deliveries, all of a county's, go into `source_row` itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from hub.intake.staged_rows import read_batches, side_by_side
from hub.store.arrow import copy_binary
from hub.store.binary_rows import binary_rows

if TYPE_CHECKING:
    import pyarrow as pa

OWN_TABLE_FROM = 100_000  # rows
_ASKED_BY = (
    "delivery_id, feed, disposition, superseded_by, profile_key, content_key"  # what the planner needs figures of
)
_COLUMNS = ("sheet", "row", "part", "disposition", "profile_key", "fields", "raw", "content_key", "notes")


def own_table(delivery_id: int) -> str:
    return f"source_row_of_{int(delivery_id)}"


def store_rows(connection: Connection, delivery_id: int, feed: str, staged: Path, rows: int) -> str:
    """Copies staged rows into the database; returns the table they lie in. What was there of this delivery goes first."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    forget_rows(connection, delivery_id)
    table = "source_row"
    if rows >= OWN_TABLE_FROM:
        table = own_table(delivery_id)
        _create(connection, table, delivery_id)
        _index(connection, table, partial=True)  # nothing falls into these yet: cheaper than reading all rows for them
    numbers = _numbers(connection, rows)

    def rows_of(piece: tuple[int, pa.RecordBatch]) -> tuple[int, memoryview]:
        first, batch = piece
        row_ids = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int64))
        given = dict(zip(_COLUMNS, batch.columns, strict=True))
        given["sheet"] = pc.fill_null(given["sheet"], "")
        return batch.num_rows, binary_rows([*given.values(), row_ids, delivery_id, feed])

    copied: Iterator[tuple[int, memoryview]] = side_by_side(rows_of, _numbered(staged, numbers))
    copy_binary(connection, table, (*_COLUMNS, "row_id", "delivery_id", "feed"), copied, frozen=table != "source_row")
    if table != "source_row":
        _index(connection, table, partial=False)
        connection.execute(text(f"analyze {table} ({_ASKED_BY})"))
    return table


def forget_rows(connection: Connection, delivery_id: int) -> None:
    """Takes a delivery's rows out of the database, with the reasons that hang on them."""
    connection.execute(
        text("delete from row_reason using source_row s where s.row_id = row_reason.row_id and s.delivery_id = :id"),
        {"id": delivery_id},
    )
    connection.execute(text(f"drop table if exists {own_table(delivery_id)}"))
    connection.execute(text("delete from source_row where delivery_id = :id"), {"id": delivery_id})


def _create(connection: Connection, table: str, delivery_id: int) -> None:
    numbers = connection.scalar(text("select pg_get_serial_sequence('source_row', 'row_id')"))
    connection.execute(
        text(
            f"create table {table} (check (delivery_id = {int(delivery_id)}), "
            f"row_id bigint not null default nextval('{numbers}')) inherits (source_row)"
        )
    )


def _numbers(connection: Connection, rows: int) -> int:
    """The first of so many numbers taken from the series of `row_id` at once. Acceptances go one after the other."""
    return int(
        connection.scalar(
            text(
                "select setval(s, nextval(s) + :more) - :more from pg_get_serial_sequence('source_row', 'row_id') as s"
            ),
            {"more": max(rows - 1, 0)},
        )
    )


def _numbered(staged: Path, first: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    for batch in read_batches(staged, _COLUMNS):
        yield first, batch
        first += batch.num_rows


def _index(connection: Connection, table: str, *, partial: bool) -> None:
    """The indexes of `source_row`, whatever they are by now: those of some rows only, or the others."""
    connection.execute(text("set local maintenance_work_mem = '256MB'"))
    definitions = connection.execute(
        text(
            "select indexdef from pg_indexes where tablename = 'source_row' and schemaname = current_schema() order by 1"
        )
    ).scalars()
    for number, definition in enumerate(definitions.all()):
        columns = definition[definition.index(" USING ") :]
        if (" WHERE " in columns) is partial:
            unique = "unique " if definition.startswith("CREATE UNIQUE") else ""
            connection.execute(text(f"create {unique}index {table}_{number} on {table}{columns}"))
