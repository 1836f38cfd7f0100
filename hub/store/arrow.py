"""Columns in and out of PostgreSQL at COPY speed, inside the caller's own transaction.

ADBC would be faster still but opens a connection of its own, and then "one transaction" is no longer true.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

if TYPE_CHECKING:
    import pyarrow as pa


def copy_in(connection: Connection, table: str, columns: pa.Table, *, rows_at_once: int = 100_000) -> int:
    """Appends an Arrow table to a PostgreSQL table with the same column names; returns the number of rows.
    JSON columns come as strings of JSON; null stays null and an empty string stays an empty string."""
    import pyarrow.csv as pa_csv

    names = ", ".join(f'"{n}"' for n in columns.column_names)
    options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"copy {table} ({names}) from stdin with (format csv)") as copy:
        for start in range(0, columns.num_rows, rows_at_once):
            buffer = io.BytesIO()
            pa_csv.write_csv(columns.slice(start, rows_at_once), buffer, options)
            copy.write(buffer.getbuffer())
    return int(columns.num_rows)


def read_arrow(connection: Connection, query: str, schema: pa.Schema, parameters: tuple[Any, ...] = ()) -> pa.Table:
    """The result of a query as an Arrow table of `schema` (names in the query's order). `%s` marks parameters."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    raw: Any = connection.connection.driver_connection
    chunks: list[bytes] = []
    with raw.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout with (format csv)", parameters or None) as copy:
        chunks.extend(bytes(block) for block in copy)
    data = b"".join(chunks)
    if not data:
        return schema.empty_table()
    convert = pa_csv.ConvertOptions(
        column_types={f.name: f.type for f in schema},
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
        true_values=["t"],
        false_values=["f"],
    )
    table = pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(column_names=schema.names, block_size=1 << 24),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=convert,
    )
    return table.cast(schema)
