"""A database handed on from test to test is as good as new."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from hub.settings import Settings
from hub.store.database import database_url
from tests.databases import Databases


@pytest.fixture
def databases(server_settings: Settings, _databases: Databases) -> Databases:
    return Databases(server_settings)


def _used(databases: Databases, settings: Settings, *statements: str) -> tuple[int, int]:
    """Takes a database, does something to it and gives it back; its number on the server, and that of the next one taken."""
    numbers = []
    for done in (statements, ()):
        name = databases.take()
        engine = create_engine(database_url(settings, database=name))
        with engine.begin() as connection:
            numbers.append(
                int(connection.scalar(text("select oid::int from pg_database where datname = current_database()")) or 0)
            )
            assert connection.scalar(text("select count(*) from run")) == 0
            for statement in done:
                connection.execute(text(statement))
        databases.give_back(name)  # the pool is still open
        with pytest.raises(OperationalError), engine.connect() as connection:
            connection.execute(text("select 1"))
        engine.dispose()
    return numbers[0], numbers[1]


_RUN = "insert into run (kind, business_date) values ('hand', '2026-11-01')"


def test_rows_go_and_numbers_begin_again(databases: Databases, server_settings: Settings) -> None:
    before, after = _used(databases, server_settings, _RUN, _RUN)
    assert before == after
    name = databases.take()
    engine = create_engine(database_url(server_settings, database=name))
    with engine.begin() as connection:
        assert connection.scalar(text(f"{_RUN} returning run_id")) == 1
    engine.dispose()
    databases.give_back(name)


@pytest.mark.parametrize(
    "change",
    [
        "create table t (a int)",
        "alter table link drop constraint pk_link",
        "alter table link disable trigger note_insert",
        "create index on run (run_id)",
        "delete from alembic_version",
    ],
)
def test_whose_shape_was_changed_is_not_handed_on(databases: Databases, server_settings: Settings, change: str) -> None:
    before, after = _used(databases, server_settings, change)
    assert before != after
