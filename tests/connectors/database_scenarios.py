"""Tables of real database servers for the contract's tests: one row for each thing put in."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Column, DateTime, Engine, Integer, MetaData, Table, Text, create_engine, insert
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.engine import URL

from connectors import Fetched
from hub.store.database import database_url
from tests.connectors.contract_suite import Scenario
from tests.connectors.database_servers import mariadb_port


class TableScenario(Scenario):
    """A table with a cursor column, read by an account of its own."""

    kind = "database"
    rows = True

    def __init__(self, request: pytest.FixtureRequest) -> None:
        super().__init__(request.getfixturevalue("tmp_path") / "scratch")
        self.url = self.server_url(request)
        self.admin: Engine = create_engine(self.admin_url())
        self.table = Table(
            f"经营异常_{uuid.uuid4().hex[:8]}",
            MetaData(),
            Column("id", Integer, primary_key=True, autoincrement=True),
            Column("name", Text().with_variant(Text(length=1000), "mysql", "mariadb")),
            Column("padding", Text().with_variant(LONGTEXT(), "mysql", "mariadb")),
            Column("changed_at", DateTime),
        )
        self.table.create(self.admin)
        self.environment["FRONT_URL"] = self.url.render_as_string(hide_password=False)

    def server_url(self, request: pytest.FixtureRequest) -> URL:
        raise NotImplementedError

    def admin_url(self) -> URL:
        return self.url

    def options(self) -> dict[str, Any]:
        return {"url_env": "FRONT_URL", "table": self.table.name, "cursor": "changed_at"}

    def put(self, name: str, content: bytes) -> None:
        row = {
            "name": name,
            "padding": random.randbytes(len(content)).hex(),
            "changed_at": self.time.at.replace(tzinfo=None),
        }
        with self.admin.begin() as connection:
            connection.execute(insert(self.table), row)

    def remove_all(self) -> None:
        self.table.drop(self.admin)

    def make_unlistable(self) -> None:
        self.table.drop(self.admin)

    def break_while_fetching(self) -> None:
        """The wall of this machine: no file larger than 100 kB."""
        import resource

        self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, self._limit[1]))

    _limit: tuple[int, int] | None = None

    def names_in(self, fetched: Fetched) -> list[str]:
        return list(pq.read_table(fetched.path).column("name").to_pylist())

    def close(self) -> None:
        if self._limit:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)
        self.table.drop(self.admin, checkfirst=True)
        self.admin.dispose()


class PostgresScenario(TableScenario):
    """The embedded PostgreSQL of the tests."""

    def server_url(self, request: pytest.FixtureRequest) -> URL:
        return database_url(request.getfixturevalue("server_settings"), database="postgres").set(
            drivername="postgresql"
        )

    def admin_url(self) -> URL:
        return self.url.set(drivername="postgresql+psycopg")


class MariaScenario(TableScenario):
    """MariaDB's own server, read by an account that may only select."""

    def server_url(self, request: pytest.FixtureRequest) -> URL:
        return URL.create("mysql", "reader", "reader-secret", "127.0.0.1", mariadb_port(), "front")

    def admin_url(self) -> URL:
        return URL.create("mysql+pymysql", "root", None, "127.0.0.1", mariadb_port(), "front")


def run_sql(engine: Engine, *statements: str) -> None:
    """Statements, each in its own transaction."""
    for statement in statements:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
