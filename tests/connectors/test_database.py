"""The database connector against PostgreSQL and MariaDB: types, order, cursors, views, rights, cuts, time limits."""

from __future__ import annotations

import datetime as dt
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, text

from connectors import Connector, open_connector
from hub.errors import AuthenticationError, ConfigurationError, FormatError, TransientError
from tests.connectors.contract_suite import fetch_all
from tests.connectors.database_scenarios import MariaScenario, PostgresScenario, TableScenario, run_sql

PARAMETERS = [
    pytest.param(PostgresScenario, id="postgresql"),
    pytest.param(MariaScenario, id="mariadb", marks=pytest.mark.server("mariadbd")),
]


@pytest.fixture(params=PARAMETERS)
def front(request: pytest.FixtureRequest) -> Iterator[TableScenario]:
    built: TableScenario = request.param(request)
    yield built
    built.close()


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Iterator[PostgresScenario]:
    built = PostgresScenario(request)
    yield built
    built.close()


def reader(front: TableScenario, table: str, **more: Any) -> Connector:
    return front.open(**{"table": table, "cursor": None, **more})


def read_rows(connector: Connector, to: Path) -> list[dict[str, Any]]:
    (item,) = connector.list({}).items
    rows: list[dict[str, Any]] = pq.read_table(connector.fetch(item, to).path).to_pylist()
    return rows


def quoted(front: TableScenario, name: str) -> str:
    return front.admin.dialect.identifier_preparer.quote_identifier(name)


def test_everything_at_once_gives_the_same_bytes_every_night(front: TableScenario, tmp_path: Path) -> None:
    for n in range(12):
        front.put(f"合作社{n}", b"x")
    with front.open(cursor=None) as connector:
        (item,) = connector.list({}).items
        first = connector.fetch(item, tmp_path / "1")
        assert (first.rows, first.empty) == (12, False)
        assert connector.fetch(item, tmp_path / "2").sha256 == first.sha256
        front.put("合作社12", b"x")
        assert connector.fetch(item, tmp_path / "3").sha256 != first.sha256
        assert item.name.endswith(".parquet")


def test_an_empty_table_taken_whole_is_a_delivery_without_rows(front: TableScenario, tmp_path: Path) -> None:
    with front.open(cursor=None) as connector:
        (item,) = connector.list({}).items
        fetched = connector.fetch(item, tmp_path / "x")
    assert (fetched.rows, fetched.empty) == (0, False)
    assert pq.read_table(fetched.path).column_names == ["id", "name", "padding", "changed_at"]


def test_values_arrive_as_a_clerk_reads_them(front: TableScenario, tmp_path: Path) -> None:
    table = quoted(front, front.table.name + "_t")
    run_sql(
        front.admin,
        f"create table {table} (id int primary key, big bigint, amount decimal(18,2), share double precision,"
        " day date, at timestamp null, code varchar(18), note text)",
        f"insert into {table} values (1, 9007199254740993, 12345678901234.50, 0.1, '2026-03-01',"
        " '2026-03-01 09:30:00', '933301980000000001', '换\n行'), (2, null, null, null, null, null, null, null)",
    )
    try:
        with reader(front, front.table.name + "_t") as connector:
            first, second = read_rows(connector, tmp_path / "x")
    finally:
        run_sql(front.admin, f"drop table {table}")
    assert first == {
        "id": 1,
        "big": 9007199254740993,
        "amount": "12345678901234.50",
        "share": 0.1,
        "day": "2026-03-01",
        "at": "2026-03-01 09:30:00",
        "code": "933301980000000001",
        "note": "换\n行",
    }
    assert set(second.values()) == {2, None}


def test_moments_with_an_offset_are_told_in_the_countys_time(postgres: PostgresScenario, tmp_path: Path) -> None:
    name = postgres.table.name + "_z"
    run_sql(
        postgres.admin,
        f'create table "{name}" (at timestamptz, ok boolean, j jsonb, raw bytea, tags text[])',
        f"""insert into "{name}" values ('2026-02-28T16:30:00Z', true, '{{"b":1,"a":"社"}}', '\\x00ff', array['x','y'])""",
    )
    try:
        with reader(postgres, name) as connector:
            (row,) = read_rows(connector, tmp_path / "x")
    finally:
        run_sql(postgres.admin, f'drop table "{name}"')
    assert row == {
        "at": "2026-03-01 00:30:00",
        "ok": True,
        "j": '{"a": "社", "b": 1}',
        "raw": "00ff",
        "tags": '["x", "y"]',
    }


