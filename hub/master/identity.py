"""Whose word counts: one declared source per field (一数一源), the others kept as differences; and who a cooperative is.

Works on the tables of hub.master.claims; makes `settled` (what was decided where sources differ) and `identity` (one row a
cooperative: each taken field's value, and what facts and rules need to know of it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.master.basis import Basis
from hub.master.claims import TYPED, field_number, place_cases, source_cases, taken_fields

if TYPE_CHECKING:
    import duckdb

MOST_OTHERS = 8  # differing values kept per field
_ROWS_NEEDED = ("name", "town", "address", "members", "registry_status")  # rows that rules and hints point to
_FULL_SUFFIX = "(专业|股份)合作社(联合社)?$|联合社$"


def _order() -> str:
    """How statements about one field compete: what stands beats what stood, then the field's rule, then the newest. Where the
    registry is silent, a name with its county and its legal suffix goes before one that a clerk cut short; of two credit codes
    the one more rows say, for one copied from another line of a list stands in one row. Nothing here
    depends on a row's number, and only where the newest counts on which feed spoke last, so that a list sent again changes nothing."""
    newest = ", ".join(str(i) for i, f in enumerate(taken_fields()) if f.rule == "newest")
    return f"""live desc,
        (field_no = {field_number("uscc")} and value in (select code from doubtful_code)),
        case when field_no = {field_number("uscc")} then -same_value end,
        case when field_no = {field_number("name")} and place = 0 then -9 else -completeness end,
        case when field_no in ({newest}) then -said.order_no else place end,
        case when place = {TYPED} then -same_value end,
        case when place = {TYPED} then -length(value) end,
        rank, said.order_no desc, value"""


def define_settled(duck: duckdb.DuckDBPyConnection, basis: Basis, *, with_rows: bool = False) -> None:
    """Makes `settled`: coop_id, v0.. (the values that count, of fields in `claim`), and their `evidence` as JSON members: source,
    `past` where no current list says so, and `others`, each with value and source; with_rows: also row, delivery, as_of, rule.

    Without rows the evidence holds only what sources say, so a list sent again leaves it as it is."""
    short = basis.county.replace("'", "''")
    region = f"starts_with(value, '{short}')" if short else "false"
    complete = f"case when field_no = {field_number('name')} then ({region})::int + regexp_matches(value, '{_FULL_SUFFIX}')::int else 0 end"
    names = " ".join(f"when {i} then '{f.name}'" for i, f in enumerate(taken_fields()))
    rules = " ".join(f"when {i} then '{f.rule}'" for i, f in enumerate(taken_fields()))
    others = "{'value': value, 'source': source, 'past': not live" + (
        ", 'row': said.row_id, 'delivery': said.delivery_id, 'as_of': said.as_of}" if with_rows else "}"
    )
    rows = (
        f"""'"row":' || w.said.row_id || ',"delivery":' || w.said.delivery_id || ',"as_of":"' || w.said.as_of
            || '","rule":"' || (case w.field_no {rules} end) || '",' ||"""
        if with_rows
        else ""
    )
    numbers = range(len(taken_fields()))
    duck.execute(
        f"""create or replace table settled as
        with counted as (
            select *, sum(times) over (partition by coop_id, field_no, value) as same_value, {complete} as completeness,
                   {place_cases()} as place, {source_cases()} as source from claim
        ), ranked as (
            select *, row_number() over (partition by coop_id, field_no order by {_order()}) as place_no from counted
        ), others as (
            select r.coop_id, r.field_no, to_json(list({others} order by r.place_no)[1:{MOST_OTHERS}]) as told
            from ranked r join (select coop_id, field_no, value as taken from ranked where place_no = 1) w using (coop_id, field_no)
            where r.value <> w.taken group by all
        ), told as (
            select w.coop_id, w.field_no, w.value, w.said.row_id as row_id,
                   '"' || (case w.field_no {names} end) || '":{{' || {rows} '"source":"' || w.source || '"'
                   || (case when w.live then '' else ',"past":true' end) || coalesce(',"others":' || o.told, '') || '}}' as evidence
            from ranked w left join others o using (coop_id, field_no) where w.place_no = 1
        )
        select coop_id, {", ".join(f"any_value(value) filter (where field_no = {n}) as w{n}" for n in numbers)},
               {", ".join(f"any_value(row_id) filter (where field_no = {field_number(f)}) as r{field_number(f)}" for f in _ROWS_NEEDED)},
               string_agg(evidence, ',' order by field_no) as evidence from told group by coop_id"""
    )


def define_identity(duck: duckdb.DuckDBPyConnection, *, with_rows: bool = False) -> None:
    """Makes `identity`: one row a cooperative that any row speaks of. A town that no source states is read off the address, else
    off a village in the name or address."""
    values = ", ".join(f"coalesce(w{n}, v{n}) as {f.name}" for n, f in enumerate(taken_fields()))
    rows = ", ".join(f"{f'r{field_number(f)}' if with_rows else 'null::bigint'} as {f}_row" for f in _ROWS_NEEDED)
    duck.execute(
        f"""create or replace table stated as
            select coop_id, {values}, evidence as settled_evidence, {rows}
            from agreed left join settled using (coop_id)"""
    )
    _define_towns(duck)
    duck.execute(
        """create or replace table identity as
        select s.coop_id, s.* exclude (coop_id, name, town, town_row, name_row, address_row),
               coalesce(s.name, '（未提供名称）' || coalesce(s.uscc, '')) as name, s.name is null as unnamed,
               coalesce(s.town, t.town) as town, coalesce(s.town_row, s.address_row, s.name_row) as town_row,
               s.town is null and t.town is not null as town_read
        from stated s left join town_read t using (coop_id)"""
    )


def _define_towns(duck: duckdb.DuckDBPyConnection) -> None:
    """Makes `town_read` for cooperatives without a stated town: the longest town named in the address or name, else the town of
    the one village named there. Looked up by every piece of text as long as some name, not name by name."""
    duck.execute(
        """create or replace temp table words as select coop_id, coalesce(address, '') || ' ' || coalesce(name, '') as said
           from stated where town is null and (address is not null or name is not null)"""
    )
    # names end in few characters (镇, 乡, 村…): only where one of them stands can a name end
    pieces = """(select distinct e.coop_id, e.said[e.i - n + 1:e.i] as piece from (
                   select coop_id, said, i from (select coop_id, said, unnest(range(1, length(said) + 1)) as i from words)
                   where contains((select coalesce(string_agg(distinct alias[-1:], ''), '') from {of}), said[i:i])) e
                 cross join (select distinct length(alias) as n from {of}) l where e.i >= n)"""
    duck.execute(
        f"""create or replace table town_read as
        with found as (
            select coop_id, arg_max(t.town, (length(t.alias), t.alias)) as town
            from {pieces.format(of="town_alias where length(alias) > 2")} p join town_alias t on t.alias = p.piece group by coop_id),
        villages as (
            select alias || ending as alias, town from village_alias cross join (values ('村'), ('社区')) e(ending)),
        by_village as (
            select coop_id, any_value(v.town) as town
            from {pieces.format(of="villages")} p join villages v on v.alias = p.piece
            where coop_id not in (select coop_id from found) group by coop_id having count(distinct v.town) = 1)
        select * from found union all select * from by_village"""
    )
