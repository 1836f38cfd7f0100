"""Who says what about a cooperative: every statement of a source about a field of the master table, and where they differ.

Works set-based in DuckDB on the tables of hub.master.inputs. Most cooperatives' sources agree on most fields, so those are
settled in one wide aggregation (`agreed`: a column a field); statements are looked at one by one only where they differ
(`claim`). hub.master.identity says whose word counts.
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
TYPED = 1000  # place of a source that only types names
_STATE_IN_NAME = r"[（(][^（()）]*(注销|吊销|停业|迁出|撤销|已更名)[^（()）]*[)）]\s*$"
_USCC = "^93[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"
_REGISTRATION = "^[0-9]{6}NA[0-9]{6}[0-9X]$"


def taken_fields() -> tuple[MasterField, ...]:
    """Fields whose value some source states; the others are computed."""
    return tuple(f for f in master_fields() if f.rule in ("ranked", "newest", "code", "full_name"))


def field_number(name: str) -> int:
    """A taken field's number in `claim`: its place among the taken fields."""
    return [f.name for f in taken_fields()].index(name)


def _value(field: MasterField, column: str, basis: Basis) -> str:
    """SQL of what a row's column says about a field; null when it says nothing."""
    text = f'cast(r."{column}" as varchar)'
    if field.name == "uscc":
        code = f"right({text}, 18)" if column == "subject_code" else text
        return f"case when regexp_matches({code}, '{_USCC}') then {code} end"
    if field.name == "registration_number":
        return (
            f"case when length({text}) = 15 and (regexp_matches({text}, '{_REGISTRATION}')"
            f" or {text} in (select code from registration_code)) then {text} end"
        )
    if field.kind is Kind.COOPERATIVE_NAME:
        # cleaning costs more than looking whether there is anything to clean
        state = f"case when {text} like '%）%' or {text} like '%)%' then regexp_replace({text}, '{_STATE_IN_NAME}', '') else {text} end"
        bare = f"case when regexp_matches({text}, '\\s') then regexp_replace({state}, '\\s', '', 'g') else {state} end"
        if basis.county:
            # ledgers run the town's cell and the name together: 白石镇云岫县…合作社
            county = basis.county.replace("'", "''")
            bare = (
                f"case when contains({text}, '{county}') and not starts_with({text}, '{county}')"
                f" then regexp_replace({bare}, '^.{{2,4}}(镇|乡|街道)({county})', '\\2') else {bare} end"
            )
        return f"nullif({bare}, '')"
    if field.kind is Kind.TOWN:
        # a county that lists its towns knows them all: what is none of them says nothing about where this one is
        return "alias.town" if basis.towns else f"nullif({text}, '')"
    if field.kind is Kind.PHONE:
        return f"case when length({text}) >= 7 then {text} end"
    return f"nullif({text}, '')"


def _place(field: MasterField, rank: int, feed: str) -> int:
    return TYPED if field.rule == "full_name" and feed not in NAMING_FEEDS else rank


def feeds_with_rows(duck: duckdb.DuckDBPyConnection) -> list[str]:
    """Feeds of which there are rows, one at least: a query over seventeen empty tables takes longer to plan than to run."""
    counts = ", ".join(f"(select count(*) from rows_{feed})" for feed in feed_catalogue())
    row = duck.execute(f"select {counts}").fetchall()[0]
    return [feed for feed, n in zip(feed_catalogue(), row, strict=True) if n] or [next(iter(feed_catalogue()))]


def _layers(feeds: list[str]) -> list[tuple[str, bool, list[tuple[MasterField, int, str]]]]:
    """(feed, all rows or current records, [(field, rank, column)]), so that no layer names a field twice."""
    found: list[tuple[str, bool, list[tuple[MasterField, int, str]]]] = []
    for feed in feeds:
        for past in (True, False):
            layers: list[list[tuple[MasterField, int, str]]] = []
            for field in taken_fields():
                if field.past is not past:
                    continue
                depth = 0
                for rank, source in enumerate(field.sources):
                    if source.partition(".")[0] == feed:
                        if depth == len(layers):
                            layers.append([])
                        layers[depth].append((field, rank, source.partition(".")[2]))
                        depth += 1
            found += [(feed, past, layer) for layer in layers]
    return found


def _table(feed: str, past: bool, layer: list[tuple[MasterField, int, str]], basis: Basis) -> str:
    """FROM clause of a layer: rows `r` and, where it states a town, the county's name for it."""
    table = f"rows_{feed} r" if past else f"now_{feed} r"
    town = next((column for field, _, column in layer if field.kind is Kind.TOWN), None)
    return f'{table} left join town_alias alias on alias.alias = r."{town}"' if town and basis.towns else table


def define_aliases(duck: duckdb.DuckDBPyConnection, basis: Basis) -> None:
    """Makes `town_alias` and `village_alias`."""
    import pyarrow as pa

    for table, names in (("town_alias", basis.towns), ("village_alias", basis.villages)):
        listed = sorted(names.items())
        duck.register("names", pa.table({"alias": [a for a, _ in listed], "town": [t for _, t in listed]},
                                        schema=pa.schema([("alias", pa.string()), ("town", pa.string())])))  # fmt: skip
        duck.execute(f"create or replace table {table} as select alias, town from names")
        duck.unregister("names")


