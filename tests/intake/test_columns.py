"""Headers: which column is which field, the closest guess, and what a feed looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.feeds import feed_catalogue, get_feed
from hub.intake.columns import closest_header, guess_feed, header_changes, match_columns
from hub.intake.reader import read_file
from hub.intake.reader.headers import header_key, header_unit
from hub.intake.reader.model import Column
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet


def fields(feed: str, *headers: str, **options: object) -> list[str | None]:
    columns = [Column(h, levels=tuple(h.split("/")) if "//" not in h else (h.replace("//", "/"),)) for h in headers]
    return [c.field for c in match_columns(columns, get_feed(feed), **options).columns]  # type: ignore[arg-type]


VARIANTS = [
    "统一社会信用代码",
    "统一社会信用代码 ",
    "统一社会\n信用代码",
    "统 一 社 会 信 用 代 码",
    "统一社会信用代码（必填）",
    "*统一社会信用代码",
    "统一社会信用代码：",
    "3、统一社会信用代码",
    "【统一社会信用代码】",
    "统一社会信用代码\u200b",
]


@pytest.mark.parametrize("header", VARIANTS)
def test_a_header_is_known_however_it_is_decorated(header: str) -> None:
    assert fields("market_abnormal", "名称", header) == ["name", "code"]


def test_every_title_and_synonym_of_every_feed_is_known_to_it() -> None:
    for feed in feed_catalogue().values():
        for declared in feed.fields:
            for term in (declared.title.zh, *declared.synonyms):
                (column,) = match_columns([Column(term, levels=(term,))], feed).columns
                assert column.field is not None, (feed.feed, term)


def test_brackets_that_tell_two_columns_apart_are_read() -> None:
    headers = ("作出决定机关(列入)", "作出决定机关（移出）")
    assert fields("market_abnormal", *headers) == ["listed_by", "removed_by"]


def test_levels_of_a_header_are_read_together_and_apart() -> None:
    assert fields("market_abnormal", "企业名称", "列入/日期", "列入/原因", "移出/日期", "移出/原因") == [
        "name",
        "listed_on",
        "reason",
        "removed_on",
        "removal_reason",
    ]
    assert fields("standardisation", "合作社名称", "三会一章/理事会", "三会一章/章程") == [
        "name",
        "council",
        "articles",
    ]


def test_a_field_goes_to_its_best_header_only() -> None:
    assert fields("market_abnormal", "名称", "企业名称") == [None, "name"]


def test_a_unit_in_brackets_does_not_hide_a_header() -> None:
    assert fields("fiscal_support", "实施单位", "补助金额（万元）") == ["name", "amount"]
    assert [
        header_unit(h) for h in ("补助金额（万元）", "面积(亩)", "资金，单位：元", "名称", "作出决定机关(列入)")
    ] == [
        "万元",
        "亩",
        "元",
        None,
        None,
    ]


def test_a_confirmed_mapping_comes_first_and_may_say_of_no_interest() -> None:
    assert fields("market_abnormal", "社名", "名称", "备用") == [None, "name", None]
    mapping = {header_key("社名"): "name", header_key("名称"): None}
    assert fields("market_abnormal", "社名", "名称", mapping=mapping) == ["name", None]
    assert match_columns([Column("名称")], get_feed("market_abnormal"), {"名称": None}).unknown == ()


def test_an_unknown_header_keeps_the_closest_guess() -> None:
    columns = [Column("合作社名字"), Column("完全不相干的一列"), Column("列入的原因")]
    match = match_columns(columns, get_feed("market_abnormal"))
    assert [c.field for c in match.columns] == [None, None, None]
    assert [c.guess for c in match.columns] == ["name", None, "reason"]
    assert "name" in match.missing
    assert closest_header("name", match.columns, get_feed("market_abnormal")) == "合作社名字"


@pytest.mark.parametrize("name", sorted(feed_catalogue()))
def test_a_feeds_own_titles_lead_to_that_feed(name: str) -> None:
    feed = get_feed(name)
    columns = [Column(f.title.zh, levels=(f.title.zh,)) for f in feed.fields]
    guessed = guess_feed(columns, feed_catalogue().values())
    assert guessed is not None
    assert guessed.feed == name


@pytest.mark.parametrize(
    "headers", [("地区", "户数", "产值"), ("序号", "名称"), ("year", "index", "com_name"), ("第1列",), ()]
)
def test_a_table_of_something_else_leads_to_no_feed(headers: tuple[str, ...]) -> None:
    assert guess_feed([Column(h, levels=(h,)) for h in headers], feed_catalogue().values()) is None


def test_what_changed_since_the_last_delivery_is_told() -> None:
    assert header_changes(["序号", "名称", "电话"], ["序 号", "名称", "邮箱"]) == ["少了“电话”列。", "多了“邮箱”列。"]


def test_columns_know_their_place_on_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(
        builders.xlsx(Sheet([[None, "名称", None, "电话"], [None, "甲", None, "1"], [None, "乙", None, "2"]]))
    )
    (sheet,) = read_file(path).sheets
    assert [(c.header, c.place) for c in sheet.columns] == [("名称", 1), ("电话", 3)]
