"""Foreign keys of a large load are checked at the end, in the same transaction, and stand afterwards as before."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from hub.store.large_loads import checked_at_the_end

_NEW_ID = "insert into cooperative_id (coop_id, redirects_to) values (:id, :target)"


def _keys(connection: Connection) -> list[tuple[str, str]]:
    return [
        (r[0], r[1])
        for r in connection.execute(
            text("select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'f' order by 1, 2")
        )
    ]


def test_what_refers_to_something_later_in_the_load_is_taken(engine: Engine) -> None:
    with engine.connect() as connection:
        before = _keys(connection)
        with checked_at_the_end(connection, "cooperative_id", "id_event"):
            connection.execute(text(_NEW_ID), {"id": "AAAAAA2", "target": "BBBBBB2"})
            connection.execute(text(_NEW_ID), {"id": "BBBBBB2", "target": None})
        assert _keys(connection) == before
        connection.rollback()


def test_what_refers_to_nothing_is_refused_and_the_keys_stand(engine: Engine) -> None:
    with engine.connect() as connection:
        before = _keys(connection)
        connection.rollback()
        with pytest.raises(IntegrityError), checked_at_the_end(connection, "cooperative_id"):
            connection.execute(text(_NEW_ID), {"id": "AAAAAA2", "target": "CCCCCC2"})
        connection.rollback()
        assert _keys(connection) == before


def test_without_tables_nothing_is_put_off(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(IntegrityError), checked_at_the_end(connection):
            connection.execute(text(_NEW_ID), {"id": "AAAAAA2", "target": "CCCCCC2"})
        connection.rollback()
