"""Progress by a cursor: whatever order rows come in, each is delivered exactly once, and none is ever lost."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import cursor
from connectors.cursor import Progress, before, decode, encode

Row = tuple[Any, str]


def night(
    table: list[Row], state: dict[str, Any], overlap: float = 0, latest: Any = None, batch: int = 3
) -> tuple[list[Row], dict[str, Any]]:
    """What one query over `table` delivers, and the state after it."""
    progress = Progress(
        json.loads(json.dumps(state)),
        at=0,
        overlap=overlap,
        texts=lambda row: (None if v is None else str(v) for v in row),
        latest=latest,
    )
    low = progress.low
    nulls = [r for r in table if r[0] is None]
    window = sorted((r for r in table if r[0] is not None and (low is None or r[0] >= low)), key=lambda r: r[0])
    got = list(progress.fresh_nulls(nulls))
    for start in range(0, len(window), batch):
        got += progress.fresh(window[start : start + batch])
    return got, progress.state()


VALUES = st.one_of(st.none(), st.integers(0, 6))
ROWS = st.lists(st.tuples(VALUES, st.sampled_from("abc")), max_size=12)


@given(nights=st.lists(ROWS, min_size=1, max_size=5), batch=st.integers(1, 5))
def test_rows_at_or_after_the_cursor_are_each_delivered_once(nights: list[list[Row]], batch: int) -> None:
    """New rows of each night have cursor values no smaller than those before: equal ones and rows without one abound."""
    table: list[Row] = []
    delivered: list[Row] = []
    state: dict[str, Any] = {}
    for n, rows in enumerate(nights):
        table += [(None if v is None else v + 6 * n, text) for v, text in rows]
        got, state = night(table, state, batch=batch)
        delivered += got
    assert Counter(delivered) == Counter(table)


@given(nights=st.lists(ROWS, min_size=1, max_size=5), batch=st.integers(1, 5))
def test_rows_committed_late_are_delivered_once_within_the_overlap(nights: list[list[Row]], batch: int) -> None:
    table: list[Row] = []
    delivered: list[Row] = []
    state: dict[str, Any] = {}
    for rows in nights:
        table += rows
        got, state = night(table, state, overlap=6, batch=batch)
        delivered += got
    assert Counter(delivered) == Counter(table)


@given(nights=st.lists(ROWS, min_size=1, max_size=4))
def test_more_rows_than_can_be_remembered_come_again_rather_than_never(nights: list[list[Row]]) -> None:
    limit, cursor.SEEN_LIMIT = cursor.SEEN_LIMIT, 3
    try:
        table: list[Row] = []
        delivered: set[Row] = set()
        state: dict[str, Any] = {}
        for n, rows in enumerate(nights):
            table += [(None if v is None else v + 6 * n, text) for v, text in rows]
            got, state = night(table, state, batch=2)
            delivered |= set(got)
        assert delivered == set(table)
        assert sum(state.get("seen", {}).values()) <= 6
    finally:
        cursor.SEEN_LIMIT = limit


def test_a_row_from_the_future_does_not_hide_those_that_follow() -> None:
    future = dt.datetime(2099, 1, 1)
    today = dt.datetime(2026, 3, 1, 9)
    latest = today + dt.timedelta(days=1)
    table: list[Row] = [(today, "a"), (future, "typing slip")]
    got, state = night(table, {}, latest=latest)
    assert len(got) == 2
    assert decode(state["last"]) == today
    table.append((today + dt.timedelta(hours=1), "b"))
    got, state = night(table, state, latest=latest)
    assert [text for _, text in got] == ["b"]
    got, _ = night(table, state, latest=latest)
    assert got == []


@pytest.mark.parametrize(
    "value",
    [
        3,
        2.5,
        "20260301",
        Decimal("1.10"),
        dt.date(2026, 3, 1),
        dt.datetime(2026, 3, 1, 2, 3, 4, 5),
        dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
    ],
)
def test_a_cursor_value_survives_json(value: Any) -> None:
    back = decode(json.loads(json.dumps(encode(value))))
    assert (back, type(back)) == (value, type(value))


def test_an_overlap_reaches_back_in_the_cursors_own_unit() -> None:
    assert before(10, 3) == 7
    assert before(Decimal(10), 0.5) == Decimal("9.5")
    assert before(dt.datetime(2026, 3, 1), 60) == dt.datetime(2026, 2, 28, 23, 59)
    assert before(dt.date(2026, 3, 1), 60) == dt.date(2026, 2, 28)
    assert before("x", 0) == "x"
    assert before(None, 5) is None
