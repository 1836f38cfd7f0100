"""Cells as offices write them, and the one form each becomes."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.feeds import FeedField, Kind, get_feed
from hub.intake.cells import normalise_cells
from hub.intake.cells_dates import parse_date
from hub.intake.cells_text import EMPTY_WORDS, normal_text, squeezed, visible


def field(kind: Kind, **more: Any) -> FeedField:
    return FeedField.model_validate({"name": "x", "title": {"zh": "某列", "en": "x"}, "kind": kind, **more})


def one(text: str | None, kind: Kind, says: str | None = None, **more: Any) -> tuple[Any, str | None]:
    """(normal form, code of the note) of one cell."""
    values, notes = normalise_cells(pa.array([text], pa.string()), field(kind, **more), says)
    note = notes[0].as_py() if notes is not None else None
    return values[0].as_py(), json.loads(note)["code"] if note else None


DATES = {
    "2023-06-30": "2023-06-30",
    "2023/6/30": "2023-06-30",
    "2023.6.30": "2023-06-30",
    "20230630": "2023-06-30",
    "2023年6月30日": "2023-06-30",
    "2023 年 6 月 30 日": "2023-06-30",
    "２０２３年６月３０日": "2023-06-30",
    "2023年06月30号": "2023-06-30",
    "二〇二三年六月三十日": "2023-06-30",
    "二零二三年十二月二十一日": "2023-12-21",
    "二○二三年十月十日": "2023-10-10",
    "2023-06-30 00:00:00": "2023-06-30",
    "2023-06-30T08:30:00.000Z": "2023-06-30",
    "2023/6/30 8:30": "2023-06-30",
    "20230630083000": "2023-06-30",
    "'2023-06-30": "2023-06-30",
    "2023-06-30\u200b": "2023-06-30",
    "30-Jun-2023": "2023-06-30",
    "Jun 30, 2023": "2023-06-30",
    "2024-02-29": "2024-02-29",
    "长期": "9999-12-31",
    "至今": "9999-12-31",
    "长期有效": "9999-12-31",
    "9999-12-31": "9999-12-31",
}


@pytest.mark.parametrize("text", DATES)
def test_a_date_in_any_form_is_one_date(text: str) -> None:
    assert one(text, Kind.DATE) == (DATES[text], None)


NOTED_DATES = {
    "2023年6月": ("2023-06-01", "month_precision"),
    "2023-06": ("2023-06-01", "month_precision"),
    "2023.6": ("2023-06-01", "month_precision"),
    "202306": ("2023-06-01", "month_precision"),
    "二〇二三年六月": ("2023-06-01", "month_precision"),
    "2023年": ("2023-01-01", "year_precision"),
    "2023": ("2023-01-01", "year_precision"),
    "45107": ("2023-06-30", "date_serial"),
    "23.6.30": ("2023-06-30", "two_digit_year"),
    "06/30/2023": ("2023-06-30", "date_order"),
    "30/6/2023": ("2023-06-30", "date_order"),
    "2023年6月30日（补录）": ("2023-06-30", None),
    "2023年6月30日移出": ("2023-06-30", "date_with_text"),
    "2023-02-30": (None, "bad_date"),
    "2023-13-01": (None, "bad_date"),
    "20231345": (None, "bad_date"),
    "去年": (None, "bad_date"),
    "93330000000000000X": (None, "bad_date"),
}


@pytest.mark.parametrize("text", NOTED_DATES)
def test_a_date_that_is_not_exact_says_so(text: str) -> None:
    assert one(text, Kind.DATE) == NOTED_DATES[text]


@given(st.dates(min_value=__import__("datetime").date(1900, 1, 1)))
def test_every_day_is_understood_however_it_is_written(day: Any) -> None:
    forms = (
        f"{day:%Y-%m-%d}",
        f"{day:%Y%m%d}",
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
    )
    if day.year < 9999:
        assert {parse_date(f) for f in forms} == {(day.isoformat(), None)}


NUMBERS = {
    "12": (12.0, None),
    "1,234.5": (1234.5, None),
    "１２．５": (12.5, None),
    "1 234 567": (1234567.0, None),
    "-3.5": (-3.5, None),
    "(3.5)": (-3.5, None),
    "12%": (12.0, None),
    "1.2E3": (1200.0, None),
    "30亩": (30.0, "number_with_unit"),
    "3.5万亩": (35000.0, "number_with_unit"),
    "约30": (30.0, None),
    "3-5": (None, "bad_number"),
    "很多": (None, "bad_number"),
}


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_with_separators_and_units(text: str) -> None:
    assert one(text, Kind.NUMBER) == NUMBERS[text]


MONEY = [
    ("30", "万元", 300000.0),
    ("30", "元", 30.0),
    ("30", None, 300000.0),
    ("3.5", "家、万元", 35000.0),
    ("30元", "万元", 30.0),
    ("30万元", "元", 300000.0),
    ("30万", "元", 300000.0),
    ("1.2亿元", None, 120000000.0),
    ("¥1,200", "元", 1200.0),
    ("1200元整", None, 1200.0),
    ("0.1", "万元", 1000.0),
]


@pytest.mark.parametrize(("text", "unit", "yuan"), MONEY)
def test_money_is_yuan_whatever_unit_it_is_written_in(text: str, unit: str | None, yuan: float) -> None:
    assert one(text, Kind.MONEY, unit, unit="万元") == (yuan, None)


CODES = {
    "93330000000000000X": ("93330000000000000X", None),
    " 93330000000000000x ": ("93330000000000000X", None),
    "9333 0000 0000 0000 0X": ("93330000000000000X", None),
    "'93330000000000000X": ("93330000000000000X", None),
    "９３３３０００００００００００００Ｘ": ("93330000000000000X", None),
    "93330000000000000X\u200b": ("93330000000000000X", None),
    "9.33300000000000E+17": ("9.33300000000000E+17", "damaged_code"),
    "9.33311E+17": ("9.33311E+17", "damaged_code"),
    "330000000000001.0": ("330000000000001", None),
    "93330000000000000X/330000000000001": ("93330000000000000X", "several_codes"),
    "无": (None, None),
    "-": (None, None),
}


@pytest.mark.parametrize("text", CODES)
def test_codes_are_cleaned_and_damaged_ones_told(text: str) -> None:
    assert one(text, Kind.CODE) == CODES[text]


PHONES = {
    "13000000000": ("13000000000", None),
    "130 0000 0000": ("13000000000", None),
    "130-0000-0000": ("13000000000", None),
    "+86 13000000000": ("13000000000", None),
    "13000000000.0": ("13000000000", None),
    "0579-88888888": ("057988888888", None),
    "(0579)88888888": ("057988888888", None),
    "0579-88888888-803": ("057988888888-803", None),
    "057988888888转803": ("057988888888-803", None),
    "88888888": ("88888888", None),
    "13000000000/0579-88888888": ("13000000000", "several_phones"),
    "13000000000、13000000001": ("13000000000", "several_phones"),
    "1.3E+10": (None, "bad_phone"),
    "未提供": (None, None),
    "见备注": (None, "bad_phone"),
}


@pytest.mark.parametrize("text", PHONES)
def test_phones_are_digits_with_their_extension(text: str) -> None:
    assert one(text, Kind.PHONE) == PHONES[text]


YEARS = {
    "2021": (2021, None),
    "2021年": (2021, None),
    "2021年度": (2021, None),
    "2021.0": (2021, None),
    "二〇二一年": (2021, None),
    "2021-06-30": (2021, None),
    "2020-2021年": (2020, "several_years"),
    "去年": (None, "bad_year"),
}


@pytest.mark.parametrize("text", YEARS)
def test_years(text: str) -> None:
    assert one(text, Kind.YEAR) == YEARS[text]


YES_NO = {
    "是": True,
    "有": True,
    "√": True,
    "已建立": True,
    "健全": True,
    "否": False,
    "无": False,
    "×": False,
    "未建立": False,
    "不健全": False,
    "/": False,
    "": None,
}


@pytest.mark.parametrize("text", YES_NO)
def test_yes_and_no_have_many_words(text: str) -> None:
    assert one(text, Kind.BOOLEAN) == (YES_NO[text], None)


def test_a_word_that_is_neither_yes_nor_no_is_unknown_and_says_so() -> None:
    assert one("待核实", Kind.BOOLEAN) == (None, "bad_boolean")


@pytest.mark.parametrize("text", [w for w in EMPTY_WORDS if w not in {"无"}])
@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.PERSON, Kind.CODE, Kind.DATE, Kind.NUMBER, Kind.COOPERATIVE_NAME])
def test_words_for_nothing_are_nothing(text: str, kind: Kind) -> None:
    assert one(f" {text} ", kind) == (None, None)


def test_names_keep_their_writing_but_not_their_line_breaks() -> None:
    assert (
        one(" 清禾县兴旺果蔬\n专业合作社（已注销）\u200b", Kind.COOPERATIVE_NAME)[0]
        == "清禾县兴旺果蔬专业合作社（已注销）"
    )
    assert one("清禾县瑞 红苗木专业合作社", Kind.COOPERATIVE_NAME)[0] == "清禾县瑞 红苗木专业合作社"


@pytest.mark.parametrize("text", ["23:59:59", "000", "93331098", "-12.5%", "２０２３", "…！", "🙂"])
def test_what_holds_no_letter_is_nobodys_name(text: str) -> None:
    assert one(text, Kind.COOPERATIVE_NAME) == (None, "not_a_name")


@pytest.mark.parametrize("text", ["清禾合作社", "A1", "３６５合作社", "ئالما كوپىراتىپى", "𠮷田"])
def test_a_name_in_any_script_stays_one(text: str) -> None:
    assert one(text, Kind.COOPERATIVE_NAME) == (text, None)


def test_persons_lose_the_blanks_inside_chinese_names_only() -> None:
    assert one("王　 芳", Kind.PERSON)[0] == "王芳"
    assert one("Anna  Maria", Kind.PERSON)[0] == "Anna  Maria"
    assert one("阿依古丽·买买提", Kind.PERSON)[0] == "阿依古丽·买买提"


def test_choices_are_found_by_their_words_and_unknown_ones_kept() -> None:
    status = get_feed("tax_registration").by_name["status"]

    def chosen(text: str) -> Any:
        values, notes = normalise_cells(pa.array([text]), status)
        return values[0].as_py(), notes[0].as_py() if notes is not None else None

    assert chosen("03正常") == ("03", None)
    assert chosen("非正常户") == ("05", None)
    assert chosen("非正常户注销") == ("08", None)
    value, note = chosen("待定")
    assert value == "待定"
    assert json.loads(note)["code"] == "unknown_choice"


TEXTS = st.text(st.sampled_from("甲乙(（） \u3000\n\t\u200b\ufeffＡa1'…—/无\x01\x0b\x0c\x7f\x85\ufffe"), max_size=12)


def test_what_no_document_can_carry_is_no_part_of_a_value() -> None:
    texts = pa.array(["白石\x0b茶叶", "\x01白石\x7f茶叶\ufffe", "\x0c\x0b\x85\uffff"])
    assert normal_text(texts).to_pylist() == ["白石 茶叶", "白石茶叶", None]
    assert squeezed(texts).to_pylist() == ["白石茶叶", "白石茶叶", None]


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=30))
def test_cleaning_a_column_is_cleaning_its_cells_and_doing_it_twice_changes_nothing(cells: list[str | None]) -> None:
    column = pa.array(cells, pa.string())
    for clean in (visible, normal_text, squeezed):
        once = clean(column)
        assert once.to_pylist() == [clean(pa.array([c], pa.string()))[0].as_py() for c in cells]
        assert clean(once).to_pylist() == once.to_pylist()


@given(st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=10), st.sampled_from(list(Kind)))
def test_a_long_column_is_normalised_as_a_short_one(cells: list[str | None], kind: Kind) -> None:
    short, short_notes = normalise_cells(pa.array(cells, pa.string()), field(kind))
    times = 20_000 // len(cells) + 1
    long, long_notes = normalise_cells(pa.array(cells * times, pa.string()), field(kind))
    assert long.slice(0, len(cells)).to_pylist() == short.to_pylist()
    head = long_notes.slice(0, len(cells)).to_pylist() if long_notes is not None else [None] * len(cells)
    assert head == (short_notes.to_pylist() if short_notes is not None else [None] * len(cells))


HUGE = (
    "1" * 5000,
    "9" * 19,
    "-" + "9" * 30,
    "1E999999",
    "-1e999999",
    "1e308亿",
    "9e307万元",
    "1e15",
    "２" * 400,
    "1" * 5000 + "年1月1日",
)


@given(
    st.one_of(st.sampled_from(HUGE), st.text("0123456789０９.-+eE,，万亿元%年月日号 ()（）", max_size=40)),
    st.sampled_from(list(Kind)),
)
def test_whatever_looks_like_a_number_is_one_of_sensible_size_or_noted(cell: str, kind: Kind) -> None:
    values, notes = normalise_cells(pa.array([cell]), field(kind))
    value = values[0].as_py()
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert abs(value) < 1e15
    if cell in HUGE and kind in {Kind.INTEGER, Kind.NUMBER, Kind.MONEY}:
        assert value is None
        assert notes is not None and "bad_number" in notes[0].as_py()