def test_odd_names_of_tables_and_columns_are_only_names(front: TableScenario, tmp_path: Path) -> None:
    name, column = "表'; drop table x; --", '列 "名" ;--, (%s) :y'
    run_sql_raw(front, f"create table {quoted(front, name)} ({quoted(front, column)} int)")
    run_sql_raw(front, f"insert into {quoted(front, name)} values (7)")
    try:
        with reader(front, name, columns=[column], where={column: [7, 8]}, order_by=[column]) as connector:
            assert [list(r.values()) for r in read_rows(connector, tmp_path / "x")] == [[7]]
    finally:
        run_sql_raw(front, f"drop table {quoted(front, name)}")


def run_sql_raw(front: TableScenario, statement: str) -> None:
    """A statement the driver must not read placeholders in."""
    raw = front.admin.raw_connection()
    try:
        raw.cursor().execute(statement.replace("%%", "%"))
        raw.commit()
    finally:
        raw.close()


def test_a_view_is_read_like_a_table_and_filtered_by_bound_values(front: TableScenario, tmp_path: Path) -> None:
    for name in ("甲", "乙", "丙' or 1=1 --"):
        front.put(name, b"x")
    view = front.table.name + "_v"
    run_sql(front.admin, f"create view {quoted(front, view)} as select id, name from {quoted(front, front.table.name)}")
    try:
        with reader(front, view, where={"name": ["甲", "丙' or 1=1 --"]}, columns=["name"]) as connector:
            assert [r["name"] for r in read_rows(connector, tmp_path / "x")] in (
                ["甲", "丙' or 1=1 --"],
                ["丙' or 1=1 --", "甲"],
            )
            assert (view, "视图") in {(d.name, d.what) for d in connector.discover()}
    finally:
        run_sql(front.admin, f"drop view {quoted(front, view)}")


def test_rows_that_share_the_last_cursor_value_are_not_lost_and_not_sent_twice(
    front: TableScenario, tmp_path: Path
) -> None:
    front.put("甲", b"1")
    front.put("乙", b"1")
    with front.open() as connector:
        first, state = fetch_all(connector, {}, tmp_path / "1")
        front.put("丙", b"1")  # the same second
        second, state = fetch_all(connector, state, tmp_path / "2")
        third, _ = fetch_all(connector, state, tmp_path / "3")
    assert [front.names_in(f) for f in first] == [["甲", "乙"]]
    assert [front.names_in(f) for f in second] == [["丙"]]
    assert third == []


def test_rows_without_a_cursor_value_and_from_the_future_are_delivered_once(
    front: TableScenario, tmp_path: Path
) -> None:
    front.put("今天", b"1")
    table = quoted(front, front.table.name)
    run_sql(
        front.admin,
        f"insert into {table} (name, changed_at) values ('无时间', null), ('未来', '2099-01-01 00:00:00')",
    )
    with front.open() as connector:
        first, state = fetch_all(connector, {}, tmp_path / "1")
        again, state = fetch_all(connector, state, tmp_path / "2")
        front.time.at += dt.timedelta(hours=1)
        front.put("明天", b"1")
        third, _ = fetch_all(connector, state, tmp_path / "3")
    assert sorted(front.names_in(first[0])) == sorted(["今天", "无时间", "未来"])
    assert again == []
    assert [front.names_in(f) for f in third] == [["明天"]]


def test_an_overlap_catches_rows_committed_late(front: TableScenario, tmp_path: Path) -> None:
    front.put("早", b"1")
    early = front.time.at
    front.time.at += dt.timedelta(minutes=10)
    front.put("晚", b"1")
    with front.open(overlap=3600) as connector:
        _, state = fetch_all(connector, {}, tmp_path / "1")
        front.time.at = early + dt.timedelta(minutes=1)
        front.put("迟到", b"1")
        second, _ = fetch_all(connector, json.loads(json.dumps(state)), tmp_path / "2")
    assert [front.names_in(f) for f in second] == [["迟到"]]


