"""Rows that repeat an earlier row of the same delivery."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations import duplicate_positions
from hub.feeds import get_feed
from tests.expectations.cases import frame_of, good_row

FEED = get_feed("supply_marketing")


def positions(rows: list[dict[str, Any]]) -> list[int]:
    return duplicate_positions(FEED, frame_of(FEED, rows)).tolist()


def test_the_first_of_equal_rows_stays() -> None:
    row = good_row(FEED)
    assert positions([row, row | {"name": "另一家"}, row, row]) == [2, 3]


def test_the_running_number_does_not_make_a_difference() -> None:
    assert positions([good_row(FEED) | {"serial": "1"}, good_row(FEED) | {"serial": "2"}]) == [1]


@pytest.mark.parametrize("field", ["phone", "remark", "stake"])
def test_any_other_difference_does(field: str) -> None:
    assert positions([good_row(FEED), good_row(FEED) | {field: None}]) == []


def test_rows_that_say_nothing_are_no_duplicates() -> None:
    nothing = dict.fromkeys(good_row(FEED)) | {"notes": "[]"}
    assert positions([nothing, nothing]) == []


@given(st.lists(st.sampled_from(["甲", "乙", "丙", None]), max_size=30))
def test_every_duplicate_has_an_equal_earlier_row_and_no_other_row_has(names: list[str | None]) -> None:
    found = set(positions([good_row(FEED) | {"name": n} for n in names]))
    assert found == {i for i, n in enumerate(names) if n in names[:i]}
