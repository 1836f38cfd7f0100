"""Columns go into PostgreSQL and come out as they were."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from hub.store.arrow import copy_batches, copy_in, text_lines

TEXTS = st.lists(
    st.none() | st.text(alphabet=st.sampled_from([*'甲a\\N.\t\n\r",;\x07', "\x1f", "𠀀"]), max_size=6), max_size=12
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(texts=TEXTS)
def test_any_text_comes_out_as_it_went_in(engine: Engine, texts: list[str | None]) -> None:
    table = pa.table({"place": pa.array(range(len(texts)), pa.int32()), "said": pa.array(texts, pa.string())})
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("create temporary table said (place int, said text) on commit drop"))
        assert copy_in(connection, "said", table, rows_at_once=5) == len(texts)
        found = connection.execute(text("select said from said order by place")).scalars().all()
        transaction.rollback()
    assert found == texts


def test_every_kind_of_column_goes_in(engine: Engine) -> None:
    columns = {
        "i": pa.array([1, None]),
        "f": pa.array([1.5, None]),
        "b": pa.array([True, None]),
        "d": pa.array([dt.date(2026, 11, 1), None]),
        "t": pa.array([dt.datetime(2026, 11, 1, 2, 0, 0, 5), None]),
        "j": pa.array(['{"a":"\\\\\\""}', None]),
        "s": pa.array(["", None]),
    }
    with engine.connect() as connection, connection.begin():
        connection.execute(
            text(
                "create temporary table kinds (i bigint, f float8, b bool, d date, t timestamp, j json, s text) on commit drop"
            )
        )
        copy_in(connection, "kinds", pa.table(columns))
        rows = connection.execute(text("select * from kinds order by i")).all()
    assert rows[0] == (1, 1.5, True, dt.date(2026, 11, 1), dt.datetime(2026, 11, 1, 2, 0, 0, 5), {"a": '\\"'}, "")
    assert rows[1] == (None,) * 7


def test_no_rows_are_no_lines() -> None:
    rows, lines = text_lines(pa.table({"a": pa.array([], pa.string())}))
    assert (rows, bytes(lines)) == (0, b"")


def test_batches_go_in_one_after_the_other(engine: Engine) -> None:
    shape = pa.schema([("place", pa.int64()), ("said", pa.string())])
    pieces = [pa.record_batch([[n, n + 1], ["甲", None]], schema=shape) for n in (1, 3, 5, 7)]
    empty = pa.record_batch([[], []], schema=shape)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("create temporary table said (place bigint, said text) on commit drop"))
        for given_ in ([], [empty], [*pieces, empty]):
            copy_batches(connection, "said", pa.RecordBatchReader.from_batches(shape, iter(given_)))
        found = connection.execute(text("select place, said from said order by ctid")).all()
        transaction.rollback()
    assert [tuple(r) for r in found] == [(n, "甲" if n % 2 else None) for n in range(1, 9)]
