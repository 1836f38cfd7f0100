"""Columns in and out of PostgreSQL at COPY speed, inside the caller's own transaction.

ADBC would be faster still but opens a connection of its own, and then "one transaction" is no longer true.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection

from hub.store.binary_rows import END, START

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")
_READ_AT_ONCE = 1 << 26  # bytes of text made into columns in one go
_ROWS_A_PIECE = (
    200  # rows joined by the server; a piece of the widest rows we take in stays far below its limit of 1 GB
)


def copy_in(connection: Connection, table: str, columns: pa.Table, *, rows_at_once: int = 50_000) -> int:
    """Appends an Arrow table to a PostgreSQL table with the same column names; returns the number of rows.
    JSON columns come as strings of JSON; null stays null and an empty string stays an empty string."""
    pieces = (columns.slice(start, rows_at_once) for start in range(0, columns.num_rows, rows_at_once))
    return copy_lines(connection, table, columns.column_names, map(text_lines, pieces))


def copy_batches(connection: Connection, table: str, reader: pa.RecordBatchReader, *, frozen: bool = False) -> int:
    """Appends what a reader brings, as `copy_in` would; returns the number of rows. While PostgreSQL takes one batch in, the next
    are computed. `frozen` as for `copy_binary`."""
    return copy_lines(connection, table, reader.schema.names, _ahead(map(text_lines, reader)), frozen=frozen)


def _ahead(pieces: Iterator[_T]) -> Iterator[_T]:
    """The same pieces, made in another thread, two of them before they are asked for."""
    with ThreadPoolExecutor(1) as behind:
        waiting = deque(behind.submit(next, pieces, None) for _ in range(2))
        while (piece := waiting.popleft().result()) is not None:
            waiting.append(behind.submit(next, pieces, None))
            yield piece


def copy_lines(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    lines: Iterable[tuple[int, memoryview]],
    *,
    frozen: bool = False,
) -> int:
    """Appends what `text_lines` made to the named columns of a table; returns the number of rows. `frozen` as for `copy_binary`."""
    names = ", ".join(f'"{n}"' for n in columns)
    raw: Any = connection.connection.driver_connection
    total = 0
    options = " with (freeze)" if frozen else ""
    with raw.cursor() as cursor, cursor.copy(f"copy {table} ({names}) from stdin{options}") as copy:
        for rows, data in lines:
            copy.write(data)
            total += rows
    return total


def copy_binary(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[int, memoryview]], *, frozen: bool
) -> int:
    """Appends what `binary_rows` made to the named columns of a table; returns the number of rows. `frozen` is for a table
    this transaction has made or emptied: its rows are then as if vacuumed already, and the first who reads them writes nothing."""
    names = ", ".join(f'"{n}"' for n in columns)
    raw: Any = connection.connection.driver_connection
    total = 0
    options = "format binary, freeze" if frozen else "format binary"
    with raw.cursor() as cursor, cursor.copy(f"copy {table} ({names}) from stdin with ({options})") as copy:
        copy.write(START)
        for number, data in rows:
            copy.write(data)
            total += number
        copy.write(END)
    return total


def text_lines(columns: pa.Table | pa.RecordBatch) -> tuple[int, memoryview]:
    """(rows, lines) in COPY's text format, which needs neither the quotes nor the doubled quotes of CSV: whole columns are
    joined, and only those that hold a backslash, a tab or a line break are escaped first. At most 2 GiB of text."""
    import pyarrow.compute as pc

    if not columns.num_rows:
        return 0, memoryview(b"")
    texts = [_escaped(_one(column)) for column in columns.columns]
    texts[-1] = pc.binary_join_element_wise(pc.fill_null(texts[-1], _NULL), "\n", "")
    lines = pc.binary_join_element_wise(*texts, "\t", null_handling="replace", null_replacement=_NULL)
    _, offsets, data = lines.buffers()
    ends = memoryview(offsets).cast("i")
    first, last = ends[lines.offset], ends[lines.offset + len(lines)]
    return columns.num_rows, memoryview(data)[first:last]


_NULL = "\\N"
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    import pyarrow as pa

    array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def _escaped(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    _, offsets, data = texts.buffers()
    if data is None:
        return texts
    ends = memoryview(offsets).cast("i")
    first, last = ends[texts.offset], ends[texts.offset + len(texts)]
    content = data.slice(first, last - first).to_pybytes()
    for plain, escape in _ESCAPES:
        if plain.encode() in content:
            texts = pc.replace_substring(texts, plain, escape)
    return texts


def read_arrow(connection: Connection, query: str, schema: pa.Schema, parameters: tuple[Any, ...] = ()) -> pa.Table:
    """The result of a query as an Arrow table of `schema` (names in the query's order). `%s` marks parameters."""
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout with (format csv)", parameters or None) as copy:
        return _gathered(copy, schema)  # one row each


def read_in_pieces(connection: Connection, query: str, schema: pa.Schema, parameters: tuple[Any, ...] = ()) -> pa.Table:
    """The same for millions of short rows, in any order: the server joins rows into pieces, because the driver hands over one line
    of COPY at a time, which for short ones costs more than all the rest. It keeps all of them beside, on disk where memory is short."""
    raw: Any = connection.connection.driver_connection
    joined = f"copy ({_joined(query, schema)}) to stdout with (format binary)"
    with raw.cursor() as cursor, cursor.copy(joined, parameters or None) as copy:
        copy.set_types(["bytea"])
        return _gathered((piece for (piece,) in copy.rows()), schema)


def _gathered(pieces: Iterable[bytes], schema: pa.Schema) -> pa.Table:
    """Pieces of CSV as one table."""
    import pyarrow as pa

    tables: list[pa.Table] = []
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size > _READ_AT_ONCE:
            tables.append(_parsed(b"".join(waiting), schema))
            waiting, size = [], 0
    if waiting:
        tables.append(_parsed(b"".join(waiting), schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _joined(query: str, schema: pa.Schema) -> str:
    """A query of some rows of `query` at a time, as CSV."""
    import pyarrow as pa

    names = [f'"{name}"' for name in schema.names]
    cells = [
        f"""coalesce('"' || replace({name}::text, '"', '""') || '"', '')"""
        if pa.types.is_string(field.type)
        else f"coalesce({name}::text, '')"
        for name, field in zip(names, schema, strict=True)
    ]
    return f"""select convert_to(string_agg(line, ''), 'UTF8') from (
        select (row_number() over () - 1) / {_ROWS_A_PIECE} as piece, {" || ',' || ".join(cells)} || chr(10) as line
        from ({query}) as found ({", ".join(names)})) as lines group by piece"""


def _parsed(data: bytes, schema: pa.Schema) -> pa.Table:
    """Rows of COPY's CSV, or of `_joined`: nothing where there is null, quotes where there is nothing in a text."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    convert = pa_csv.ConvertOptions(
        column_types={f.name: f.type for f in schema},
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
        true_values=["t", "true"],
        false_values=["f", "false"],
    )
    table = pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(column_names=schema.names, block_size=1 << 24),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=convert,
    )
    return table.cast(schema)
