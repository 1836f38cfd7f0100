"""Tables in traditional characters: headers, units, totals and choices are known, and what was written stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.cli.inspect import inspect
from hub.feeds import feed_catalogue, get_feed
from hub.feeds.model import Kind
from hub.intake.cells import normalise_cells
from hub.intake.cells_dates import FOR_EVER, parse_date
from hub.intake.cells_numbers import parse_boolean, parse_money
from hub.intake.columns import header_changes, match_columns
from hub.intake.normalise import normalise_reading
from hub.intake.reader import read_file
from hub.intake.reader.headers import header_unit
from hub.intake.reader.model import Column
from hub.intake.receipt import make_receipt, receipt_as_html, receipt_as_text
from hub.simplified import in_both_scripts
from tests.intake.office import Office, abnormal_rows, code
from tests.intake.reader import builders
from tests.intake.reader.builders import Sheet, account_of

SUPPORT = [
    ["雲岫縣農民合作社扶持資金發放表", None, None, None, None],
    ["填報單位：雲岫縣財政局", None, None, "單位：萬元", None],
    ["序號", "合作社名稱", "統一社會信用代碼", "補助金額", "年度"],
    ["1", "白石茶葉專業合作社", code(1), "3.5", "2025年"],
    ["2", "龍潭水稻專業合作社", code(2), "2", "2025年"],
    ["小計", None, None, "5.5", None],
    ["3", "竹口蔬菜專業合作社", code(3), "20000元", "2025年"],
    ["合 計", None, None, "7.5", None],
    ["填表人：陳寶華", None, None, "審核人：", None],
]


@pytest.mark.parametrize("rows", [0, 40_000], ids=["small", "large"])
@pytest.mark.parametrize("encoding", ["cp950", "gb18030", "utf-8"])
def test_titles_units_totals_and_footers_are_told_from_data(tmp_path: Path, encoding: str, rows: int) -> None:
    path = tmp_path / "扶持資金.csv"
    more = [[str(n), "白石茶葉專業合作社", code(1), "1", "2025年"] for n in range(4, 4 + rows)]
    path.write_bytes(builders.csv_file(Sheet([*SUPPORT[:7], *more, *SUPPORT[7:]]), encoding))
    feed = get_feed("fiscal_support")
    reading = read_file(path, feed=feed)
    assert account_of(reading) == "tthddTd" + "d" * rows + "Tn"
    assert not match_columns(reading.sheets[0].columns, feed).unknown
    staged = normalise_reading(reading, feed)
    assert staged.rows["amount"].to_pylist()[:3] == [35_000.0, 20_000.0, 20_000.0]
    assert staged.rows["name"].to_pylist()[0] == "白石茶葉專業合作社"


def test_every_header_the_feeds_know_is_known_in_traditional_characters() -> None:
    import opencc

    traditional = opencc.OpenCC("s2t").convert
    assert traditional("统一社会信用代码 负责人 联系电话 乡镇") == "統一社會信用代碼 負責人 聯繫電話 鄉鎮"
    for feed in feed_catalogue().values():
        for term in (t for f in feed.fields for t in (f.title.zh, *f.synonyms)):
            written = traditional(term)
            (plain,) = match_columns([Column(term, levels=(term,))], feed).columns
            (column,) = match_columns([Column(written, levels=(written,))], feed).columns
            assert column.field == plain.field, (feed.feed, written)


def test_a_sender_who_changes_the_script_changes_no_column() -> None:
    assert header_changes(["负责人", "联系电话"], ["負責人", "聯繫電話"]) == []


def test_units_dates_and_words_of_cells_are_read() -> None:
    assert (header_unit("補助金額（萬元）"), header_unit("面積（畝）")) == ("万元", "亩")
    assert parse_money("3.5萬元", 1.0) == (35_000.0, None)
    assert (parse_date("2026年11月1日")[0], parse_date("長期")[0]) == ("2026-11-01", FOR_EVER)
    assert [parse_boolean(x)[0] for x in ("無", "沒有", "已建賬", "規範")] == [False, False, True, True]


def test_a_township_is_one_place_in_either_script() -> None:
    import pyarrow as pa

    feed = get_feed("registry")
    (town,) = [f for f in feed.fields if f.kind is Kind.TOWN]
    values, notes = normalise_cells(pa.array(["鳳灣鄉", "凤湾乡", "鳳 灣 鄉", "", None]), town)
    assert (values.to_pylist(), notes) == (["凤湾乡", "凤湾乡", "凤湾乡", None, None], None)


def test_patterns_take_both_scripts() -> None:
    assert in_both_scripts(r"总\s*计") == r"[总總]\s*[计計]"


def test_a_whole_delivery_in_big5_is_accepted_and_tells_how_it_was_read(office: Office, tmp_path: Path) -> None:
    header = ["序號", "企業名稱", "統一社會信用代碼", "法定代表人", "列入原因", "列入日期", "移出日期"]
    rows = [
        [*r[:1], f"雲岫縣白石第{r[0]}茶葉專業合作社", *r[2:4], "未按規定報送年度報告", *r[5:]]
        for r in abnormal_rows()[:5]
    ]
    path = tmp_path / "經營異常名錄.csv"
    path.write_bytes(builders.csv_file(Sheet([header, *rows, ["合計", "5家", None, None, None, None, None]]), "cp950"))
    delivery_id = office.hand_in("market_abnormal", path)
    one = office.delivery(delivery_id)
    assert (one["state"], one["rows_in"], one["rows_accepted"]) == ("accepted", 5, 5)
    fields = office.rows(delivery_id)[0]["fields"]
    assert (fields["name"], fields["listed_on"]) == ("雲岫縣白石第1茶葉專業合作社", "2024-07-01")
    with office.engine.connect() as connection:
        receipt = make_receipt(connection, delivery_id)
    (said,) = receipt.remarks
    assert "都读得通" in said and "已按繁体中文（Big5）读取" in said
    assert said in receipt_as_text(receipt) and said in receipt_as_html(receipt)
    assert said in CliRunner().invoke(inspect, [str(path)]).output
