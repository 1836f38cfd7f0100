"""The embedded server has our settings, keeps the administrator's, and loses nothing when it is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from hub.store.arrow import copy_binary
from hub.store.binary_rows import binary_rows
from hub.store.embedded import SETTINGS_FILE, start_embedded

ROWS = 60_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("embedded") / "postgres"
    start_embedded(place)
    yield place
    _stop(place)


def _engine(folder: Path) -> Engine:
    return create_engine(start_embedded(folder).set(drivername="postgresql+psycopg"))


def _stop(folder: Path) -> None:
    """Kills the server of this folder the hard way, and waits until its children have noticed."""
    number = int((folder / "postmaster.pid").read_text().split()[0])
    children = [
        int(p.name)
        for p in Path("/proc").iterdir()
        if p.name.isdigit() and (p / "stat").exists() and _parent(p) == number
    ]
    for one in (number, *children):
        with suppress(ProcessLookupError):  # a backend whose client has gone ends by itself meanwhile
            os.kill(one, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(_alive(one) for one in (number, *children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for lock in (folder / "postmaster.pid", *folder.glob(".s.PGSQL.*.lock")):
        lock.unlink()  # a machine that starts again has no such process; here nobody may have buried the killed one yet


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _alive(number: int) -> bool:
    try:
        return (Path("/proc") / str(number) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _fill(connection: Connection, table: str) -> None:
    connection.execute(text(f"create table {table} (n bigint, said text)"))
    numbers = pa.array(range(ROWS), pa.int64())
    rows = binary_rows([numbers, numbers.cast(pa.string())])
    copy_binary(connection, table, ("n", "said"), [(ROWS, rows)], frozen=True)
    connection.execute(text(f"create index on {table} (said)"))


def test_a_table_filled_in_its_own_transaction_needs_no_log(folder: Path) -> None:
    engine = _engine(folder)
    with engine.begin() as connection:
        assert connection.scalar(text("show wal_level")) == "minimal"
        assert connection.scalar(text("show fsync")) == connection.scalar(text("show synchronous_commit")) == "on"
        before = connection.scalar(text("select pg_current_wal_insert_lsn()"))
        _fill(connection, "unlogged_once")
        grown = connection.scalar(text("select pg_current_wal_insert_lsn() - cast(:b as pg_lsn)"), {"b": before})
        size = connection.scalar(text("select pg_total_relation_size('unlogged_once')"))
        assert grown < size / 4
    engine.dispose()


def test_killed_after_the_commit_it_has_every_row_and_before_it_none(folder: Path) -> None:
    engine = _engine(folder)
    with engine.begin() as connection:
        _fill(connection, "done")
    half = engine.connect()
    _fill(half, "half_done")
    _stop(folder)
    half.invalidate()
    half.close()
    engine.dispose()
    again = _engine(folder)
    with again.connect() as connection:
        assert connection.execute(text("select count(*), sum(n) from done")).one() == (ROWS, ROWS * (ROWS - 1) // 2)
        connection.execute(text("set enable_seqscan = off"))
        assert connection.scalar(text("select n from done where said = '59999'")) == 59999
        assert connection.scalar(text("select to_regclass('half_done')")) is None
    again.dispose()


def test_what_the_administrator_sets_stands(folder: Path) -> None:
    engine = _engine(folder)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("alter system set max_wal_size = '3GB'"))
    engine.dispose()
    _stop(folder)
    main = (folder / "postgresql.conf").read_text()
    again = _engine(folder)
    with again.connect() as connection:
        assert connection.scalar(text("show max_wal_size")) == "3GB"
        assert connection.scalar(text("show wal_level")) == "minimal"
    again.dispose()
    assert main == (folder / "postgresql.conf").read_text()
    assert main.count(SETTINGS_FILE) == 1


def test_order_is_that_of_bytes_whatever_the_machine_speaks(engine: Engine) -> None:
    with engine.connect() as connection:
        own = text("select datcollate from pg_database where datname = current_database()")
        assert connection.scalar(own) == "C"
        assert connection.scalar(text("select '甲' > 'b' and 'b' > 'A'"))
