"""From what was read to what is staged: every cell in its field's normal form, what was written otherwise beside it,
each row's profile. Set-based: a million rows are a dozen vector operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub.errors import DriftError
from hub.feeds.model import Feed, FeedField
from hub.intake.cells import arrow_type, normalise_cells
from hub.intake.columns import closest_header, match_columns
from hub.intake.profile import profile_columns
from hub.intake.raw_cells import raw_json
from hub.intake.reader.facts import sheet_choice, town_of_sheet
from hub.intake.reader.model import Reading, SheetReading, refuse

if TYPE_CHECKING:
    import pyarrow as pa

SIDE_BY_SIDE = 20_000  # rows from which threads pay

PROFILE_COLUMNS = (
    "profile_key",
    "profile_name",
    "profile_former_name",
    "profile_codes",
    "profile_representative",
    "profile_phone",
    "profile_town",
    "profile_address",
    "profile_founded_on",
)


@dataclass(slots=True)
class Staged:
    """Rows ready to be checked. `rows` has `sheet, row, part, raw, notes`, the `profile_*` columns and one column a
    field of the feed. `drift` tells what changed in the layout without harm (unknown columns, optional ones missing);
    `set_aside` the sheets that hold another table altogether, with their number of rows."""

    feed: Feed
    rows: pa.Table
    drift: list[str] = field(default_factory=list)
    set_aside: list[tuple[str, int]] = field(default_factory=list)


def normalise_reading(
    reading: Reading,
    feed: Feed,
    *,
    delivery_town: str | None = None,
    mapping: Mapping[str, str | None] | None = None,
) -> Staged:
    """Normal forms of all data rows of a file.

    Args:
        reading: what `read_file` gave.
        feed: what the file is a delivery of.
        delivery_town: the sender's township, for rows that name none.
        mapping: confirmed headers, if the reading was made without them.

    Raises:
        FormatError: the file could not be read, or holds no row of data and no header that is the feed's (a list that is all
            there and names nobody is a report of nothing, 零报告: a table without rows).
        DriftError: a required column is missing; the message names the nearest header.
    """
    import pyarrow as pa

    reading.raise_refusal()
    drift: list[str] = []
    set_aside: list[tuple[str, int]] = []
    tables: list[pa.Table] = []
    bare: list[SheetReading] = []
    for sheet in reading.sheets:
        if reading.feed != feed.feed or mapping is not None:
            sheet.columns = list(match_columns(sheet.columns, feed, mapping).columns)
        if not _fits(sheet, feed):
            if sheet.data_rows:
                set_aside.append((sheet.name, sheet.data_rows))
            continue
        _check_columns(sheet, feed, reading.file)
        unknown = [c for c in sheet.columns if c.field is None]
        drift += [_unknown_message(sheet, c.header, c.guess, feed) for c in unknown if c.levels]
        if sheet.rows.num_rows:
            tables.append(_stage_sheet(reading, sheet, feed, delivery_town))
        else:
            bare.append(sheet)
    if not tables and (not bare or set_aside):
        raise _nothing(reading, feed)
    tables = tables or [_stage_sheet(reading, bare[0], feed, delivery_town)]
    return Staged(feed, pa.concat_tables(tables), sorted(set(drift)), set_aside)


def _telling(sheet: SheetReading, feed: Feed) -> set[str]:
    return {c.field for c in sheet.columns if c.field and feed.by_name[c.field].kind.value != "serial"}


def _fits(sheet: SheetReading, feed: Feed) -> bool:
    """Whether a table is this feed at all: all required columns, or enough of the others to call it drift."""
    found = _telling(sheet, feed)
    required = {f.name for f in feed.fields if f.required}
    return required <= found or len(found) >= 2


def _check_columns(sheet: SheetReading, feed: Feed, file: str) -> None:
    missing = [f for f in feed.fields if f.required and sheet.column_of(f.name) is None]
    if not missing:
        return
    words = []
    for wanted in missing:
        near = closest_header(wanted.name, sheet.columns, feed)
        words.append(f"“{wanted.title.zh}”" + (f"（最接近的是“{near}”）" if near else ""))
    raise DriftError(
        f"缺少必需的列：{'、'.join(words)}。",
        next_step="若只是列名变了，在门户里确认列名对照；若列确实没有，请发送方补齐后重新报送。",
    ).at(feed=feed.feed, file=file, sheet=sheet.name or None, row=sheet.header_rows[-1] if sheet.header_rows else None)


def _unknown_message(sheet: SheetReading, header: str, guess: str | None, feed: Feed) -> str:
    near = f"，可能是“{feed.by_name[guess].title.zh}”" if guess else ""
    place = f"工作表“{sheet.name}”的" if sheet.name else ""
    return f"{place}“{header}”列不认识{near}；内容原样保存。"


def _nothing(reading: Reading, feed: Feed) -> Exception:
    headers = [c.header for s in reading.sheets for c in s.columns if c.levels][:8]
    if headers:
        required = [f for f in feed.fields if f.required]
        near = []
        for wanted in required:
            guess = next((h for s in reading.sheets if (h := closest_header(wanted.name, s.columns, feed))), None)
            near.append(f"“{wanted.title.zh}”" + (f"（最接近的是“{guess}”）" if guess else ""))
        if reading.data_rows and not all(any(s.column_of(f.name) for s in reading.sheets) for f in required):
            return DriftError(
                f"没有“{feed.title.zh}”应有的列，缺少：{'、'.join(near)}；表里的列是：{'、'.join(headers)}。",
                next_step="确认文件没有放错目录；若只是列名变了，在门户里确认列名对照。",
            ).at(feed=feed.feed, file=reading.file)
        return refuse("表格只有表头，没有数据行。", "请发送方检查导出是否完整，重新报送。").at(
            feed=feed.feed, file=reading.file
        )
    return refuse("文件里没有可用的表格。", "请发送方确认报送的是数据表，检查后重新报送。").at(
        feed=feed.feed, file=reading.file
    )


def _stage_sheet(reading: Reading, sheet: SheetReading, feed: Feed, delivery_town: str | None) -> pa.Table:
    import pyarrow as pa

    length = sheet.rows.num_rows

    def one(declared: FeedField) -> tuple[pa.Array, pa.Array | None]:
        source = sheet.column_of(declared.name)
        if source is None:
            return pa.nulls(length, arrow_type(declared.kind)), None
        unit = next((c.unit for c in sheet.columns if c.field == declared.name), None)
        return normalise_cells(sheet.rows[source].combine_chunks(), declared, unit)

    # Arrow and DuckDB let go of the interpreter: columns of a large table are worked on side by side
    with ThreadPoolExecutor(2 if length > SIDE_BY_SIDE else 1) as threads:
        results = dict(zip((f.name for f in feed.fields), threads.map(one, feed.fields), strict=True))
        values = {name: column for name, (column, _) in results.items()}
        if feed.sheet_field:
            _fill_from_sheet(reading, sheet, feed.by_name[feed.sheet_field], values)
        present = {name: column for name, column in values.items() if column.null_count < length}
        town = (town_of_sheet(reading, sheet) if feed.per_town else None) or delivery_town
        profile = profile_columns(present, feed, length, town, threads.map)
        columns = {
            "sheet": pa.repeat(pa.scalar(sheet.name, pa.string()), length),
            "row": sheet.rows["row"].combine_chunks(),
            "part": sheet.rows["part"].combine_chunks(),
            "raw": raw_json(sheet, values, threads.map),
            "notes": joined_notes([notes for _, notes in results.values() if notes is not None], length),
        }
    return pa.table({**columns, **{name: profile[name] for name in PROFILE_COLUMNS}, **values})


def _fill_from_sheet(reading: Reading, sheet: SheetReading, declared: FeedField, values: dict[str, pa.Array]) -> None:
    """What the sheet's name says (国家级), where the row itself says nothing."""
    import pyarrow.compute as pc

    value = sheet_choice(reading, sheet, declared)
    if value is not None and values[declared.name].null_count:
        values[declared.name] = pc.fill_null(values[declared.name], value)


def joined_notes(notes: list[pa.Array], length: int) -> pa.Array:
    """JSON lists of each row's notes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not notes:
        return pa.repeat(pa.scalar("[]", pa.string()), length)
    # Arrow's null_handling="skip" drops rows in which all are null, and so shortens the column: nulls become ""
    parts = [pc.fill_null(pc.binary_join_element_wise(", ", piece, ""), "") for piece in notes]
    joined = pc.binary_join_element_wise(*parts, "") if len(parts) > 1 else parts[0]
    return pc.binary_join_element_wise("[", pc.utf8_slice_codeunits(joined, 2), "]", "")
