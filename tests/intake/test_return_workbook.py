"""The sender's own sheet goes back with what to correct, and the corrected sheet replaces those rows."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from hub.errors import ConfigurationError, ConflictError, FormatError
from hub.intake.quarantine import open_quarantine
from hub.intake.reader import read_file
from hub.intake.return_marker import COVER_SHEET, REASON_HEADER, mark_in, returned_delivery_of, take_mark
from hub.intake.return_workbook import ReturnSummary, write_return_workbook
from hub.intake.return_writer import sheet_names
from tests.intake.office import DAY, HEADERS, NO_REPORT, Office, abnormal_rows, code, write_list

RED, ROSE = "FFFF9C9C", "FFFFF2F2"
TITLE_ROW, HEADER_ROW, FIRST, NOBODY, UNDATED, REPEATED = 1, 3, 4, 9, 10, 11
MARK, REASON = len(HEADERS) + 1, len(HEADERS) + 2  # columns from 1


def send_back(office: Office, delivery_id: int, out: Path) -> ReturnSummary:
    with office.engine.connect() as connection:
        return write_return_workbook(
            connection, delivery_id, office.archive_file(delivery_id), out, settings=office.settings
        )


@pytest.fixture
def first(office: Office, abnormal_list: Path) -> int:
    return office.hand_in("market_abnormal", abnormal_list)


@pytest.fixture
def returned(office: Office, first: int, tmp_path: Path) -> Path:
    out = tmp_path / "退回" / "经营异常名录20261031.xlsx"
    summary = send_back(office, first, out)
    assert (summary.to_correct, summary.sheets) == (2, 1)
    return out


def edit(path: Path, change: Callable[[Any], None]) -> Path:
    """The workbook as a clerk saves it after changing its second sheet."""
    workbook = load_workbook(path)
    change(workbook.worksheets[1])
    saved = path.with_name(f"已改-{path.name}")
    workbook.save(saved)
    return saved


def test_the_senders_sheet_comes_back_row_by_row(returned: Path, abnormal_list: Path) -> None:
    sent, back = load_workbook(abnormal_list).active, load_workbook(returned).worksheets[1]
    assert sent is not None
    assert back.title == sent.title
    width = len(HEADERS)
    there = [[c.value or None for c in row[:width]] for row in sent.iter_rows()]
    here = [[c.value or None for c in row[:width]] for row in back.iter_rows()]
    assert here == there
    assert [str(m) for m in back.merged_cells.ranges] == [str(m) for m in sent.merged_cells.ranges]


def test_each_failing_cell_is_red_and_its_row_says_why(returned: Path) -> None:
    page = load_workbook(returned).worksheets[1]
    assert page.cell(HEADER_ROW, REASON).value == REASON_HEADER
    red = [(c.row, c.column) for row in page.iter_rows() for c in row if c.fill.start_color.rgb == RED]
    assert red == [(NOBODY, 2), (UNDATED, 6)]
    assert "没有名称，也没有可用的代码" in page.cell(NOBODY, REASON).value
    assert page.cell(UNDATED, REASON).value == "“列入日期”为空，缺了它这条记录没有意义，请补填。"
    assert "重复" not in str(page.cell(FIRST, REASON).value)
    assert "只采用一次" in page.cell(REPEATED, REASON).value
    assert page.cell(NOBODY, 3).fill.start_color.rgb == ROSE
    assert [page.cell(r, REASON).value for r in range(FIRST, NOBODY)] == [None] * 5


def test_every_cell_is_text_and_nothing_in_it_computes(returned: Path) -> None:
    page = load_workbook(returned).worksheets[1]
    cells = [c for row in page.iter_rows() for c in row if c.value is not None]
    assert {c.data_type for c in cells} == {"s"}
    assert {c.number_format for c in cells} == {"@"}
    assert page.cell(NOBODY, 4).value.startswith("=HYPERLINK")
    assert page.cell(FIRST, 3).value == code(1)
    with zipfile.ZipFile(returned) as archive:
        names = archive.namelist()
        assert not any(b"<f>" in archive.read(n) for n in names if n.startswith("xl/worksheets/sheet"))
    assert not any("hyperlink" in n or "external" in n.lower() for n in names)


def test_the_mark_is_hidden_and_says_which_row_it_was(returned: Path, first: int) -> None:
    page = load_workbook(returned).worksheets[1]
    mark = mark_in(page.cell(HEADER_ROW, MARK).value)
    assert mark is not None
    assert mark.delivery_id == first
    assert page.cell(FIRST, MARK).value == f"{FIRST}@异常名录"
    assert page.column_dimensions["H"].hidden
    assert returned_delivery_of(returned) == first


def test_the_cover_says_what_to_do_and_how_often_each_reason_stands(returned: Path) -> None:
    cover = load_workbook(returned).worksheets[0]
    assert cover.title == COVER_SHEET
    words = [str(c.value) for row in cover.iter_rows() for c in row if c.value]
    assert "共 8 行：采用 5 行，退回 2 行，重复 1 行，不属于农民专业合作社 0 行。" in words
    assert any("标红的单元格需要更正" in w for w in words)
    assert words.count("1") == 2


def test_the_same_delivery_gives_the_same_bytes(office: Office, first: int, returned: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.xlsx"
    send_back(office, first, again)
    assert again.read_bytes() == returned.read_bytes()


def correct(page: Any) -> None:
    page.cell(NOBODY, 2).value = "云岫县青溪绿源蔬菜专业合作社"
    page.cell(UNDATED, 6).value = "2024-07-07"


def test_the_corrected_workbook_replaces_the_rows(office: Office, first: int, returned: Path) -> None:
    second = office.hand_in("market_abnormal", edit(returned, correct))
    one = office.delivery(second)
    assert (one["state"], one["supersedes"]) == ("accepted", first)
    assert (one["rows_in"], one["rows_accepted"], one["rows_quarantined"], one["rows_duplicate"]) == (8, 7, 0, 1)
    assert str(one["as_of"]) == "2026-10-31"  # from the sender's own lines, not from our cover
    assert {r["superseded_by"] for r in office.rows(first)} == {second}
    assert not any(REASON_HEADER in r["raw"] for r in office.rows(second))
    assert one["account"]["drift"] == []
    with office.engine.connect() as connection:
        assert open_quarantine(connection, DAY) == []


def test_rows_sorted_deleted_and_added_still_find_their_own(office: Office, first: int, returned: Path) -> None:
    def change(page: Any) -> None:
        correct(page)
        page.delete_rows(FIRST, 2)  # two good rows gone: nothing is taken away by that
        page.insert_rows(FIRST)
        for column, value in enumerate(
            ("9", "云岫县月湖荷塘莲藕专业合作社", code(99), "赵九", NO_REPORT, "2024-07-09"), 1
        ):
            page.cell(FIRST, column).value = value

    second = office.hand_in("market_abnormal", edit(returned, change))
    kept = [r["row"] for r in office.rows(first) if r["superseded_by"] is None]
    assert kept == [FIRST, FIRST + 1]
    assert office.delivery(second)["rows_accepted"] == 7


def test_a_row_that_comes_back_worse_does_not_take_the_good_one_away(
    office: Office, first: int, returned: Path
) -> None:
    def change(page: Any) -> None:
        page.cell(FIRST, 6).value = None

    second = office.hand_in("market_abnormal", edit(returned, change))
    assert office.delivery(second)["rows_quarantined"] == 3
    assert [r["row"] for r in office.rows(first) if r["superseded_by"] is None] == [FIRST]


def test_a_row_emptied_by_the_sender_is_a_blank_row(office: Office, first: int, returned: Path) -> None:
    def change(page: Any) -> None:
        correct(page)
        for column in range(1, len(HEADERS) + 1):
            page.cell(UNDATED, column).value = None

    second = office.hand_in("market_abnormal", edit(returned, change))
    assert office.delivery(second)["rows_in"] == 7
    assert [r["row"] for r in office.rows(first) if r["superseded_by"] is None] == [UNDATED]


def test_a_correction_can_be_returned_and_corrected_again(
    office: Office, first: int, returned: Path, tmp_path: Path
) -> None:
    second = office.hand_in(
        "market_abnormal", edit(returned, lambda page: page.cell(NOBODY, 2, "云岫县青溪蔬菜专业合作社"))
    )
    again = tmp_path / "再退回.xlsx"
    assert send_back(office, second, again).to_correct == 1
    page = load_workbook(again).worksheets[1]
    assert [c.value for c in page[HEADER_ROW]][:-2] == list(HEADERS)
    assert mark_in(page.cell(HEADER_ROW, MARK).value).delivery_id == second  # type: ignore[union-attr]
    assert len(load_workbook(again).worksheets) == 2
    third = office.hand_in("market_abnormal", edit(again, correct))
    assert office.delivery(third)["supersedes"] == second
    with office.engine.connect() as connection:
        assert open_quarantine(connection, DAY) == []


def test_an_unchanged_workbook_sent_back_changes_nothing_for_good(office: Office, first: int, returned: Path) -> None:
    second = office.hand_in("market_abnormal", returned)
    counts = office.delivery(second)
    assert (counts["rows_accepted"], counts["rows_quarantined"]) == (5, 2)
    with office.engine.connect() as connection:
        assert [(q.delivery_id, q.rows) for q in open_quarantine(connection, DAY)] == [(second, 2)]


def test_a_mark_of_another_delivery_is_held_for_a_person(office: Office, first: int, returned: Path) -> None:
    def forge(page: Any) -> None:
        page.cell(HEADER_ROW, MARK).value = f"原行号#{first}-000000000000"

    second = office.hand_in("market_abnormal", edit(returned, forge))
    one = office.delivery(second)
    assert (one["state"], one["supersedes"]) == ("held", None)
    assert "对不上" in one["reason"]
    assert {r["superseded_by"] for r in office.rows(first)} == {None}


def test_workbooks_put_together_are_refused(returned: Path, first: int) -> None:
    reading = read_file(returned)
    other = read_file(edit(returned, lambda page: page.cell(HEADER_ROW, MARK, f"原行号#{first + 1}-000000000000")))
    reading.sheets += other.sheets
    with pytest.raises(FormatError, match="拼合"):
        take_mark(reading)


def test_a_csv_comes_back_as_a_workbook(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "名录.csv"
    lines = [HEADERS, *abnormal_rows()]
    path.write_bytes(
        "\r\n".join(",".join('"' + str(c or "").replace('"', '""') + '"' for c in r) for r in lines).encode("gb18030")
    )
    first = office.hand_in("market_abnormal", path)
    out = tmp_path / "退回.xlsx"
    assert send_back(office, first, out).to_correct == 2
    page = load_workbook(out).worksheets[1]
    assert page.cell(2, 3).value == code(1)

    def change(sheet: Any) -> None:
        sheet.cell(7, 2).value, sheet.cell(8, 6).value = "云岫县青溪绿源蔬菜专业合作社", "2024-07-07"

    second = office.hand_in("market_abnormal", edit(out, change))
    assert office.delivery(second)["supersedes"] == first
    assert {r["superseded_by"] for r in office.rows(first)} == {second}


def test_a_file_that_is_no_return_workbook_is_left_alone(abnormal_list: Path) -> None:
    reading = read_file(abnormal_list)
    before = reading.account()
    assert take_mark(reading) is None
    assert reading.account() == before


def test_a_delivery_without_stored_rows_cannot_be_returned(office: Office, first: int, tmp_path: Path) -> None:
    with office.engine.begin() as connection:
        connection.execute(text("update delivery set state = 'failed' where delivery_id = :id"), {"id": first})
    with pytest.raises(ConflictError, match="没有可退回的行"):
        send_back(office, first, tmp_path / "x.xlsx")
    with office.engine.connect() as connection, pytest.raises(ConfigurationError, match="没有编号为"):
        write_return_workbook(connection, 999_999, tmp_path / "x", tmp_path / "x.xlsx")
    assert not (tmp_path / "x.xlsx").exists()


def test_a_merged_cell_that_hides_what_to_correct_is_taken_apart(office: Office, tmp_path: Path) -> None:
    path = write_list(tmp_path / "m.xlsx", abnormal_rows())
    workbook = load_workbook(path)
    page = workbook.active
    assert page is not None
    page.merge_cells("D4:D6")
    page["F9"].value = None
    page.merge_cells("F9:F10")  # the undated row's cell lies under the empty one above it
    workbook.save(path)
    first = office.hand_in("market_abnormal", path)
    out = tmp_path / "out.xlsx"
    send_back(office, first, out)
    back = load_workbook(out).worksheets[1]
    assert {str(m) for m in back.merged_cells.ranges} == {"A1:G1", "D4:D6"}
    assert (back["D4"].value, back["F10"].fill.start_color.rgb) == ("王1", RED)


def test_sheet_names_are_made_fit_for_a_workbook_and_stay_apart() -> None:
    names = ["", "a/b:c", "x" * 40, "x" * 41, "台账", "台账", COVER_SHEET]
    made = sheet_names(names)
    assert made[:2] == ["数据", "a_b_c"]
    assert len({m.casefold() for m in made}) == len(names)
    assert all(len(m) <= 31 for m in made)
    assert COVER_SHEET not in made


PALE = "FFFFF9DB"
BAD_CODE = code(2)[:-1] + ("0" if code(2)[-1] != "0" else "1")


@pytest.fixture
def warned(office: Office, tmp_path: Path) -> int:
    """The list with a code that does not add up in a good row, and another in the row without its date."""
    rows = abnormal_rows()
    rows[1][2], rows[6][2] = BAD_CODE, code(7)[:-1] + ("0" if code(7)[-1] != "0" else "1")
    return office.hand_in("market_abnormal", write_list(tmp_path / "提醒.xlsx", rows))


def pale(page: Any) -> list[tuple[int, int]]:
    width = len(HEADERS)
    return [(c.row, c.column) for row in page.iter_rows() for c in row[:width] if c.fill.start_color.rgb == PALE]


def test_cells_with_a_warning_are_pale_and_the_reason_says_the_row_was_taken(
    office: Office, warned: int, tmp_path: Path
) -> None:
    out = tmp_path / "退回.xlsx"
    summary = send_back(office, warned, out)
    assert (summary.to_correct, summary.warned) == (2, 1)
    cover, page = load_workbook(out).worksheets
    assert pale(page) == [(FIRST + 1, 3), (UNDATED, 3)]
    told = page.cell(FIRST + 1, REASON)
    assert told.value.startswith("提醒（本行已采用）：") and told.fill.start_color.rgb == PALE
    both = page.cell(UNDATED, REASON).value.split("\n")
    assert both[0] == "1. “列入日期”为空，缺了它这条记录没有意义，请补填。"
    assert both[1].startswith("2. 提醒：") and "已采用" not in both[1]
    words = [str(c.value) for row in cover.iter_rows() for c in row if c.value]
    assert sum(w.startswith("提醒：") for w in words) == 1
    assert any("标浅黄色的单元格只是提醒" in w for w in words)


def test_a_warned_row_that_comes_back_replaces_itself_corrected_or_not(
    office: Office, warned: int, tmp_path: Path
) -> None:
    out = tmp_path / "退回.xlsx"
    send_back(office, warned, out)
    second = office.hand_in("market_abnormal", edit(out, correct))
    assert {r["superseded_by"] for r in office.rows(warned)} == {second}
    again = tmp_path / "再退回.xlsx"
    assert send_back(office, second, again).warned == 2  # nobody touched the codes

    def mend(page: Any) -> None:
        page.cell(FIRST + 1, 3).value, page.cell(UNDATED, 3).value = code(2), code(7)

    third = office.hand_in("market_abnormal", edit(again, mend))
    one = office.delivery(third)
    assert (one["supersedes"], one["rows_quarantined"], one["account"]["warned"]) == (second, 0, [])
    assert {r["superseded_by"] for r in office.rows(second)} == {third}
    assert send_back(office, second, tmp_path / "x.xlsx").warned == 0  # replaced rows need nobody's look


def test_rows_of_a_held_delivery_are_not_said_to_be_accepted(office: Office, warned: int, tmp_path: Path) -> None:
    with office.engine.begin() as connection:
        connection.execute(text("update delivery set state = 'held' where delivery_id = :id"), {"id": warned})
    out = tmp_path / "退回.xlsx"
    send_back(office, warned, out)
    told = load_workbook(out).worksheets[1].cell(FIRST + 1, REASON).value
    assert told.startswith("提醒：") and "已采用" not in told


@pytest.mark.office
@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods"])
def test_saved_by_another_office_suite_it_is_still_known(
    office: Office, first: int, returned: Path, tmp_path: Path, ending: str
) -> None:
    changed = edit(returned, correct)
    soffice = shutil.which("soffice")
    assert soffice is not None
    subprocess.run(
        [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", ending,
         "--outdir", str(tmp_path / "saved"), str(changed)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    second = office.hand_in("market_abnormal", tmp_path / "saved" / f"{changed.stem}.{ending}")
    one = office.delivery(second)
    assert (one["state"], one["supersedes"], one["rows_accepted"]) == ("accepted", first, 7)
    assert {r["superseded_by"] for r in office.rows(first)} == {second}
