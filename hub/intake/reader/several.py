"""Several names in one cell become rows that share the row number and every other cell."""

from __future__ import annotations

import re

from hub.feeds.model import Feed
from hub.intake.reader.model import SheetReading

_BETWEEN = r"[、，,;；\r\n]"
_ENDS_LIKE_A_NAME = re.compile(
    r"(社|公司|农场|场|会|部|中心|厂|店|园|站|所|院|行|集团|基地)[*※]*([(（][^()（）]*[)）])?$"
)


def split_names(text: str) -> list[str]:
    """The names in a cell. Only a text whose every part reads like a whole name is cut: 蔬菜、水果专业合作社 is one name,
    and so is a name broken over two lines."""
    parts = [p.strip() for p in re.split(_BETWEEN, text) if p.strip()]
    if len(parts) > 1 and all(len(p) >= 4 and _ENDS_LIKE_A_NAME.search(p) for p in parts):
        return parts
    return [text]


def whole_column(source: str) -> str:
    """Name of the column that keeps the unsplit cells of `source`, where any was split."""
    return f"{source}_whole"


def split_several(sheet: SheetReading, feed: Feed) -> None:
    """Splits the rows of a sheet at the feed's fields that may hold several names; parts count from 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for declared in feed.fields:
        source = sheet.column_of(declared.name) if declared.several else None
        if source is None or not sheet.rows.num_rows:
            continue
        cells = sheet.rows[source].combine_chunks()
        suspects = pc.indices_nonzero(pc.fill_null(pc.match_substring_regex(cells, _BETWEEN), False)).to_pylist()
        split = {i: names for i in suspects if len(names := split_names(cells[i].as_py())) > 1}
        if not split:
            continue
        taken: list[int] = []
        parts: list[int] = []
        texts: list[str | None] = []
        plain = cells.to_pylist()
        before: list[int] = sheet.rows["part"].to_pylist()
        for i in range(len(cells)):
            for part, name in enumerate(split.get(i, [plain[i]])):
                taken.append(i)
                parts.append(before[i] + part)
                texts.append(name)
        rows = sheet.rows.take(pa.array(taken, pa.int64()))
        rows = rows.append_column(whole_column(source), rows[source])  # the cell as written stays as evidence
        rows = rows.set_column(rows.column_names.index("part"), "part", pa.array(parts, pa.int32()))
        sheet.rows = rows.set_column(rows.column_names.index(source), source, pa.array(texts, pa.string()))