def _define_registration_codes(duck: duckdb.DuckDBPyConnection, field: MasterField) -> None:
    """15-character codes without NA are registration numbers or old tax numbers: typed by their shape, on distinct values."""
    import pyarrow as pa

    union = " union ".join(
        f'select "{s.partition(".")[2]}" as code from rows_{s.partition(".")[0]} where length("{s.partition(".")[2]}") = 15'
        f" and not regexp_matches(\"{s.partition('.')[2]}\", '{_REGISTRATION}')"
        for s in field.sources
    )
    codes = sorted(c for (c,) in duck.execute(union).fetchall() if classify_code(c) is CodeKind.REGISTRATION)
    duck.register("codes", pa.table({"code": pa.array(codes, pa.string())}))
    duck.execute("create or replace table registration_code as select code from codes")
    duck.unregister("codes")


def _define_doubtful_codes(duck: duckdb.DuckDBPyConnection) -> None:
    """Codes that fail their check digit; asked only where a cooperative's sources disagree."""
    import pyarrow as pa

    number = field_number("uscc")
    contested = duck.execute(f"select distinct value from claim where field_no = {number}").fetchall()
    failing = sorted(c for (c,) in contested if not uscc_check_passes(c))
    duck.register("codes", pa.table({"code": pa.array(failing, pa.string())}))
    duck.execute("create or replace table doubtful_code as select code from codes")
    duck.unregister("codes")


def define_claims(duck: duckdb.DuckDBPyConnection, basis: Basis, *, every: bool = False) -> None:
    """Makes `agreed` (coop_id, and for each taken field its value, if all sources agree) and `claim`
    (coop_id, field_no, rank, value, live, times, said): one row per statement where they do not, or of all with `every`."""
    by_name = {f.name: f for f in taken_fields()}
    _define_registration_codes(duck, by_name["registration_number"])
    feeds = feeds_with_rows(duck)
    layers = _layers(feeds)
    selects = []
    for feed, past, layer in layers:
        columns = ", ".join(f"{_value(f, c, basis)} as v{field_number(f.name)}" for f, _, c in layer)
        selects.append(f"select coop_id, {columns} from {_table(feed, past, layer, basis)}")
    numbers = range(len(by_name))
    typed = ", ".join(f"null::varchar as v{n}" for n in numbers)
    selects.append(f"select null::varchar as coop_id, {typed} where false")
    aggregates = ", ".join(f"min(v{n}) as v{n}, coalesce(min(v{n}) <> max(v{n}), false) as c{n}" for n in numbers)
    # every row makes its cooperative known, even where its feed states no field of the master
    selects += [
        f"select coop_id from rows_{feed}" for feed in feeds if feed not in {f for f, past, _ in layers if past}
    ]
    duck.execute(
        f"create or replace table agreed as select coop_id, {aggregates} from"
        f" ({' union all by name '.join(selects)}) group by coop_id"
    )
    contested = ", ".join(f"case when {f'v{n} is not null' if every else f'c{n}'} then {n} end" for n in numbers)
    duck.execute(
        f"""create or replace table contested as select * from (
              select coop_id, unnest([{contested}])::utinyint as field_no from agreed) where field_no is not null"""
    )
    claims = []
    for feed, past, layer in layers:
        value = " ".join(f"when {field_number(f.name)} then {_value(f, c, basis)}" for f, _, c in layer)
        rank = " ".join(f"when {field_number(f.name)} then {rank}" for f, rank, _ in layer)
        claims.append(
            f"""select coop_id, field_no, case field_no {rank} end as rank, case field_no {value} end as value,
                       live, order_no, row_id, delivery_id, as_of from {_table(feed, past, layer, basis)} join contested using (coop_id)"""
        )
    duck.execute(
        f"""create or replace table claim as
            select coop_id, field_no, rank::utinyint as rank, value, bool_or(live) as live, count(*) as times,
                   max({{'order_no': order_no, 'row_id': row_id, 'delivery_id': delivery_id, 'as_of': as_of}}) as said
            from ({" union all ".join(claims)}) where value is not null and rank is not null group by all"""
    )
    _define_doubtful_codes(duck)


def source_cases() -> str:
    """SQL: `feed.field` of a statement, from `field_no` and `rank`."""
    pairs = " ".join(
        f"when {number} then list_extract([{', '.join(repr(s) for s in field.sources)}], rank + 1)"
        for number, field in enumerate(taken_fields())
    )
    return f"(case field_no {pairs} end)"


def place_cases() -> str:
    """SQL: a statement's place among the sources of its field, from `field_no` and `rank`."""
    pairs = " ".join(
        f"when {number} then list_extract({[_place(f, i, s.partition('.')[0]) for i, s in enumerate(f.sources)]}, rank + 1)"
        for number, f in enumerate(taken_fields())
    )
    return f"(case field_no {pairs} end)"