def test_a_text_cursor_works_and_refuses_an_overlap(front: TableScenario, tmp_path: Path) -> None:
    front.put("20260301", b"1")
    with front.open(cursor="name") as connector:
        _, state = fetch_all(connector, {}, tmp_path / "1")
        front.put("20260302", b"1")
        second, _ = fetch_all(connector, state, tmp_path / "2")
        assert [front.names_in(f) for f in second] == [["20260302"]]
    with front.open(cursor="name", overlap=1) as connector, pytest.raises(ConfigurationError, match="overlap"):
        connector.list({})


def test_a_wrong_table_or_column_names_the_nearest(front: TableScenario) -> None:
    with reader(front, front.table.name + "x") as connector, pytest.raises(ConfigurationError) as raised:
        connector.list({})
    assert front.table.name in raised.value.next_step
    with reader(front, front.table.name, columns=["name", "nmae"]) as connector:
        error = connector.check().error
    assert error is not None
    assert "nmae" in error.message
    assert "changed_at" in error.next_step


def test_a_wrong_password_is_told_once_and_not_repeated(front: TableScenario) -> None:
    if isinstance(front, PostgresScenario):
        run_sql(front.admin, "drop role if exists front_reader", "create role front_reader login password 'right'")
    user = "front_reader" if isinstance(front, PostgresScenario) else "reader"
    front.environment["WRONG"] = "wrong-secret"
    if isinstance(front, PostgresScenario):
        # The embedded server trusts its socket; an account that may not log in shows the same.
        run_sql(front.admin, "alter role front_reader nologin")
    url = front.url._replace(username=user, password=None).render_as_string(hide_password=False)
    with (
        front.open(url=url, url_env=None, password_env="WRONG") as connector,
        pytest.raises(AuthenticationError) as raised,
    ):
        connector.list({})
    assert "wrong-secret" not in f"{raised.value}{raised.value.detail}"
    assert front.time.slept == []


def test_an_account_without_the_right_to_read_is_told_so(postgres: PostgresScenario) -> None:
    run_sql(postgres.admin, "drop role if exists front_blind", "create role front_blind login")
    url = postgres.url.set(username="front_blind").render_as_string(hide_password=False)
    with postgres.open(url=url, url_env=None) as connector, pytest.raises(ConfigurationError, match="没有权限"):
        connector.list({})


@pytest.mark.server("mariadbd")
def test_an_account_that_may_read_another_table_only_is_told_that_it_cannot_see_this_one(
    request: pytest.FixtureRequest,
) -> None:
    front = MariaScenario(request)
    other = front.table.name + "_o"
    run_sql(
        front.admin,
        f"create table {quoted(front, other)} (id int)",
        "create or replace user blind@'127.0.0.1' identified by 'blind-secret'",
        f"grant select on front.{quoted(front, other)} to blind@'127.0.0.1'",
    )
    try:
        front.environment["BLIND"] = front.url.set(username="blind", password="blind-secret").render_as_string(False)
        with (
            front.open(url_env="BLIND") as connector,
            pytest.raises(ConfigurationError, match="账号看不到它") as raised,
        ):
            connector.list({})
        assert other in raised.value.next_step
        assert "blind-secret" not in f"{raised.value}{raised.value.detail}"
    finally:
        run_sql(front.admin, f"drop table {quoted(front, other)}")
        front.close()


def test_the_connection_can_write_nothing(front: TableScenario) -> None:
    front.environment["ADMIN"] = front.admin_url().render_as_string(hide_password=False)  # an account that could
    with front.open(url_env="ADMIN") as connector:
        engine = connector._open()  # type: ignore[attr-defined]
        with engine.connect() as connection, pytest.raises(Exception, match=r"(?i)read.only"):
            connection.execute(text(f"delete from {quoted(front, front.table.name)}"))


