"""Lists that come below a letter, as ministries publish them: the letter is told apart, no entry is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.intake.reader import Reading, read_file
from tests.intake.reader.builders import account_of

PROSE = "为贯彻落实党中央决策部署，推进农民合作社规范提升，经各地推荐、专家评审并公示，决定公布下列名单。"
LETTER = [
    "关于公布示范社名单的通知",
    "各县（市、区）农业农村局：",
    PROSE,
    "附件：1．省级示范社名单",
    "2．市级示范社名单",
    "云江市农业农村局",
    "2026年10月31日",
]


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Reading]:
    def read(*lines: str, above: str = "") -> Reading:
        path = tmp_path / "通知.html"
        body = "".join(f"<p>{line}</p>" for line in lines)
        path.write_text(f"<html><head><meta charset=utf-8></head><body>{above}<div>{body}</div></body></html>", "utf-8")
        return read_file(path)

    return read


def test_the_letter_is_title_and_note_and_only_the_entries_are_data(page: Callable[..., Reading]) -> None:
    reading = page(
        *LETTER,
        "附件1",
        "省级示范社名单",
        "1．甲专业合作社",
        "2．乙专业合作社",
        "附件2",
        "市级示范社名单",
        "1．丙专业合作社",
    )
    assert account_of(reading) == "ttntttnttddttd"


def test_a_title_that_breaks_over_two_lines_is_no_entry(page: Callable[..., Reading]) -> None:
    reading = page(*LETTER, "附件", "云江市农民专业合作社", "省级示范社名单", "甲专业合作社", "乙专业合作社")
    assert account_of(reading) == "ttntttntttdd"


def test_headings_between_entries_are_titles(page: Callable[..., Reading]) -> None:
    lines = ["一、种植类（2个）：", "甲专业合作社", "乙专业合作社", "二、养殖类（3个）：", "丙社", "丁社", "戊社"]
    assert account_of(page(*lines)) == "tddtddd"


def test_towns_with_their_entries_in_one_line_stay_whole(page: Callable[..., Reading]) -> None:
    lines = [
        f"{town}：{'、'.join(f'{brand}农民专业合作社' for brand in '甲乙丙丁戊己庚辛壬癸')}"
        for town in ("东河镇", "西山乡", "南岭镇", "北关街道", "中和乡")
    ]
    assert account_of(page(*lines)) == "ddddd"


def test_a_letter_without_a_list_is_no_table(page: Callable[..., Reading]) -> None:
    assert "没有表格" in (page(*LETTER).refusal or "")


def test_menus_are_never_taken_for_the_list(page: Callable[..., Reading]) -> None:
    menu = "<ol>\n" + "\t\t\n".join(f"<li><a href='#'>第{n}司</a></li>" for n in range(40)) + "</ol>"
    entries = [f"{name}农民专业合作社" for name in "甲乙丙丁戊己"]
    reading = page(*entries, above=menu)
    assert account_of(reading) == "dddddd"


def test_a_column_name_in_latin_letters_heads_a_list(tmp_path: Path) -> None:
    path = tmp_path / "名单.txt"
    path.write_text("com_name\n甲专业合作社\n乙专业合作社\n丙专业合作社\n", "utf-8")
    assert account_of(read_file(path)) == "hddd"
