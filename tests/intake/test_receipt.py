"""The receipt tells the sender what was taken, what was not, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.errors import ConfigurationError
from hub.intake.receipt import Receipt, make_receipt, receipt_as_html, receipt_as_text, write_receipt
from tests.intake.office import Office


def receipt_of(office: Office, delivery_id: int) -> Receipt:
    with office.engine.connect() as connection:
        return make_receipt(connection, delivery_id, department_name="市场监督管理局")


def test_every_row_is_accounted_for(office: Office, abnormal_list: Path) -> None:
    receipt = receipt_of(office, office.hand_in("market_abnormal", abnormal_list))
    assert (receipt.rows_in, receipt.accepted, receipt.quarantined, receipt.duplicate, receipt.out_of_scope) == (
        8,
        5,
        2,
        1,
        0,
    )
    assert receipt.balanced
    assert [(s.name, s.data_rows, s.others) for s in receipt.sheets] == [
        ("异常名录", 8, {"title": 2, "header": 1, "note": 1})
    ]
    assert {(r.message[:4], r.rows, r.first) for r in receipt.reasons} == {
        ("没有名称", 1, (("异常名录", 9),)),
        ("“列入日", 1, (("异常名录", 10),)),
    }
    assert "退回工作簿" in receipt.next_step


def test_a_page_of_text_says_it_in_words(office: Office, abnormal_list: Path) -> None:
    words = receipt_as_text(receipt_of(office, office.hand_in("market_abnormal", abnormal_list)))
    assert "收到 8　采用 5　退回 2　重复 1　不属于农民专业合作社 0" in words
    assert "收到 = 采用 + 退回 + 重复 + 不属于，相符" in words
    assert "“异常名录”第 9 行" in words
    assert "报送单位：市场监督管理局" in words
    assert "王1" not in words  # no personal data


def test_the_page_for_a_browser_needs_nothing_from_outside_and_escapes_what_came_in(
    office: Office, abnormal_list: Path
) -> None:
    delivery_id = office.hand_in("market_abnormal", abnormal_list, name="<script>alert(1)</script>.xlsx")
    page = receipt_as_html(receipt_of(office, delivery_id))
    assert "<script" not in page
    assert "http" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("ending", [".txt", ".html", ".json"])
def test_it_is_written_as_its_ending_says(office: Office, abnormal_list: Path, tmp_path: Path, ending: str) -> None:
    receipt = receipt_of(office, office.hand_in("market_abnormal", abnormal_list))
    out = tmp_path / "new" / f"回执{ending}"
    write_receipt(receipt, out)
    words = out.read_text(encoding="utf-8")
    starts = {".txt": "来件回执", ".html": "<!doctype html>", ".json": "{"}
    assert words.startswith(starts[ending])
    if ending == ".json":
        plain = json.loads(words)
        assert plain["balanced"] is True
        assert plain["rows_in"] == plain["accepted"] + plain["quarantined"] + plain["duplicate"] + plain["out_of_scope"]


@pytest.mark.parametrize(
    ("state", "says"),
    [("failed", "重新报送整份文件"), ("rejected", "没有采用"), ("held", "确认后才采用")],
)
def test_the_next_step_follows_the_state(office: Office, abnormal_list: Path, state: str, says: str) -> None:
    delivery_id = office.hand_in("market_abnormal", abnormal_list)
    with office.engine.begin() as connection:
        connection.execute(
            text("update delivery set state = :state, reason = '说明' where delivery_id = :id"),
            {"state": state, "id": delivery_id},
        )
    receipt = receipt_of(office, delivery_id)
    assert says in receipt.next_step
    assert "原因：说明" in receipt_as_text(receipt)


def test_an_unknown_number_is_said_to_be_unknown(office: Office) -> None:
    with pytest.raises(ConfigurationError, match="没有编号为 7 的来件"):
        receipt_of(office, 7)
