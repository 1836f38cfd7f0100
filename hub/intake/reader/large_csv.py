"""Large CSV files: the same account of every row as the general way gives, at the speed of Arrow.

The header is found on the first rows by the usual rules. The body is cut by Arrow. Only rows that could be anything
but data (short ones, those with words like 合计 or 填表人, ragged ones) are then judged, by the usual rules again.
"""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.intake.reader.assemble import name_columns
from hub.intake.reader.big5 import BIG5, choice_remark, is_big5
from hub.intake.reader.grid import Grid
from hub.intake.reader.layout import Account, TableLayout, find_tables, judge_rows
from hub.intake.reader.model import SheetReading, Skipped
from hub.intake.reader.parse import Parsed
from hub.intake.reader.sniff import sniff
from hub.intake.reader.text import cell_text, find_separator
from hub.simplified import in_both_scripts

if TYPE_CHECKING:
    import pyarrow as pa

LARGE = 1 << 20  # bytes from which this way pays
HEAD_BYTES = 256 << 10
HEAD_ROWS = 300
BLOCK = 16 << 20
MOST_ODD_ROWS = 50_000  # more than that, and the file is no plain table: the general way takes it
_TOTALS = in_both_scripts(r"合\s*计|小\s*计|总\s*计|共\s*计|累\s*计|总\s*和|页\s*计")
_WORDS = in_both_scripts(
    r"(?i)total|注|备|说明|来源|填|表人|制表|编|审|核|负责|经办|日期|时间|单位|联系|签|章|打印|导出|领导|会计|统计|本表|数据|以上|上述|摘|引自|截|发布|公布|汇总|机关|"
    r"文号|报告期|密级|页|page|note|source|remark|续|[*※①②③④⑤]|unit"
)


def read_large_csv(path: Path, known: Collection[str]) -> tuple[Parsed, list[SheetReading]] | None:
    """Tables of a large CSV file, or None when it is none of the plain kind (then the general way reads it)."""
    import pyarrow as pa

    with path.open("rb") as source:
        head = source.read(HEAD_BYTES)
    if sniff(head) != "text" or b"\x00" in head:
        return None
    with pa.memory_map(str(path)) as mapped:
        data = mapped.read_buffer()
    for encoding in ("utf-8", BIG5, "gb18030"):
        if encoding == BIG5 and not is_big5(head):
            continue
        try:
            return _read(data, encoding, known)
        except UnicodeDecodeError:
            continue
        except (pa.ArrowInvalid, csv.Error) as error:
            if "UTF8" in str(error) or "UTF-8" in str(error):
                continue
            return None
    return None


def _as_utf8(data: pa.Buffer, encoding: str) -> pa.Buffer:
    """The whole file as UTF-8, without a byte order mark. Another encoding goes through a temporary file, a block at a
    time: the memory of this process is capped.

    Raises:
        UnicodeDecodeError: it is not in that encoding.
    """
    import pyarrow as pa

    if encoding == "utf-8":
        return data[3:] if data[:3].to_pybytes() == codecs.BOM_UTF8 else data
    decoder = codecs.getincrementaldecoder(encoding)()
    with tempfile.NamedTemporaryFile(prefix="coop-hub-") as out:
        for start in range(0, len(data), BLOCK):
            block = data[start : start + BLOCK].to_pybytes()
            out.write(decoder.decode(block, final=start + BLOCK >= len(data)).encode("utf-8"))
        out.flush()
        with pa.memory_map(out.name) as mapped:
            return mapped.read_buffer()


def _quotes_match(data: pa.Buffer) -> bool:
    """An odd number of quotes means one was never closed; the general way knows what to do then."""
    count = sum(data[at : at + BLOCK].to_pybytes().count(b'"') for at in range(0, len(data), BLOCK))
    return bool(count % 2 == 0)


