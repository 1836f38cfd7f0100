"""What a table or view looks like on its server: columns, types, key. Names asked for are checked against it, so that
nothing a deployment says ever becomes SQL by itself.
"""

from __future__ import annotations

import difflib
import warnings
from typing import TYPE_CHECKING, Any

from connectors.database_errors import code_of
from hub.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Table

# MariaDB and MySQL describe a view only to those who may see its definition (1142: SHOW VIEW denied).
_MAY_NOT_DESCRIBE = "1142"


def table_names(connection: Connection, schema: str | None) -> list[str]:
    """Tables and views the account can see."""
    from sqlalchemy import inspect

    inspector = inspect(connection)
    return [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]


def describe_table(connection: Connection, table: str, schema: str | None, asked: set[str]) -> Table:
    """The table as the server describes it.

    Args:
        asked: columns the declaration speaks of.

    Raises:
        ConfigurationError: no such table or columns, with the nearest names.
    """
    from sqlalchemy import Column, MetaData, Table, inspect
    from sqlalchemy.exc import DBAPIError, NoSuchTableError, SAWarning

    inspector, key = inspect(connection), []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # a column type it does not know is read as text
            described: list[Any] = inspector.get_columns(table, schema=schema)
            key = inspector.get_pk_constraint(table, schema=schema)["constrained_columns"]
    except NoSuchTableError:
        described = []
    except DBAPIError as error:
        if code_of(error) != _MAY_NOT_DESCRIBE:
            raise
        described = _columns_of_view(connection, table, schema)
    title = f"{schema}.{table}" if schema else table
    if not described:
        near = difflib.get_close_matches(table, table_names(connection, schema), n=3, cutoff=0.5)
        raise ConfigurationError(
            f"数据库里没有名为“{title}”的表或视图（或账号看不到它）。",
            next_step=f"核对 table 与 schema{'；相近的有：' + '、'.join(near) if near else ''}。",
        )
    names = [column["name"] for column in described]
    if missing := sorted(asked - set(names)):
        raise ConfigurationError(
            f"“{title}”里没有这些列：{'、'.join(missing)}。",
            next_step=f"核对列名（大小写须一致）。现有：{'、'.join(names)}。",
        )
    return Table(
        table,
        MetaData(),
        *(
            Column(c["name"], c["type"], nullable=c["nullable"], primary_key=c["name"] in key, quote=True)
            for c in described
        ),
        schema=schema,
        quote=True,
        quote_schema=True if schema else None,
    )


def _columns_of_view(connection: Connection, table: str, schema: str | None) -> list[dict[str, Any]]:
    """Columns of a view from the catalogue every MySQL account may read."""
    from sqlalchemy import text, types

    known: dict[str, Any] = {
        **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), types.BigInteger),
        **dict.fromkeys(("float", "double"), types.Double),
        **dict.fromkeys(("datetime", "timestamp"), types.DateTime),
        "decimal": types.Numeric,
        "date": types.Date,
    }
    found = connection.execute(
        text(
            "select column_name, data_type, column_type, is_nullable from information_schema.columns"
            " where table_name = :table and table_schema = coalesce(:schema, database()) order by ordinal_position"
        ),
        {"table": table, "schema": schema},
    )
    return [
        {
            "name": name,
            "type": types.Text() if "unsigned" in full else known.get(kind.lower(), types.Text)(),
            "nullable": nullable == "YES",
        }
        for name, kind, full, nullable in found
    ]


def kind_of(column: Column[Any]) -> str:
    """How a column is written: `integer`, `float`, `boolean` or `text` (which never loses anything)."""
    from sqlalchemy import types

    if isinstance(column.type, types.Boolean):
        return "boolean"
    if isinstance(column.type, types.Integer) and not getattr(column.type, "unsigned", False):
        return "integer"
    return "float" if isinstance(column.type, types.Float) else "text"
