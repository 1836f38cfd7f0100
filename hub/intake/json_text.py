"""Columns folded into one column of JSON objects, and digests of texts, at the speed of Arrow: a million rows are a few joins
of whole columns, never an object a row.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hub.intake.cells_text import ESCAPED, odd_bytes

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS_AT_ONCE = 50_000  # the text of so many rows stays far below Arrow's 2 GiB an array
_FEW = 2000  # below that a query costs more than Python's own way
_MUST_ESCAPE = r'[\x00-\x1f"\\]'
_ESCAPES = {i: f"\\u{i:04X}" for i in range(32)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    8: "\\b",
    9: "\\t",
    10: "\\n",
    12: "\\f",
    13: "\\r",
}


def slices(length: int, size: int = ROWS_AT_ONCE) -> Iterator[tuple[int, int]]:
    """(start, length) of consecutive pieces."""
    for start in range(0, length, size):
        yield start, min(size, length - start)


@lru_cache(maxsize=2)
def _database(process: int) -> duckdb.DuckDBPyConnection:  # noqa: ARG001 -- a forked child must not share its parent's
    import duckdb

    return duckdb.connect(config={"threads": 2})


def _ask(select: str, x: pa.Array) -> pa.Array:
    """One expression over one column."""
    import pyarrow as pa

    with _database(os.getpid()).cursor() as connection:
        connection.register("given", pa.table({"x": x}))
        found = connection.sql(f"select {select} as y from given").to_arrow_table()["y"]
        connection.unregister("given")
    return found.cast(pa.string()).combine_chunks()


def md5_of(texts: pa.Array) -> pa.Array:
    """MD5 of each text as 32 hex digits; null stays null."""
    import pyarrow as pa

    if len(texts) > _FEW:
        return _ask("md5(x)", texts)
    return pa.array(
        [None if t is None else hashlib.md5(t.encode(), usedforsecurity=False).hexdigest() for t in texts.to_pylist()],
        pa.string(),
    )


def escaped(texts: pa.Array) -> pa.Array:
    """Texts as they stand between the quotes of JSON."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not odd_bytes(texts) & ESCAPED:
        return texts
    mask = pc.fill_null(pc.match_substring_regex(texts, _MUST_ESCAPE), False)
    some = texts.filter(mask).to_pylist()
    return pc.replace_with_mask(texts, mask, pa.array([t.translate(_ESCAPES) for t in some], texts.type))


def _as_json(column: pa.Array) -> tuple[pa.Array, str]:
    """The values as JSON, and the quote that belongs round each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        return escaped(column), '"'
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "true", "false"), ""
    if pa.types.is_integer(column.type):
        return column.cast(pa.string()), ""
    coded = column.dictionary_encode()
    return numbers_as_text(coded.dictionary).take(coded.indices), ""


def numbers_as_text(values: pa.Array) -> pa.Array:
    """Floats as the shortest text that gives them back, whole ones with one zero behind the point."""
    import pyarrow as pa

    if len(values) > _FEW:
        return _ask("to_json(x)::varchar", values)
    return pa.array([None if v is None else number_text(v) for v in values.to_pylist()], pa.string())


def number_text(value: float) -> str:
    """One float of `numbers_as_text`, as DuckDB writes it: digits in full from a millionth up to 10**21, an exponent beyond."""
    if value and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa}e{int(exponent)}"
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else text + ".0"


def json_objects(columns: Mapping[str, pa.Array], length: int) -> pa.Array:
    """One JSON object a row, without the nulls, in the order of the columns. No blanks between its parts.

    Args:
        columns: member name -> column of strings, integers, floats or booleans, all of this length.
        length: number of rows, at most `ROWS_AT_ONCE` of the usual kind.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    pieces: list[Any] = ["{"]
    before: pa.Array | None = None  # rows with a member before this one; True once all have one
    sure = False
    for name, column in columns.items():
        if column.null_count == length:
            continue
        values, quote = _as_json(column)
        key = f"{json.dumps(name, ensure_ascii=False)}:{quote}"
        lead: Any
        if sure:
            lead = "," + key
        elif before is None:
            lead = key
        else:
            lead = pc.if_else(before, "," + key, key)
        if column.null_count:
            pieces.append(pc.fill_null(pc.binary_join_element_wise(lead, values, quote, ""), ""))
            if not sure:
                before = column.is_valid() if before is None else pc.or_(before, column.is_valid())
        else:
            pieces += [lead, values, quote] if quote else [lead, values]
            sure = True
    if len(pieces) == 1:
        return pa.repeat(pa.scalar("{}", pa.string()), length)
    return pc.binary_join_element_wise(*pieces, "}", "")
