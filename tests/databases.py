"""Databases for tests. One that was used is emptied and handed on under another name: that takes a tenth of the time in which one
is made. What a test changed about tables, indexes, triggers, functions or policies is told by a fingerprint; such a database
goes, and the next test gets a new one."""

from __future__ import annotations

import uuid
from contextlib import suppress

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hub.settings import Settings
from hub.store.database import database_url, ensure_database
from hub.store.migrate import migrate_to_head

TEMPLATE = "template_hub"
_MANY = 5_000  # rows of a table, from which on its database is not worth emptying
_FINGERPRINT = """
    select md5(string_agg(said, '|' order by said)) from (
      select concat_ws(' ', 'table', oid, relname, relkind::text, relrowsecurity, relforcerowsecurity, relacl, reloptions) as said
        from pg_class where oid >= 16384 and relpersistence <> 't'
      union all select concat_ws(' ', 'column', attrelid, attname, atttypid, attnotnull, attacl) from pg_attribute
        where attrelid >= 16384 and attnum > 0 and not attisdropped
      union all select concat_ws(' ', 'constraint', oid, conname, pg_get_constraintdef(oid)) from pg_constraint where oid >= 16384
      union all select concat_ws(' ', 'trigger', oid, tgname, tgenabled::text) from pg_trigger where oid >= 16384
      union all select concat_ws(' ', 'function', oid, proname, md5(prosrc), proacl) from pg_proc where oid >= 16384
      union all select concat_ws(' ', 'policy', oid, polname, polroles) from pg_policy
      union all select concat_ws(' ', 'schema', oid, nspname, nspacl) from pg_namespace where nspname !~ '^pg_(temp|toast_temp)'
      union all select concat_ws(' ', 'setting', setrole, setconfig) from pg_db_role_setting
        where setdatabase = (select oid from pg_database where datname = current_database())) found
"""
_TABLES = """
    select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')
    order by 1
"""


class Databases:
    """Migrated databases on the server of some settings, one after the other.

    Args:
        settings: whose server is used; the template is made there if it is missing.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free: list[str] = []
        url = database_url(settings, database=TEMPLATE)
        ensure_database(url)
        engine = create_engine(url, poolclass=NullPool)
        migrate_to_head(engine)
        with engine.connect() as connection:
            self._fingerprint = connection.scalar(text(_FINGERPRINT))
            self._born_with = _contents(connection, _rows(connection))
            assert not connection.scalar(text("select count(*) from pg_sequences where last_value is not null"))

    def take(self) -> str:
        """The name of an empty migrated database."""
        name = f"t{uuid.uuid4().hex[:12]}"
        if self._free:
            self._on_server(f"alter database {self._free.pop()} rename to {name}")
        else:
            self._on_server(f"create database {name} template {TEMPLATE} strategy file_copy")
        return name

    def give_back(self, name: str) -> None:
        """Empties a database for the next test, or drops it. Under its old name nobody finds it from then on: pools nobody closed
        and threads still at work are thrown out, as if it had been dropped."""
        spare = f"spare_{uuid.uuid4().hex[:12]}"
        with suppress(DBAPIError):  # somebody came back at once
            self._on_server(f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{name}'")
            self._on_server(f"alter database {name} rename to {spare}")
            if self._emptied(spare):
                self._free.append(spare)
                return
        for left in (name, spare):
            self._on_server(f"drop database if exists {left} with (force)")

    def _emptied(self, name: str) -> bool:
        engine = create_engine(database_url(self._settings, database=name), poolclass=NullPool)
        with engine.begin() as connection:
            if connection.scalar(text(_FINGERPRINT)) != self._fingerprint:
                return False
            rows = _rows(connection)
            if max(rows.values(), default=0) >= _MANY:
                return False
            if _contents(connection, self._born_with) != self._born_with:
                return False
            used = [table for table in rows if table not in self._born_with]
            # the ledger lets nothing be taken away
            connection.execute(text("set local session_replication_role = replica"))
            if used:
                connection.execute(text(f"truncate {', '.join(used)} restart identity cascade"))
            connection.execute(
                text(
                    """select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
                       from pg_sequences where last_value is not null"""
                )
            )
            return _contents(connection, self._born_with) == self._born_with

    def _on_server(self, statement: str) -> None:
        server = create_engine(
            database_url(self._settings, database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        with server.connect() as connection:
            connection.execute(text(statement))


def _rows(connection: Connection) -> dict[str, int]:
    """Tables that are not empty, and how many rows they have, counted up to `_MANY`."""
    tables = connection.execute(text(_TABLES)).scalars().all()
    counted = " union all ".join(
        f"select '{t}', (select count(*) from (select from {t} limit {_MANY}) some_rows)" for t in tables
    )
    return {name: n for name, n in connection.execute(text(counted)) if n}


def _contents(connection: Connection, tables: dict[str, int] | dict[str, str]) -> dict[str, str]:
    """A digest of what each of some tables holds."""
    return {
        t: str(connection.scalar(text(f"select md5(string_agg(said::text, '|' order by said::text)) from {t} said")))
        for t in tables
    }
