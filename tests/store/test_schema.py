"""The schema as migrated is the schema as declared; the helpers around it keep their word."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from hub.settings import Settings
from hub.store.arrow import copy_in, read_arrow, read_in_pieces
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


@pytest.mark.parametrize("rows", [0, 1, 199, 200, 201, 1001])
def test_rows_in_pieces_are_all_there_however_many(engine: Engine, rows: int) -> None:
    with engine.begin() as connection:
        back = read_in_pieces(
            connection,
            f"select n, 'x' || n, n % 2 = 0, null from generate_series(1, {rows}) n",
            pa.schema([("n", pa.int64()), ("t", pa.string()), ("even", pa.bool_()), ("none", pa.string())]),
        )
    expected = list(range(1, rows + 1))
    assert sorted(back["n"].to_pylist()) == expected
    assert back["t"].to_pylist() == [f"x{n}" for n in back["n"].to_pylist()]
    assert back["even"].to_pylist() == [n % 2 == 0 for n in back["n"].to_pylist()]
    assert back["none"].to_pylist() == [None] * rows


@pytest.mark.parametrize("read", [read_arrow, read_in_pieces])
def test_a_column_of_nothing_keeps_its_rows(engine: Engine, read: Callable[..., pa.Table]) -> None:
    query, shape = "select case when n = 2 then '' end from generate_series(1, 3) n", pa.schema([("t", pa.string())])
    with engine.begin() as connection:
        back = read(connection, query, shape)
    assert back["t"].to_pylist() == [None, "", None]


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=20))
@settings_of(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_text_comes_out_as_it_went_in(engine: Engine, texts: list[str]) -> None:
    columns = pa.table({"n": pa.array(range(len(texts)), pa.int64()), "t": pa.array(texts, pa.string())})
    with engine.begin() as connection:
        connection.execute(text("create temporary table said (n bigint, t text) on commit drop"))
        copy_in(connection, "said", columns)
        assert read_arrow(connection, "select n, t from said order by n", columns.schema).equals(columns)
        pieces = read_in_pieces(connection, "select n, t from said where t <> %s or true", columns.schema, ("",))
        assert pieces.sort_by("n").equals(columns)