def _head_records(head: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """The first records, and after each the number of characters read so far."""
    consumed = 0

    def lines() -> Any:
        nonlocal consumed
        for line in io.StringIO(head, newline=""):
            consumed += len(line)
            yield line

    records, ends = [], []
    for cells in csv.reader(lines(), delimiter=separator):
        records.append([cell_text(c) for c in cells])
        ends.append(consumed)
        if len(records) == HEAD_ROWS:
            break
    return records, ends


def _read(data: pa.Buffer, encoding: str, known: Collection[str]) -> tuple[Parsed, list[SheetReading]] | None:
    marked = data[:3].to_pybytes() == codecs.BOM_UTF8
    body = _as_utf8(data, encoding)
    head = codecs.getincrementaldecoder("utf-8")().decode(body[:HEAD_BYTES].to_pybytes())
    separator = find_separator(head)
    if separator is None or len(separator) != 1 or not separator.isascii() or not _quotes_match(body):
        return None
    records, ends = _head_records(head, separator)
    grid = Grid("", rows={n: cells for n, cells in enumerate(records[:-1], 1) if any(cells)})
    layouts = find_tables(grid, known)
    if len(layouts) != 1 or len(records) < HEAD_ROWS:
        return None
    layout = layouts[0]
    top = max((*layout.header_rows, *_leading(layout)), default=0)
    start = len(head[: ends[top - 1]].encode("utf-8")) if top else 0
    width = max(map(len, records))
    table, ragged = _cut(body[start:], [f"c{i}" for i in range(width)], separator)
    parsed = Parsed("tsv" if separator == "\t" else "csv", encoding="utf-8-sig" if marked else encoding)
    if encoding != "utf-8" and (said := choice_remark(data[:HEAD_BYTES].to_pybytes(), encoding)):
        parsed.remarks.append(said)
    sheet = _sheet(table, ragged, layout, grid, top, separator, known)
    return None if sheet is None else (parsed, [sheet])


def _cut(body: pa.Buffer, names: list[str], separator: str) -> tuple[pa.Table, list[tuple[int, str]]]:
    """The rows of as many cells as there are names, and the others as (number from 1, text). One thread: several hold more
    blocks at a time than the memory of this process allows, and do not number rows."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    ragged: list[tuple[int, str]] = []

    def keep(row: Any) -> str:
        ragged.append((row.number, row.text))
        return "skip" if len(ragged) <= MOST_ODD_ROWS else "error"

    table = pa_csv.read_csv(
        pa.BufferReader(body),
        read_options=pa_csv.ReadOptions(column_names=names, use_threads=False, block_size=BLOCK),
        parse_options=pa_csv.ParseOptions(
            delimiter=separator, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types={n: pa.string() for n in names},
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
        ),
    )
    return table, ragged


def _leading(layout: TableLayout) -> list[int]:
    """Rows before the first data row that are no data: titles of a table without header."""
    first = min(layout.data, default=0)
    return [r for r in layout.other if r < first]


def _row_numbers(length: int, ragged: list[tuple[int, str]], top: int) -> Any:
    """Row numbers of the rows Arrow kept: all numbers after the header, those of ragged rows left out."""
    import numpy as np

    every = np.arange(1, length + len(ragged) + 1, dtype=np.int32)
    return np.delete(every, [number - 1 for number, _ in ragged]) + top


def _suspects(table: pa.Table, layout: TableLayout, grid: Grid) -> Any:
    """Places of rows that might be anything but data; a superset of those that are."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = table.columns
    filled = np.zeros(table.num_rows, dtype=np.int16)
    for column in columns:
        filled += column.is_valid().to_numpy() if column.null_count else 1
    first = pc.coalesce(*columns) if columns[0].null_count else columns[0]
    headers = pa.array(sorted({x for r in layout.header_rows for x in grid.rows[r] if x}), pa.string())
    suspicious = filled == 0
    suspicious |= (filled == 1) & (len(columns) > 2)

    for column in columns[:6] if first is columns[0] else (first, *columns[:6]):
        if _holds(column, "计") or _holds(column, "計"):
            suspicious |= _true(pc.match_substring_regex(column, _TOTALS))
        suspicious |= _true(pc.is_in(column, value_set=headers))
    few = filled <= 4
    if few.any() or len(columns) <= 6:
        suspicious |= few & _true(pc.match_substring_regex(first, _WORDS))
    else:
        suspicious |= _true(pc.match_substring_regex(first, "(?i)total"))
    return np.flatnonzero(suspicious)


def _holds(column: pa.ChunkedArray, text: str) -> bool:
    """Whether a text stands anywhere in a column."""
    import pyarrow.compute as pc

    wanted = text.encode()
    for chunk in column.chunks:
        data = chunk.buffers()[2]  # its bytes first: that looks at no row by itself
        if data is not None and wanted in data.to_pybytes() and pc.any(pc.match_substring(chunk, text)).as_py():
            return True
    return False


def _true(mask: pa.ChunkedArray) -> Any:
    import pyarrow.compute as pc

    return pc.fill_null(mask, False).to_numpy()


def _sheet(  # noqa: PLR0917  the state of one reading, passed once
    table: pa.Table,
    ragged: list[tuple[int, str]],
    layout: TableLayout,
    grid: Grid,
    top: int,
    separator: str,
    known: Collection[str],
) -> SheetReading | None:
    import numpy as np
    import pyarrow as pa

    numbers = _row_numbers(table.num_rows, ragged, top)
    suspects = _suspects(table, layout, grid)
    if len(suspects) > MOST_ODD_ROWS:
        return None
    odd: dict[int, list[str]] = {number + top: _cells(text, separator) for number, text in ragged}
    suspect_rows = table.take(pa.array(suspects)).to_pylist()
    for place, cells in zip(suspects.tolist(), suspect_rows, strict=True):
        odd[int(numbers[place])] = [x or "" for x in cells.values()]
    last_filled = _last_filled(odd, numbers, suspects)
    sample = {
        int(numbers[p]): [x or "" for x in table.slice(p, 1).to_pylist()[0].values()]
        for p in _ordinary(len(numbers), suspects)
    }
    accounts = judge_rows(layout, grid, {r: c for r, c in odd.items() if any(c)}, sample, known)
    for row, cells in odd.items():
        if not any(x.strip() for x in cells) and row < last_filled:
            accounts[row] = Account("blank")
    gone = {row for row in odd if row in accounts or row > last_filled}
    keep = ~np.isin(numbers, np.fromiter(gone, dtype=np.int32, count=len(gone)))
    other = {r: a for r, a in layout.other.items() if r <= top} | accounts
    return _assembled(
        table,
        numbers,
        keep,
        {r: c for r, c in odd.items() if r not in gone and _is_ragged(r, ragged, top)},
        layout,
        other,
    )


def _is_ragged(row: int, ragged: list[tuple[int, str]], top: int) -> bool:
    return any(number + top == row for number, _ in ragged)


def _cells(text: str, separator: str) -> list[str]:
    return [cell_text(c) for c in next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])]


