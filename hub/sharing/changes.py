"""What changed since the extract before: rows added and gone, and changed cells one by one. Set-based, in DuckDB.

Rows are told apart by what identifies them (the cooperative, and the key fields of the dataset's feed that are not
states); rows with the same identity are paired in order of their values. Only columns that both extracts have count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hub.feeds import Kind, feed_catalogue
from hub.sharing.columns import DISPUTE, ExtractColumn, Form
from hub.sharing.sources import IDENTITY_FIELDS
from hub.sharing.sql import literal, name, one_row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHANGE_COLUMNS = (
    ("kind", "变化", 8),
    ("who", "合作社", 34),
    ("identity", "记录", 34),
    ("field", "字段", 20),
    ("before", "原值", 30),
    ("after", "现值", 30),
)
_WHO = ("name", "uscc", "coop_id")


@dataclass(frozen=True, slots=True)
class Changes:
    """Numbers of rows added and gone, of rows and cells changed. `first`: there was no extract before."""

    added: int = 0
    gone: int = 0
    changed: int = 0
    cells: int = 0
    first: bool = False

    def as_json(self) -> dict[str, int | bool]:
        return {
            "added": self.added,
            "gone": self.gone,
            "changed": self.changed,
            "cells": self.cells,
            "first": self.first,
        }


# What tells apart the records of one cooperative where no single feed's key does.
_RECORD_NAMES = ("rule", "field", "other_source", "source", "content", "year")


def identity_columns(columns: Sequence[ExtractColumn]) -> tuple[str, ...]:
    """Names of the columns that say which row this is: the cooperative's id, else its code, else its name; for the
    records of one feed, also the feed's key without its states."""
    names = {c.name: c for c in columns}
    identity = [next((n for n in ("coop_id", "uscc", "name") if n in names), columns[0].name)]
    feeds = {c.source_feed for c in columns if c.source_feed and c.name not in IDENTITY_FIELDS}
    declared = feed_catalogue().get(next(iter(feeds))) if len(feeds) == 1 else None
    keys = declared.key if declared else _RECORD_NAMES
    identity += [k for k in keys if k in names and names[k].kind is not Kind.CHOICE]
    return tuple(dict.fromkeys(identity))


def _shown(column: ExtractColumn, expression: str) -> str:
    text = column.shown().replace(name(column.name), expression)
    return f"cast({text} as varchar)" if column.shown_form is not Form.TEXT else text


def compare(duck: DuckDBPyConnection, columns: Sequence[ExtractColumn], now: str, before: Path | None) -> Changes:
    """Fills the DuckDB table `changes` (columns of CHANGE_COLUMNS) by setting the table `now` beside the Parquet file
    of the extract before. Without one, everything is new and nothing is listed."""
    listed = ", ".join(f"{name(n)} varchar" for n, _, _ in CHANGE_COLUMNS)
    duck.execute(f"create or replace table changes ({listed})")
    if before is None:
        return Changes(first=True)
    duck.execute(f"create or replace temp view before_rows as select * from read_parquet({literal(str(before))})")
    had = {str(r[0]) for r in duck.execute("describe before_rows").fetchall()}
    both = [c for c in columns if c.name in had and c.name != DISPUTE]
    if not both:
        return Changes(first=True)
    key = [k for k in identity_columns(both) if k in {c.name for c in both}]
    key_list = ", ".join(name(k) for k in key)
    every = ", ".join(f"{name(c.name)}" for c in both)

    texts = ", ".join(f"cast({name(c.name)} as varchar) as {name(c.name)}" for c in both)
    row = " || chr(31) || ".join(f"coalesce(cast({name(c.name)} as varchar), chr(30))" for c in both)
    # Equal rows cancel out first, each as often as it stands on both sides; only what is left is paired by identity. Rows
    # are told apart by a digest of 128 bits: EXCEPT ALL over all columns took most of a small extract's time.
    counted = ", ".join(
        f"{alias} as materialized (select h, count(*) as n from (select md5_number({row}) as h from {table}) group by h)"
        for alias, table in (("n", now), ("b", "before_rows"))
    )
    duck.execute(
        f"""
        create or replace temp table uneven as with {counted}
          select h, coalesce(n.n, 0) - coalesce(b.n, 0) as surplus from n full join b using (h)
          where n.n is distinct from b.n
        """
    )

    if not one_row(duck, "select count(*) from uneven")[0]:
        return Changes()

    def left_over(table: str, surplus: str) -> str:
        return f"""select {texts} from (select * exclude (h), row_number() over (partition by h) as __n, h from (
            select *, md5_number({row}) as h from {table}) semi join uneven using (h)) join uneven u using (h)
          where __n <= {surplus}"""

    duck.execute(
        f"""
        create or replace temp table only_now as {left_over(now, "u.surplus")};
        create or replace temp table only_before as {left_over("before_rows", "-u.surplus")};
        """
    )

    def numbered(table: str) -> str:
        return f"select *, row_number() over (partition by {key_list} order by {every}) as __k from {table}"

    on = " and ".join(f"n.{name(k)} is not distinct from b.{name(k)}" for k in [*key, "__k"])
    who = [n for n in _WHO if n in {c.name for c in both}]
    titled = {c.name: c.title for c in both}

    def label(side: str, fields: Sequence[str], titles: bool) -> str:
        parts = [
            f"case when {side}.{name(f)} is not null then {literal(titled[f] + '：') + ' || ' if titles else ''}{side}.{name(f)} end"
            for f in fields
        ]
        return f"concat_ws('；', {', '.join(parts)})" if parts else "''"

    rest = [k for k in key if k not in who[:1]]
    cells = ", ".join(
        f"struct_pack(field := {literal(c.title)}, o := {_shown(c, f'b.{name(c.name)}')}, n := {_shown(c, f'n.{name(c.name)}')})"
        for c in both
        if c.name not in key
    )
    duck.execute(
        f"""
        create or replace temp table paired as
        select n.__k is not null as here, b.__k is not null as was,
          coalesce({label("n", who[:1], False)}, '') as who_n, coalesce({label("b", who[:1], False)}, '') as who_b,
          {label("n", rest, True)} as id_n, {label("b", rest, True)} as id_b,
          {f"[{cells}]" if cells else "[]::struct(field varchar, o varchar, n varchar)[]"} as cells
        from ({numbered("only_now")}) n full join ({numbered("only_before")}) b on {on};
        insert into changes
          select '新增', who_n, id_n, null, null, null from paired where not was order by 2, 3;
        insert into changes
          select '变更', who_n, id_n, c.field, c.o, c.n from (
            select who_n, id_n, unnest(cells) as c from paired where here and was)
          where c.o is distinct from c.n order by 2, 3, 4;
        insert into changes
          select '消失', who_b, id_b, null, null, null from paired where not here order by 2, 3;
        """
    )
    totals = one_row(
        duck,
        """
        select count(*) filter (not was), count(*) filter (not here), count(*) filter (here and was) from paired
        """,
    )
    changed_cells = one_row(duck, "select count(*) from changes where kind = '变更'")
    return Changes(int(totals[0]), int(totals[1]), int(totals[2]), int(changed_cells[0]))
