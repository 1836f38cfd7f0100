"""Files that carry their own column names: Parquet and JSON lines, as connectors deliver queries, and JSON documents with
a list of records. No layout to guess: every record is a data row, counted from 1 or by its line (JSON lines), and there
is no header row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hub.intake.reader.model import Column, SheetReading, Skipped, refuse

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_MARK = b"PAR1"
_MAX_COLUMNS = 2000
_MAX_DEPTH = 8


def is_json_lines(head: bytes) -> bool:
    """Whether text begins with a line that is one JSON object. `head` may be cut anywhere behind that line."""
    line, ended, _ = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    if not line.startswith(b"{"):
        return False
    if not ended and len(head) >= 1 << 14:  # a first record longer than the head: its beginning must do
        return line[1:].lstrip().startswith(b'"')
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def is_json_document(head: bytes) -> bool:
    """Whether text begins like one JSON value over several records or lines: [{"…, or {"….. `head` may be cut."""
    flat = b"".join(head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].split())
    return flat.startswith((b'[{"', b'{"', b"[[", b"[]"))


def _sheet(names: list[str], numbers: pa.Array, texts: list[pa.Array], skipped: list[Skipped]) -> SheetReading:
    import pyarrow as pa

    rows = {"row": numbers, "part": pa.array([0] * len(numbers), pa.int32())}
    rows |= {f"c{place}": column for place, column in enumerate(texts)}
    return SheetReading(
        name="",
        hidden=False,
        header_rows=[],
        columns=[Column(name, levels=(name,)) for name in names],
        data_rows=len(numbers),
        skipped=skipped,
        rows=pa.table(rows),
    )


def _too_wide(count: int) -> None:
    if count > _MAX_COLUMNS:
        raise refuse(f"文件有 {count} 列，太宽。", "请发送方只报送需要的列。")


def read_parquet(data: bytes) -> SheetReading:
    """A Parquet file as one table of texts.

    Raises:
        FormatError: damaged, or far too wide.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data), use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        raise refuse(
            "Parquet 文件已损坏或没有传完，无法读取。", "请发送方重新导出后报送。", type(error).__name__
        ) from None
    _too_wide(table.num_columns)
    numbers = pa.array(range(1, table.num_rows + 1), pa.int32())
    return _sheet(table.column_names, numbers, [_as_text(c.combine_chunks()) for c in table.columns], [])


def _as_text(column: pa.Array) -> pa.Array:
    """Any column as the text a clerk reads; empty text is no value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_boolean(kind):
        column = pc.if_else(column, "是", "否")
    elif pa.types.is_timestamp(kind):
        local = pc.cast(pc.local_timestamp(column) if kind.tz else column, pa.string())
        column = pc.replace_substring_regex(local, r"\.0+$|( 00:00:00(\.0+)?)$", "")
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_nested(kind):
        column = pa.array([None if v is None else _plain(v) for v in column.to_pylist()], pa.string())
    column = pc.cast(column, pa.string())
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _plain(value: Any) -> str:
    """A nested or binary value on one line."""
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, default=str)


def read_json_document(text: str) -> SheetReading:
    """The longest list of objects in a JSON document as one table; records are counted from 1.

    Raises:
        FormatError: no JSON (cut off, perhaps), or no list of records in it.
    """
    try:
        document = json.loads(text.lstrip("\ufeff"), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise refuse("JSON 不完整，文件可能没有传完。", "请发送方重新导出后报送。") from None
    records = max(_record_lists(document, 0), key=len, default=[])
    if not records:
        raise refuse("这是 JSON，但里面没有记录清单。", "请发送方导出为记录的列表，或另存为 .xlsx、.csv 后报送。")
    return read_json_lines("\n".join(json.dumps(r, ensure_ascii=False) for r in records))


def _record_lists(value: Any, depth: int) -> Iterator[list[dict[str, Any]]]:
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        yield value
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        for inner in value.values():
            yield from _record_lists(inner, depth + 1)


def read_json_lines(text: str) -> SheetReading:
    """One JSON object a line as one table of texts. Objects in objects become columns named `outer/inner`, lists of
    plain values one text joined by 、.

    Raises:
        FormatError: a line that is no JSON object (a file cut off ends in one), or far too many different keys.
    """
    import pyarrow as pa

    columns: dict[str, list[str | None]] = {}
    numbers: list[int] = []
    skipped: list[Skipped] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            if numbers:
                skipped.append(Skipped(number, "blank", ""))
            continue
        try:
            record = json.loads(line, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise refuse(
                f"第 {number} 行不是完整的 JSON 对象，文件可能没有传完。", "请发送方重新导出，每行一个 JSON 对象。"
            )
        for name, value in _flat(record, "", 0):
            column = columns.setdefault(name, [])
            column.extend([None] * (len(numbers) - len(column)))
            column.append(value)
        _too_wide(len(columns))
        numbers.append(number)
    while skipped and skipped[-1].row > (numbers[-1] if numbers else 0):
        skipped.pop()  # the line break that ends the last record is no blank row
    for column in columns.values():
        column.extend([None] * (len(numbers) - len(column)))
    texts = [pa.array(column, pa.string()) for column in columns.values()]
    return _sheet(list(columns), pa.array(numbers, pa.int32()), texts, skipped)


def _flat(record: dict[str, Any], before: str, depth: int) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for key, value in record.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and value and depth < _MAX_DEPTH:
            found += _flat(value, f"{name}/", depth + 1)
        else:
            found.append((name, _text_of(value)))
    names = [name for name, _ in found]
    if len(set(names)) == len(names):
        return found
    return list(dict(found).items())  # {"a/b": 1, "a": {"b": 2}}: the later one stands


def _text_of(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value.encode("utf-8", "replace").decode() or None if value else None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return "、".join(value) or None
    return _plain(value) if value else None
