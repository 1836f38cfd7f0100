"""Pages of a long table laid beside each other, shifted by some rows: each is a table of its own, no row is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.feeds import get_feed
from hub.intake.normalise import normalise_reading
from hub.intake.reader import read_file
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet

TOWNS = ["全县", "城关镇", "竹口镇", "黄田镇", "荷地镇", "左溪镇", "贤良镇"]


def _two_pages(shift: int) -> list[list[Any]]:
    left: list[list[Any]] = [["产量表", "", ""], ["单位：吨", "", ""], ["地区", "粮食", ""], ["", "小麦", "玉米"]]
    right: list[list[Any]] = [["", "", ""]] * (2 - shift) + [["地区", "蔬菜", ""], ["", "白菜", "萝卜"]]
    left += [[town, n, n * 2] for n, town in enumerate(TOWNS)]
    right += [[town, n * 3, n * 4] for n, town in enumerate(TOWNS)]
    height = max(len(left), len(right))
    return [
        [*(left[r] if r < len(left) else [""] * 3), "", *(right[r] if r < len(right) else [""] * 3)]
        for r in range(height)
    ]


def test_each_page_has_its_own_header_and_all_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "年鉴.xlsx"
    path.write_bytes(builders.xlsx(Sheet(_two_pages(1), ("B3:C3", "F2:G2"))))
    left, right = read_file(path).sheets
    assert (left.header_rows, right.header_rows) == ([3, 4], [2, 3])
    assert (left.data_rows, right.data_rows) == (7, 7)
    assert [c.header for c in left.columns] == ["地区", "粮食/小麦", "粮食/玉米"]
    assert [c.header for c in right.columns] == ["地区", "蔬菜/白菜", "蔬菜/萝卜"]
    assert right.rows["c1"].to_pylist() == [str(n * 3) for n in range(7)]
    assert left.name == right.name


def test_row_and_part_stay_unique_over_both_pages(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["序号", "合作社名称", "", "序号", "合作社名称"]]
    names = [f"{c}专业合作社" for c in "甲乙丙丁戊己庚辛"]
    rows += [[str(n), name, "", "", ""] for n, name in enumerate(names, 1)]
    for n, name in enumerate(names, 1):  # the same names again, a row lower
        if n + 1 >= len(rows):
            rows.append(["", "", "", "", ""])
        rows[n + 1][3:] = [str(n), name]
    path = tmp_path / "名单.xlsx"
    path.write_bytes(builders.xlsx(Sheet(rows)))
    feed = get_feed("township_cleanup")
    staged = normalise_reading(read_file(path, feed=feed), feed).rows
    keys = list(zip(staged["row"].to_pylist(), staged["part"].to_pylist(), strict=True))
    assert len(keys) == len(set(keys)) >= len(names)


def test_pages_in_the_same_rows_are_one_wide_table(tmp_path: Path) -> None:
    path = tmp_path / "年鉴.xlsx"
    path.write_bytes(builders.xlsx(Sheet(_two_pages(0), ("B3:C3", "F3:G3"))))
    (sheet,) = read_file(path).sheets
    assert (sheet.header_rows, sheet.data_rows, len(sheet.columns)) == ([3, 4], 7, 6)
