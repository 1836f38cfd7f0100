"""JSON made from whole columns is the JSON DuckDB makes a row at a time, letter for letter: content keys hang on it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.intake import json_text
from hub.intake.json_text import escaped, json_objects, md5_of, numbers_as_text, slices

TEXT = st.none() | st.text(
    alphabet=st.sampled_from([*'甲合作社 aB1"\\/\n\t\r\b\f\x07\x1f{}[]:,', "\x7f", "\u2028", "𠀀", "é"]), max_size=8
)
ROW = st.fixed_dictionaries(
    {
        "name": TEXT,
        "rows": st.none() | st.integers(-(2**63), 2**63 - 1),
        "amount": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "done": st.none() | st.booleans(),
        "多么 “长”": TEXT,
    }
)
TYPES = {"name": pa.string(), "rows": pa.int64(), "amount": pa.float64(), "done": pa.bool_(), "多么 “长”": pa.string()}


def columns_of(rows: list[dict[str, Any]]) -> dict[str, pa.Array]:
    return {name: pa.array([r[name] for r in rows], kind) for name, kind in TYPES.items()}


def one_by_one(rows: list[dict[str, Any]]) -> list[str]:
    """What was stored before JSON was made column by column."""
    pairs = ", ".join(f'"{n}" := "{n}"' for n in TYPES)
    with duckdb.connect() as connection:
        connection.register("given", pa.table(columns_of(rows)))
        found = connection.sql(
            f"select json_merge_patch('{{}}', to_json(struct_pack({pairs})))::varchar as j from given"
        ).to_arrow_table()["j"]
    return list(found.to_pylist())


@given(st.lists(ROW, min_size=1, max_size=12))
def test_objects_are_those_made_a_row_at_a_time(rows: list[dict[str, Any]]) -> None:
    assert json_objects(columns_of(rows), len(rows)).to_pylist() == one_by_one(rows)


def test_rows_that_say_nothing_are_empty_objects() -> None:
    assert json_objects({"a": pa.nulls(2, pa.string())}, 2).to_pylist() == ["{}", "{}"]
    assert json_objects({}, 1).to_pylist() == ["{}"]


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 1e-6, 9.99e-7, 1e-7, 5e-324, 1e16, 1e20, 1e21, 1.5e300, 7540.25])
def test_numbers_are_written_alike_one_by_one_and_in_bulk(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    few = numbers_as_text(pa.array([value, None]))
    monkeypatch.setattr(json_text, "_FEW", 0)
    assert few.to_pylist() == numbers_as_text(pa.array([value, None])).to_pylist()
    assert json.loads(few[0].as_py()) == value


@given(st.lists(TEXT, max_size=20))
def test_digests_are_alike_one_by_one_and_in_bulk(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    wanted = [None if t is None else hashlib.md5(t.encode(), usedforsecurity=False).hexdigest() for t in texts]
    assert md5_of(column).to_pylist() == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_FEW", -1)
        assert md5_of(column).to_pylist() == wanted


@given(st.lists(TEXT, min_size=1, max_size=20), st.integers(0, 3))
def test_text_between_quotes_reads_back(texts: list[str | None], start: int) -> None:
    column = pa.array(texts, pa.string()).slice(start)
    read = [None if t is None else json.loads(f'"{t}"') for t in escaped(column).to_pylist()]
    assert read == column.to_pylist()


def test_slices_cover_every_row_once() -> None:
    assert list(slices(5, 2)) == [(0, 2), (2, 2), (4, 1)]
    assert list(slices(0, 2)) == []