def test_a_query_that_takes_too_long_is_cut_off(front: TableScenario) -> None:
    view = front.table.name + "_slow"
    slow = "cast(pg_sleep(5) as text)" if isinstance(front, PostgresScenario) else "sleep(5)"
    run_sql(front.admin, f"create view {quoted(front, view)} as select 1 as id, {slow} as s")
    try:
        with (
            reader(front, view, statement_seconds=1, retries=0) as connector,
            pytest.raises(TransientError, match="规定的时间"),
        ):
            (item,) = connector.list({}).items
            connector.fetch(item, front.scratch / "x")
    finally:
        run_sql(front.admin, f"drop view {quoted(front, view)}")


def test_a_connection_cut_in_the_middle_is_tried_again(front: TableScenario, tmp_path: Path) -> None:
    postgres = isinstance(front, PostgresScenario)
    numbers = "generate_series(1, 60000) as n (i)" if postgres else "(select seq as i from seq_1_to_60000) as n"
    run_sql(
        front.admin,
        f"""insert into {quoted(front, front.table.name)} (name, padding, changed_at)
            select concat('n', i), md5(concat(i, '')), '2026-03-01' from {numbers}""",
    )
    cut: list[bool] = []
    with front.open(cursor=None, retries=1) as connector:
        batches = connector._batches  # type: ignore[attr-defined]

        def cut_once(connection: Any, statement: Any) -> Iterator[Any]:
            for rows in batches(connection, statement):
                if not cut:
                    cut.append(True)
                    driver = connection.connection.driver_connection
                    run_sql(
                        front.admin,
                        f"select pg_terminate_backend({driver.info.backend_pid})"
                        if postgres
                        else f"kill connection {driver.thread_id()}",
                    )
                yield rows

        connector._batches = cut_once  # type: ignore[attr-defined]
        (item,) = connector.list({}).items
        fetched = connector.fetch(item, tmp_path / "x")
    assert fetched.rows == 60_000
    assert len(front.time.slept) == 1
    assert pq.read_metadata(fetched.path).num_row_groups == 2
    gc.collect()  # what is left of the connection that is gone has nothing to say when the memory is tidied up


def test_nothing_listening_is_transient_and_a_strange_driver_is_not(tmp_path: Path) -> None:
    from tests.connectors.ssh_servers import free_port

    def opened(url: str) -> Connector:
        return open_connector(
            "database",
            {"url": url, "table": "t", "retries": 0, "connect_seconds": 2},
            feed="water",
            folder=tmp_path,
            environment={},
        )

    for scheme in ("postgresql", "mysql"):
        with opened(f"{scheme}://u@127.0.0.1:{free_port()}/d") as connector, pytest.raises(TransientError):
            connector.list({})
    with opened("nosuchdb://u@127.0.0.1/d") as connector, pytest.raises(ConfigurationError, match="驱动"):
        connector.list({})


def test_another_database_is_read_through_its_driver(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'front.db'}")
    run_sql(engine, "create table t (id integer primary key, amount integer)", "insert into t values (1, 2), (2, 'x')")
    engine.dispose()
    with open_connector(
        "database", {"url": f"sqlite:///{tmp_path / 'front.db'}", "table": "t"}, feed="water", folder=tmp_path
    ) as connector:
        assert connector.check().reachable
        (item,) = connector.list({}).items
        with pytest.raises(FormatError, match="amount"):
            connector.fetch(item, tmp_path / "to" / "x")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_password_in_a_deployment_is_refused_and_never_repeated() -> None:
    for options, told in (
        ({"url": "postgresql://u:hunter2@h/d", "table": "t"}, "不能写密码"),
        ({"url": "no url hunter2", "table": "t"}, "写法不对"),
        ({"table": "t"}, "url_env"),
        ({"url": "mysql://h/d", "url_env": "X", "table": "t"}, "之一"),
        ({"url_env": "X", "table": "t", "timezone": "Mars/Base"}, "时区"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            open_connector("database", options, feed="water", folder=Path())
        assert told in str(raised.value)
        assert "hunter2" not in str(raised.value)


def test_a_bad_secret_url_is_told_without_repeating_it(tmp_path: Path) -> None:
    with open_connector(
        "database", {"url_env": "U", "table": "t"}, feed="water", folder=tmp_path, environment={"U": "pg//hunter2"}
    ) as connector:
        error = connector.check().error
    assert isinstance(error, ConfigurationError)
    assert "hunter2" not in f"{error}{error.detail}"
