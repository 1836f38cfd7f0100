"""The schema as migrated is the schema as declared; the helpers around it keep their word."""

import pyarrow as pa
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from hub.settings import Settings
from hub.store.arrow import copy_in, read_arrow
from hub.store.database import dagster_storage_url, database_url, open_engine
from hub.store.migrate import migrate_to_head
from hub.store.tables import metadata


def test_migrated_schema_equals_declared_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_table_says_in_chinese_what_it_is_for() -> None:
    assert [t.name for t in metadata.sorted_tables if not t.comment or t.comment.isascii()] == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    migrate_to_head(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_url_names_its_driver(settings: Settings) -> None:
    assert database_url(settings).drivername == "postgresql+psycopg"
    assert dagster_storage_url(settings).drivername == "postgresql+psycopg2"


@pytest.mark.slow
def test_a_server_without_the_database_gets_it_and_its_schema(server_settings: Settings) -> None:
    engine = open_engine(server_settings)
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from delivery")) == 0
    engine.dispose()


def test_columns_go_in_and_come_out_unchanged(engine: Engine) -> None:
    columns = pa.table({"a": pa.array([1, None, 3]), "b": ['引号"与,逗号', "", None], "c": ["多\n行", " 空格 ", "\\N"]})
    with engine.begin() as connection:
        connection.execute(text("create table t (a int, b text, c text)"))
        assert copy_in(connection, "t", columns) == 3
        back = read_arrow(connection, "select a, b, c from t order by ctid", columns.schema)
        some = read_arrow(connection, "select a from t where c = %s", pa.schema([("a", pa.int64())]), ("多\n行",))
    assert back.equals(columns)
    assert some.to_pydict() == {"a": [1]}
