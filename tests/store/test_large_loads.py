"""Foreign keys of a large load are checked, and indexes built, at the end, in the same transaction; they stand afterwards as before."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from hub.store.large_loads import checked_at_the_end, indexed_at_the_end

_NEW_ID = "insert into cooperative_id (coop_id, redirects_to) values (:id, :target)"


def _keys(connection: Connection) -> list[tuple[str, str]]:
    return [
        (r[0], r[1])
        for r in connection.execute(
            text("select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'f' order by 1, 2")
        )
    ]


def _indexes(connection: Connection) -> list[tuple[str, str]]:
    return [
        (r[0], r[1])
        for r in connection.execute(
            text(
                """select indexname, indexdef from pg_indexes where schemaname = 'public'
                   union all select conname, pg_get_constraintdef(oid) from pg_constraint where contype in ('p', 'u') order by 1, 2"""
            )
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


def test_indexes_and_keys_are_gone_meanwhile_and_back_afterwards(engine: Engine) -> None:
    with engine.connect() as connection:
        before = _indexes(connection)
        with indexed_at_the_end(connection, "link"):
            meanwhile = _indexes(connection)
        assert _indexes(connection) == before
        connection.rollback()
    assert {name for name, _ in before} - {name for name, _ in meanwhile} >= {"pk_link", "ix_link_coop_id"}


def test_one_key_twice_in_a_load_is_refused_and_the_indexes_stand(engine: Engine) -> None:
    with engine.connect() as connection:
        before = _indexes(connection)
        connection.rollback()
        twice = "insert into link (profile_key, link, reason, evidence) values ('a', 'review', '', '{}'), ('a', 'review', '', '{}')"
        with pytest.raises(IntegrityError), indexed_at_the_end(connection, "link"):
            connection.execute(text("alter table link drop constraint fk_link_profile_key_profile"))
            connection.execute(text(twice))
        connection.rollback()
        assert _indexes(connection) == before
