"""The cells of a row as the sender wrote them, kept beside their normal forms by difference: most cells of a good table
are written in their normal form already, and to keep those twice would double what a large delivery writes and PostgreSQL
checks. `raw_json` makes what `source_row.raw` keeps; `cells_as_written` gives every cell back, `written_rows` those of rows in the
database. Rows accepted before this rule have all their filled cells in `raw`, and read the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from hub.intake.cells_text import odd_bytes
from hub.intake.json_text import json_objects, number_text, numbers_as_text, slices
from hub.intake.reader.model import SheetReading
from hub.intake.reader.several import whole_column

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = text(
    """
    select s.sheet, s.part, s.disposition, s.raw, s.fields, d.account from source_row s join delivery d using (delivery_id)
    where s.delivery_id = :id and s."row" = :row order by s.sheet, s.part
    """
)


def cells_as_written(
    raw: Mapping[str, str], fields: Mapping[str, Any], columns: Mapping[str, str | None]
) -> dict[str, str]:
    """Header -> cell as written, empty cells left out.

    Args:
        raw, fields: of one `source_row`.
        columns: header -> field of the row's sheet, as the delivery's `account` has them.
    """
    found: dict[str, str] = {}
    for header, field in columns.items():
        cell = raw[header] if header in raw else written_like(fields.get(field or ""))
        if cell:
            found[header] = cell
    return found


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row of a delivery: its cells by header, the field each is for, and the normal forms by field."""

    sheet: str
    part: int
    disposition: str
    cells: dict[str, str]
    columns: dict[str, str | None]
    fields: dict[str, Any]


def written_rows(connection: Connection, delivery_id: int, row: int) -> list[WrittenRow]:
    """The rows with this number, one a sheet and part."""
    found = []
    for one in connection.execute(_ROWS, {"id": delivery_id, "row": row}):
        columns = _columns_at(one.account, one.sheet, row)
        cells = cells_as_written(one.raw, one.fields, columns)
        found.append(WrittenRow(one.sheet, one.part, one.disposition, cells, columns, one.fields))
    return found


def _columns_at(account: dict[str, Any], sheet: str, row: int) -> dict[str, str | None]:
    """Header -> field of the tables whose header stands last above a row (several, where they lie beside each other)."""
    above = [(max(t["header_rows"], default=0), t) for t in account.get("sheets", ()) if t["name"] == sheet]
    last = max((top for top, _ in above if top < row), default=0)
    return {c["header"]: c["field"] for top, table in above if top == last for c in table["columns"]}


def written_like(value: Any) -> str | None:
    """How a normal form is written in a cell that is not kept; None for what is always kept (booleans) or empty."""
    if value is None or isinstance(value, bool):
        return None
    return number_text(value).removesuffix(".0") if isinstance(value, float) else str(value)


def raw_json(
    sheet: SheetReading, values: Mapping[str, pa.Array], side_by_side: Callable[..., Iterable[pa.Array]] = map
) -> pa.ChunkedArray:
    """JSON objects of header -> text as shown, for the cells `cells_as_written` could not tell from the row's fields. Zero
    bytes become blanks: PostgreSQL's JSON refuses them.

    Args:
        values: the normal forms by field, for all rows of the sheet.
        side_by_side: works like `map`, perhaps in threads.
    """
    import pyarrow as pa

    length = sheet.rows.num_rows
    names = sheet.rows.column_names

    def kept(place: int) -> pa.Array:
        whole, field = whole_column(f"c{place}"), sheet.columns[place].field
        cells = _without_zeros(sheet.rows[whole if whole in names else f"c{place}"].combine_chunks())
        return cells if field is None else _unlike(cells, values[field])

    columns = dict(zip((c.header for c in sheet.columns), side_by_side(kept, range(len(sheet.columns))), strict=True))

    def one(piece: tuple[int, int]) -> pa.Array:
        return json_objects({h: c.slice(*piece) for h, c in columns.items()}, piece[1])

    return pa.chunked_array(side_by_side(one, slices(length)), pa.string())


def _unlike(cells: pa.Array, values: pa.Array) -> pa.Array:
    """The cells that are not written like their normal form; "" for an empty one that has one all the same."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(values.type):
        return cells
    like = _written_like(values)
    none = pa.scalar(None, pa.string())
    kept = pc.if_else(pc.fill_null(pc.equal(cells, like), False), none, cells)
    silent = pc.and_(cells.is_null(), like.is_valid()) if cells.null_count else None
    return pc.if_else(silent, "", kept) if silent is not None and pc.any(silent).as_py() else kept


def _written_like(values: pa.Array) -> pa.Array:
    """`written_like` of a column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(values.type):
        coded = values.dictionary_encode()
        return pc.replace_substring_regex(numbers_as_text(coded.dictionary), r"\.0$", "").take(coded.indices)
    return values.cast(pa.string())


def _without_zeros(cells: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.replace_substring(cells, "\0", " ") if 0 in odd_bytes(cells) else cells
