"""Who says what about a cooperative, and whose word counts: one declared source per field, the others kept as differences.

Works set-based in DuckDB on the tables of hub.master.inputs; makes `taken` (coop_id, field, value, evidence) and `identity`
(one row a cooperative, the columns the facts and rules need).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.feeds import Kind, feed_catalogue
from hub.identifiers.codes import CodeKind, classify_code, uscc_check_passes
from hub.master.basis import Basis
from hub.master.fields import MasterField, master_fields

if TYPE_CHECKING:
    import duckdb

# Feeds whose word on a name is an office's own record; the rest are lists typed by hand.
NAMING_FEEDS = ("registry", "market_abnormal", "market_inspection", "tax_registration", "traceability_subjects")
MOST_OTHERS = 8  # differing values kept per field
_STATE_IN_NAME = r"[（(][^（()）]*(注销|吊销|停业|迁出|撤销|已更名)[^（()）]*[)）]\s*$"
_USCC = "^93[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"
_FULL_SUFFIX = "(专业|股份)合作社(联合社)?$|联合社$"
_IDENTITY = (
    "name",
    "uscc",
    "representative",
    "phone",
    "town",
    "address",
    "founded_on",
    "registry_status",
    "ended_on",
    "members",
)


def taken_fields() -> tuple[MasterField, ...]:
    """Fields whose value some source states; the others are computed."""
    return tuple(f for f in master_fields() if f.rule in ("ranked", "newest", "code", "full_name"))


def _value(field: MasterField, column: str, basis: Basis) -> tuple[str, str]:
    """(SQL of the claim's value, SQL of what makes it a claim)."""
    text = f'cast(r."{column}" as varchar)'
    if field.name == "uscc":
        code = f"right({text}, 18)" if column == "subject_code" else text
        return code, f"regexp_matches({code}, '{_USCC}')"
    if field.name == "registration_number":
        return text, f"{text} in (select code from registration_code)"
    if field.kind is Kind.COOPERATIVE_NAME:
        bare = f"regexp_replace(regexp_replace({text}, '{_STATE_IN_NAME}', ''), '\\s', '', 'g')"
        if basis.county:
            # ledgers run the town's cell and the name together: 白石镇云岫县…合作社
            bare = f"regexp_replace({bare}, '^.{{2,4}}(镇|乡|街道)({basis.county})', '\\2')"
        return bare, f"{text} <> ''"
    if field.kind is Kind.TOWN:
        known = f"(select t.town from town_alias t where t.alias = {text})"
        # a county that lists its towns knows them all: what is none of them says nothing about where this one is
        return (
            f"coalesce({known}, {text})",
            f"({text} in (select alias from town_alias) or (select count(*) from town_alias) = 0)",
        )
    if field.kind is Kind.PHONE:
        return text, f"length({text}) >= 7"
    return text, f"{text} <> ''"


def _claims_of(field: MasterField, rank: int, source: str, basis: Basis) -> str:
    feed, _, column = source.partition(".")
    value, condition = _value(field, column, basis)
    table = f"rows_{feed}" if field.past else f"now_{feed}"
    place = 1000 if field.rule == "full_name" and feed not in NAMING_FEEDS else rank
    return (
        f"select coop_id, '{field.name}' as field, {place} as place, '{source}' as source, {value} as value,"
        f" live, order_no, row_id, delivery_id, as_of from {table} r where {condition}"
    )


def define_aliases(duck: duckdb.DuckDBPyConnection, basis: Basis) -> None:
    """Makes `town_alias` and `village_alias`."""
    for table, names in (("town_alias", basis.towns), ("village_alias", basis.villages)):
        duck.execute(f"create or replace table {table} (alias varchar primary key, town varchar)")
        if names:
            duck.executemany(f"insert into {table} values (?, ?)", sorted(names.items()))


def _define_registration_codes(duck: duckdb.DuckDBPyConnection, field: MasterField) -> None:
    """15-character codes are registration numbers or old tax numbers: typed by their shape, on distinct values."""
    union = " union ".join(
        f'select "{s.partition(".")[2]}" as code from rows_{s.partition(".")[0]} where length("{s.partition(".")[2]}") = 15'
        for s in field.sources
    )
    codes = [c for (c,) in duck.execute(union).fetchall() if classify_code(c) is CodeKind.REGISTRATION]
    duck.execute("create or replace table registration_code (code varchar primary key)")
    if codes:
        duck.executemany("insert into registration_code values (?)", [(c,) for c in sorted(codes)])


def _define_doubtful_codes(duck: duckdb.DuckDBPyConnection) -> None:
    """Codes that fail their check digit; asked only where a cooperative's sources disagree."""
    contested = duck.execute(
        """select distinct value from claim where field = 'uscc' and coop_id in
           (select coop_id from claim where field = 'uscc' group by coop_id having count(distinct value) > 1)"""
    ).fetchall()
    failing = sorted(c for (c,) in contested if not uscc_check_passes(c))
    duck.execute("create or replace table doubtful_code (code varchar primary key)")
    if failing:
        duck.executemany("insert into doubtful_code values (?)", [(c,) for c in failing])


def define_claims(duck: duckdb.DuckDBPyConnection, basis: Basis) -> None:
    """Makes `claim`: one row per (cooperative, field, source, value), with the newest row that says so."""
    by_name = {f.name: f for f in taken_fields()}
    _define_registration_codes(duck, by_name["registration_number"])
    union = " union all ".join(
        _claims_of(field, rank, source, basis)
        for field in by_name.values()
        for rank, source in enumerate(field.sources)
        if source.partition(".")[0] in feed_catalogue()
    )
    duck.execute(
        f"""create or replace table claim as
            select coop_id, field, place, source, value, bool_or(live) as live, count(*) as times,
                   max({{'order_no': order_no, 'row_id': row_id, 'delivery_id': delivery_id, 'as_of': as_of, 'live': live}}) as said
            from ({union}) group by all"""
    )
    _define_doubtful_codes(duck)


def _order() -> str:
    """How claims of one field compete: what stands beats what stood, then the field's rule, then the newest row. A credit
    code that more rows say goes first: one copied from another line of a list stands in one row. Where the
    registry is silent, a name with its county and its legal suffix goes before one that a clerk cut short."""
    newest = ", ".join(f"'{f.name}'" for f in taken_fields() if f.rule == "newest")
    return f"""live desc,
        (field = 'uscc' and value in (select code from doubtful_code)),
        case when field = 'uscc' then -same_value end,
        case when field = 'name' and place = 0 then -9 else -completeness end,
        case when field in ({newest}) then 0 else place end,
        case when place = 1000 then -same_value end,
        case when place = 1000 then -length(value) end,
        said.order_no desc, place, said.row_id desc"""


def define_taken(duck: duckdb.DuckDBPyConnection, basis: Basis) -> None:
    """Makes `taken`: the value that counts for each field, with its evidence and the values that lost; `said` is the part of the
    evidence that says something new (who said what), without the row and the day it was said again.

    Evidence is JSON: row, delivery, source (feed.field), as_of, rule, and `others`, each with value and the same."""
    short = basis.county.replace("'", "''")
    region = f"starts_with(value, '{short}')" if short else "false"
    complete = (
        f"case when field = 'name' then ({region})::int + regexp_matches(value, '{_FULL_SUFFIX}')::int else 0 end"
    )
    rules = " ".join(f"when '{f.name}' then '{f.rule}'" for f in taken_fields())
    duck.execute(
        f"""create or replace table taken as
        with counted as (
            select *, sum(times) over (partition by coop_id, field, value) as same_value, {complete} as completeness from claim
        ), ranked as (
            select *, row_number() over (partition by coop_id, field order by {_order()}) as place_no from counted
        ), won as (
            select * from ranked where place_no = 1
        ), others as (
            select r.coop_id, r.field, to_json(list({{'value': r.value, 'source': r.source, 'row': r.said.row_id,
                'delivery': r.said.delivery_id, 'as_of': r.said.as_of, 'past': not r.live}} order by r.place_no)[1:{MOST_OTHERS}]) as list,
                to_json(list([r.value, r.source] order by r.place_no)[1:{MOST_OTHERS}]) as said
            from ranked r join won w using (coop_id, field) where r.value <> w.value group by all
        )
        select w.coop_id, w.field, w.value,
               '{{"row":' || w.said.row_id || ',"delivery":' || w.said.delivery_id || ',"source":"' || w.source
               || '","as_of":"' || w.said.as_of || '","rule":"' || (case w.field {rules} end)
               || (case when w.live then '"' else '","past":true' end)
               || coalesce(',"others":' || o.list, '') || '}}' as evidence,
               w.said.row_id as row_id, w.source || coalesce(cast(o.said as varchar), '') as said
        from won w left join others o using (coop_id, field)"""
    )


def define_identity(duck: duckdb.DuckDBPyConnection) -> None:
    """Makes `identity`: one row a cooperative that any row speaks of, with the columns facts and rules build on. A town that
    no source states is read off the address, else off a village in the name or address."""
    everyone = " union ".join(f"select coop_id from rows_{feed}" for feed in feed_catalogue())
    columns = ", ".join(
        f"any_value(value) filter (where field = '{n}') as {n}, any_value(row_id) filter (where field = '{n}') as {n}_row"
        for n in _IDENTITY
    )
    duck.execute(
        f"""create or replace table identity as
        with stated as (select coop_id, {columns} from taken group by coop_id),
        missing as (select coop_id, coalesce(address, '') || ' ' || coalesce(name, '') as words, address_row, name_row
                    from stated where town is null),
        found as (
            select coop_id, arg_max(t.town, (length(t.alias), t.alias)) as town,
                   any_value(coalesce(address_row, name_row)) as row_id
            from missing m join town_alias t on contains(m.words, t.alias) and length(t.alias) > 2 group by coop_id),
        by_village as (
            select coop_id, any_value(v.town) as town, any_value(coalesce(address_row, name_row)) as row_id
            from missing m join village_alias v on contains(m.words, v.alias || '村') or contains(m.words, v.alias || '社区')
            group by coop_id having count(distinct v.town) = 1)
        select e.coop_id, s.* exclude (coop_id, name, town, town_row),
               coalesce(s.name, '（未提供名称）' || coalesce(s.uscc, '')) as name,
               coalesce(s.town, f.town, v.town) as town, coalesce(s.town_row, f.row_id, v.row_id) as town_row,
               s.town is null and (f.town is not null or v.town is not null) as town_read
        from ({everyone}) e left join stated s using (coop_id) left join found f using (coop_id)
             left join by_village v using (coop_id)"""
    )