def _last_filled(odd: dict[int, list[str]], numbers: Any, suspects: Any) -> int:
    """Number of the last row with anything in it: what follows does not exist."""
    import numpy as np

    plain = np.delete(numbers, suspects)
    return max(
        int(plain[-1]) if len(plain) else 0, max((r for r, c in odd.items() if any(x.strip() for x in c)), default=0)
    )


def _ordinary(length: int, suspects: Any) -> list[int]:
    """Places of some rows that are surely data, to compare others with: the first thirty, and the last."""
    taken = set(suspects.tolist())
    first = [p for p in range(min(length, 200)) if p not in taken][:30]
    last = next((p for p in range(length - 1, -1, -1) if p not in taken), None)
    return first if last is None or last in first else [*first, last]


def _kept(rows: pa.Table, keep: Any) -> pa.Table:
    """The rows marked, as slices of what is there: no copy where only a few are left out."""
    import numpy as np
    import pyarrow as pa

    gone = np.flatnonzero(~keep)
    if len(gone) > 1000:
        return rows.filter(pa.array(keep))
    starts, ends = [0, *(gone + 1).tolist()], [*gone.tolist(), rows.num_rows]
    pieces = [rows.slice(a, b - a) for a, b in zip(starts, ends, strict=True) if b > a]
    return pa.concat_tables(pieces) if pieces else rows.slice(0, 0)


def _assembled(  # noqa: PLR0917  as above
    table: pa.Table,
    numbers: Any,
    keep: Any,
    extra: dict[int, list[str]],
    layout: TableLayout,
    other: dict[int, Account],
) -> SheetReading:
    import numpy as np
    import pyarrow as pa

    rows = pa.table({"row": pa.array(numbers, pa.int32()), **{n: table[n] for n in table.column_names}})
    rows = _kept(rows, keep)
    width = max([table.num_columns, *(len(c) for c in extra.values())])
    for place in range(table.num_columns, width):
        rows = rows.append_column(f"c{place}", pa.nulls(rows.num_rows, pa.string()))
    if extra:
        more = {f"c{i}": [(c[i] or None) if i < len(c) else None for c in extra.values()] for i in range(width)}
        added = pa.table({"row": list(extra), **more}, schema=rows.schema)
        rows = pa.concat_tables([rows, added]).sort_by("row")
    for place in range(width):
        if place not in layout.levels and rows[f"c{place}"].null_count < rows.num_rows:
            layout.levels[place] = ()
    places = sorted(p for p in layout.levels if p < width)
    layout.levels = {p: layout.levels[p] for p in places}
    columns = name_columns(layout)
    part = pa.array(np.zeros(rows.num_rows, dtype=np.int32))
    final = pa.table({"row": rows["row"], "part": part, **{f"c{i}": rows[f"c{p}"] for i, p in enumerate(places)}})
    return SheetReading(
        name="",
        hidden=False,
        header_rows=list(layout.header_rows),
        columns=columns,
        data_rows=final.num_rows,
        skipped=[Skipped(r, a.kind, a.text, a.until) for r, a in sorted(other.items())],
        rows=final,
    )
