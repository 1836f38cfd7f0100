"""Rows of a query as a Parquet file: the same rows give the same bytes. Whole numbers, floating numbers and truth
values keep their type; everything else is the text a clerk would read, so that nothing is rounded or reinterpreted.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from connectors.landing import Landing
from hub.errors import FormatError, HubError

ROWS_IN_GROUP = 50_000


def as_text(value: Any, zone: ZoneInfo) -> str | None:
    """A database value as text. Moments with an offset are told in `zone`, without the offset."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        local = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
        return local.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)


class ParquetRows:
    """Writes batches of rows to a landing.

    Args:
        columns: (name, kind), kind being `integer`, `float`, `boolean` or `text`.
        zone: where moments with an offset are told.
    """

    def __init__(self, place: Landing, columns: Sequence[tuple[str, str]], zone: ZoneInfo) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {"integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_(), "text": pa.string()}
        self._columns, self._zone, self.rows = columns, zone, 0
        self._schema = pa.schema([(name, types[kind]) for name, kind in columns])
        self._held: list[Sequence[Any]] = []
        self._writer = pq.ParquetWriter(place, self._schema, compression="zstd", store_schema=False)

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Appends rows.

        Raises:
            FormatError: a value is not of its column's declared type.
        """
        self._held.extend(rows)
        while len(self._held) >= ROWS_IN_GROUP:  # groups of one size, however the rows came over the wire
            self._flush(self._held[:ROWS_IN_GROUP])
            del self._held[:ROWS_IN_GROUP]

    def _flush(self, rows: list[Sequence[Any]]) -> None:
        import pyarrow as pa

        arrays = []
        for position, (name, kind) in enumerate(self._columns):
            convert: Callable[[Any], Any] = _CONVERT.get(kind, lambda v: as_text(v, self._zone))
            try:
                values = [convert(row[position]) for row in rows]
                arrays.append(pa.array(values, self._schema.field(position).type))
            except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
                raise FormatError(
                    f"列“{name}”里有与数据库声明的类型不符的值。",
                    next_step="请对方核对该列，或在 columns 里不取这一列。",
                    detail=type(error).__name__,
                ).at(column=name) from None
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self.rows += len(rows)

    def close(self) -> None:
        """Writes what is held and the end of the file."""
        if self._held or not self.rows:
            self._flush(self._held)
            self._held = []
        self._writer.close()

    def abandon(self) -> None:
        """Lets go of the file after an error; what was written goes with the landing."""
        try:
            self._writer.close()
        except (HubError, OSError, ValueError):
            return


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "integer": lambda v: None if v is None else int(v),
    "float": lambda v: None if v is None else float(v),
    "boolean": lambda v: None if v is None else bool(v),
}
