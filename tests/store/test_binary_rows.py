"""Rows of large tables go into PostgreSQL in COPY's binary form and come out as they were."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from hub.store.arrow import copy_binary
from hub.store.binary_rows import binary_rows
from tests.store.test_arrow import TEXTS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(texts=TEXTS, numbers=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=12, max_size=12))
def test_any_row_comes_out_as_it_went_in(engine: Engine, texts: list[str | None], numbers: list[int]) -> None:
    places = pa.array(numbers[: len(texts)], pa.int32())
    wide = pa.array([n * 2**31 for n in numbers[: len(texts)]], pa.int64())
    said = pa.array(texts, pa.string())
    whole = [(p, w, s, s, "甲\t", 2**40) for p, w, s in zip(places.to_pylist(), wide.to_pylist(), texts, strict=True)]
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(
            text(
                "create temporary table said (place int, wide bigint, a text, b text, same text, one bigint) on commit drop"
            )
        )
        half = len(texts) // 2
        rows = [
            (length, binary_rows([*(c.slice(start, length) for c in (places, wide, said, said)), "甲\t", 2**40]))
            for start, length in ((0, half), (half, len(texts) - half))
        ]
        names = ("place", "wide", "a", "b", "same", "one")
        assert copy_binary(connection, "said", names, rows, frozen=True) == len(texts)
        found = connection.execute(text("select place, wide, a, b, same, one from said")).all()
        transaction.rollback()
    assert [tuple(row) for row in found] == whole


def test_text_of_one_length_and_json_go_in(engine: Engine) -> None:
    keys = pa.array(["一二", "三四"])
    with engine.connect() as connection, connection.begin():
        connection.execute(text("create temporary table kinds (k text, j json) on commit drop"))
        rows = [(2, binary_rows([keys, pa.array(['{"a":"\\\\\\""}', None])]))]
        copy_binary(connection, "kinds", ("k", "j"), rows, frozen=False)
        assert connection.execute(text("select k, j from kinds")).all() == [("一二", {"a": '\\"'}), ("三四", None)]


def test_a_number_that_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="without nulls"):
        binary_rows([pa.array([1, None], pa.int32())])
