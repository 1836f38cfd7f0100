"""What holds for every sheet whatever: each row has one account, reading twice gives the same, nothing is lost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.feeds import get_feed
from hub.intake.normalise import normalise_reading
from hub.intake.reader import read_file
from hub.intake.reader.grid import Grid
from hub.intake.reader.layout import find_tables
from hub.intake.reader.read import known_headers
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet, account_of
from tests.intake.reader.test_layouts import as_bytes

WORDS = st.sampled_from(
    [
        *(
            "序号",
            "合作社名称",
            "理事长",
            "地区",
            "户数",
            "金额（万元）",
            "日期",
            "2021",
            "甲",
            "名单",
            "(续)",
            "Region",
        ),
        *(
            "合计",
            "小计",
            "注：说明",
            "填表人：",
            "单位：万元",
            "一、种植业",
            "甲专业合作社",
            "王芳",
            "1",
            "2",
            "12.5",
            "—",
        ),
        *(
            "2024-01-02",
            "93330000000000000X",
            "13000000000",
            "一段很长很长的说明文字，里面有逗号，还有句号。",
            " ",
            "\n",
            "0",
        ),
    ]
)
CELLS = st.one_of(st.just(""), st.just(""), WORDS, st.integers(0, 3000).map(str))
ROWS = st.lists(st.lists(CELLS, max_size=6), min_size=1, max_size=14)
MERGES = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 5), st.integers(0, 4), st.integers(0, 4)).map(
        lambda m: (m[0], m[1], m[0] + m[2], m[1] + m[3])
    ),
    max_size=4,
)


@settings(max_examples=400, deadline=None)
@given(rows=ROWS, merges=MERGES)
def test_every_row_of_any_sheet_belongs_to_exactly_one_kind(rows: list[list[str]], merges: list[Any]) -> None:
    grid = Grid("表", rows=dict(enumerate(rows, 1)), merges=merges, has_merges=bool(merges))
    filled = [n for n, cells in enumerate(rows, 1) if any(c.strip() for c in cells)]
    tables = find_tables(grid, known_headers())
    accounts: list[int] = []
    for table in tables:
        accounts += [*table.header_rows, *table.data, *table.other]
    assert sorted(accounts) == list(range(1, max(filled, default=0) + 1))
    again = find_tables(grid, known_headers())
    assert [(t.header_rows, t.levels, t.data, t.other) for t in tables] == [
        (t.header_rows, t.levels, t.data, t.other) for t in again
    ]


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, kind=st.sampled_from(["xlsx", "xls", "csv", "html", "xml2003", "docx"]))
def test_reading_a_file_twice_gives_the_same_and_no_cell_of_a_data_row_is_lost(
    rows: list[list[str]], kind: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "来件"
        path.write_bytes(as_bytes(kind, Sheet(rows)))
        first, second = read_file(path), read_file(path)
    assert first.refusal == second.refusal
    assert first.account() == second.account()
    assert [s.rows.to_pydict() for s in first.sheets] == [s.rows.to_pydict() for s in second.sheets]
    if first.refusal is not None:
        return
    account_of(first)
    for sheet in first.sheets:
        for row in sheet.rows.to_pylist():
            kept = sorted("".join(v.split()) for k, v in row.items() if k.startswith("c") and v and v.split())
            given_cells = sorted("".join(c.split()) for c in rows[row["row"] - 1] if c.split())
            assert kept == given_cells


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["甲专业合作社", "乙、丙专业合作社", "丁专业合作社、戊专业合作社", "合计", "", "注：说明"]),
            st.sampled_from(["93330000000000000X", "9.33311E+17", "", "无"]),
            st.sampled_from(["13000000000", "", "/"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_staging_keeps_every_data_row_and_makes_none_up(rows: list[tuple[str, str, str]]) -> None:
    feed = get_feed("township_cleanup")
    table = [["序号", "合作社名称", "统一社会信用代码", "联系电话"], *[[str(n), *r] for n, r in enumerate(rows, 1)]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "城关镇台账.xlsx"
        path.write_bytes(builders.xlsx(Sheet(table)))
        reading = read_file(path, feed=feed)
    if not reading.data_rows:
        return
    staged = normalise_reading(reading, feed)
    places = staged.rows.select(["sheet", "row", "part"]).to_pylist()
    assert len({tuple(p.values()) for p in places}) == len(places)
    assert {p["row"] for p in places} == {r for s in reading.sheets for r in s.rows["row"].to_pylist()}
    assert staged.rows.num_rows == sum(s.rows.num_rows for s in reading.sheets)
