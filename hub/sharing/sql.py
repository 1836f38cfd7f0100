"""Names and values in DuckDB's SQL. Values go in as literals only where a parameter cannot stand (COPY, views)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def name(identifier: str) -> str:
    """A quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str | int | float | bool | date | None) -> str:
    """A literal of the value's own type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str | int | float | bool | date | None]) -> str:
    """A bracketed list of literals; an empty list matches nothing."""
    return "(" + (", ".join(literal(v) for v in values) or "null") + ")"


def one_row(duck: DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The one row of a query, fetched to its end: DuckDB takes no other work while a result is open."""
    rows: list[tuple[Any, ...]] = duck.execute(query).fetchall()
    return rows[0]
