"""The projection: from rows, links and a basis to one canonical row a cooperative. A pure function, set-based in DuckDB; it
knows nothing of PostgreSQL (hub.master.inputs brings rows, hub.master.publication keeps the result).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from hub.feeds import Kind, feed_catalogue
from hub.master.basis import Basis
from hub.master.claims import define_aliases, define_claims, define_identity, define_taken
from hub.master.facts import DERIVED_ROWS, define_facts
from hub.master.fields import MasterField, master_fields
from hub.master.inputs import define_records
from hub.master.rules import Group, Rule, rules

if TYPE_CHECKING:
    import duckdb

_PLAIN = {Kind.INTEGER, Kind.YEAR, Kind.NUMBER, Kind.MONEY, Kind.BOOLEAN}
ROWS_SHOWN = 20  # rows kept behind one answer; a dossier lists all records anyway


def new_duck(
    memory_limit: str | None = None, threads: int | None = None, spill: str | None = None
) -> duckdb.DuckDBPyConnection:
    """An empty in-process database with the macros rules use."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {}
    if memory_limit:
        config["memory_limit"] = memory_limit
    if threads:
        config["threads"] = threads
    if spill:
        config["temp_directory"] = spill
    duck = duckdb.connect(":memory:", config=config)
    duck.execute("create macro known(has, complete) as case when has then true when complete then false end")
    return duck


def project_rows(duck: duckdb.DuckDBPyConnection, basis: Basis, day: date) -> None:
    """Makes `projected`: coop_id, name, the master's own columns, `fields` and `evidence` (JSON), `records`, `digest`, `proof`.

    Needs `source`, `complete` and every `rows_<feed>` (hub.master.inputs). Deterministic: the same rows give the same bytes."""
    for feed in feed_catalogue().values():
        define_records(duck, feed)
    define_aliases(duck, basis)
    define_claims(duck, basis)
    define_taken(duck, basis)
    define_identity(duck)
    define_facts(duck, basis, day)
    duck.execute(f"create or replace table answers as {answers_query(basis)}")
    duck.execute(f"create or replace table projected as {_projected(basis)}")


def rule_sql(text: str, basis: Basis) -> str:
    """A rule's SQL with its thresholds filled in."""
    return text.format(**basis.thresholds.model_dump())


def answers_query(basis: Basis) -> str:
    """`facts`, and beside them each rule's answer (true, false, null) under the rule's name."""
    columns = ", ".join(f"({rule_sql(r.holds, basis)}) as {r.name}" for r in rules())
    return f"select *, {columns} from facts"


def _json_value(field: MasterField, sql: str) -> str:
    if field.kind in _PLAIN:
        return f"cast({sql} as varchar)"
    if field.kind is Kind.DATE:
        return f"'\"' || {sql} || '\"'"
    return f"cast(to_json(cast({sql} as varchar)) as varchar)"


def _object(parts: list[str]) -> str:
    """JSON object from SQL texts of members; null members are left out."""
    return "'{' || concat_ws(',', " + ", ".join(parts) + ") || '}'"


def _taken_aggregates() -> str:
    place = " ".join(f"when '{f.name}' then {i}" for i, f in enumerate(master_fields()))
    plain = [f.name for f in master_fields() if f.kind in _PLAIN]
    quoted = ", ".join(f"'{n}'" for n in plain)
    return f"""select coop_id,
        string_agg('"' || field || '":' || case when field in ({quoted}) then value else cast(to_json(value) as varchar) end, ','
                   order by case field {place} end) as fields,
        string_agg('"' || field || '":' || evidence, ',' order by case field {place} end) as evidence,
        string_agg(field || said, ',' order by case field {place} end) as said
      from taken group by coop_id"""


def _derived_members() -> tuple[list[str], list[str]]:
    fields, evidence = [], []
    for f in master_fields():
        if f.rule != "derived" or f.name in ("former_names", "other_phones"):
            continue
        fields.append(f"'\"{f.name}\":' || {_json_value(f, f.name)}")
        if rows := DERIVED_ROWS.get(f.name):
            evidence.append(
                f'case when {f.name} is not null and {rows} is not null then \'"{f.name}":{{"rows":\' ||'
                f' cast(to_json(({rows})[1:{ROWS_SHOWN}]) as varchar) || \',"rule":"derived"}}\' end'
            )
    return fields, evidence


def answer_parts(rule: Rule, basis: Basis) -> str:
    """SQL of a JSON object: which of a rule's conditions hold (true) or do not (false); unknown ones are left out."""
    return _object([f"'\"{n}\":' || ({rule_sql(p.sql, basis)})" for n, p in rule.parts.items()])


def _answer_members(basis: Basis) -> tuple[list[str], list[str]]:
    fields = [
        f"'\"{r.name}\":\"' || case when {r.name} then 'yes' when not {r.name} then 'no' end || '\"'" for r in rules()
    ]
    evidence = []
    for r in rules():
        rows = (
            f"list_filter(({r.rows})[1:{ROWS_SHOWN}], lambda x: x is not null)" if r.rows != "null" else "[]::bigint[]"
        )
        more = f" || coalesce(',\"with\":' || cast(to_json({r.across}_with) as varchar), '')" if r.across else ""
        if r.parts:
            more += f" || case when {r.name} then ',\"parts\":' || {answer_parts(r, basis)} else '' end"
        shown = r.name if r.group is not Group.STATE else f"{r.name} is not null"
        evidence.append(
            f"case when {shown} then '\"{r.name}\":{{\"rows\":' || coalesce(cast(to_json({rows}) as varchar), '[]')"
            f"{more} || '}}' end"
        )
    return fields, evidence


def _records_digests() -> str:
    """One digest a cooperative over what its records say, in an order that does not depend on row ids."""
    union = " union all ".join(
        f"select coop_id, '{f.feed}' || coalesce(content_key, '') as said from now_{f.feed}"
        for f in feed_catalogue().values()
    )
    return f"select coop_id, md5(string_agg(said, '' order by said)) as records from ({union}) group by coop_id"


def _former_names() -> str:
    """Former names: those a source calls so, and names an office's own list carried before but no list carries now. A name
    that only leaves out the county, or writes the suffix shorter, is no former name: it contains or is contained."""
    feeds = [f for f in feed_catalogue().values() if "former_name" in f.by_name]
    told = " union all ".join(
        f"select coop_id, former_name as value, order_no from rows_{f.feed} where former_name <> ''" for f in feeds
    )
    return f"""with candidates as (
          {told} union all
          select coop_id, value, said.order_no from claim
          where field = 'name' and not live and (source like 'registry.%' or source like 'tax_registration.%')),
        once as (select c.coop_id, c.value, max(c.order_no) as newest from candidates c join identity i using (coop_id)
                 where not contains(i.name, c.value) and not contains(c.value, i.name)
                   and not exists (select 1 from claim l where l.coop_id = c.coop_id and l.field = 'name' and l.live and l.value = c.value)
                 group by all)
        select coop_id, string_agg(value, '、' order by newest desc, value) as former_names from once group by coop_id"""


def _projected(basis: Basis) -> str:
    derived_fields, derived_evidence = _derived_members()
    answer_fields, answer_evidence = _answer_members(basis)
    inferred = (
        "case when a.town_read then '\"town\":' || cast(to_json(a.town) as varchar) end",
        'case when a.town_read then \'"town":{"row":\' || a.town_row || \',"rule":"read_off_address"}\' end',
    )
    unnamed = "case when a.name_row is null then '\"name\":' || cast(to_json(a.name) as varchar) end"
    fields = _object([unnamed, "t.fields", inferred[0],
        "'\"former_names\":' || cast(to_json(n.former_names) as varchar)", "'\"other_phones\":' || cast(to_json(p.other_phones) as varchar)",
        *derived_fields, *answer_fields])  # fmt: skip
    parts = ", ".join(f"case when {r.name} then {answer_parts(r, basis)} end" for r in rules() if r.parts)
    evidence = _object(["t.evidence", inferred[1], *derived_evidence, *answer_evidence])
    return f"""
      with taken_json as ({_taken_aggregates()}),
      names as ({_former_names()}),
      phones as (
        select coop_id, string_agg(value, '、' order by newest desc, value) as other_phones from (
          select c.coop_id, c.value, max(c.said.order_no) as newest from claim c join identity i using (coop_id)
          where c.field = 'phone' and c.value <> i.phone and c.live group by all) group by coop_id),
      records as ({_records_digests()}),
      put as (
        select a.coop_id, a.name, a.uscc, a.representative, a.town, a.address, a.phone, a.founded_on, a.registry_status, a.tax_status,
               {fields} as fields, {evidence} as evidence, coalesce(r.records, '') as records,
               concat_ws(',', t.said, {parts}) as said
        from answers a left join taken_json t using (coop_id) left join names n using (coop_id) left join phones p using (coop_id)
             left join records r using (coop_id))
      select * exclude (said), md5(fields || records || said) as digest, md5(evidence) as proof from put"""


def version_digest(duck: duckdb.DuckDBPyConnection) -> str:
    """SHA-256 over the canonical rows, in the order of coop_id."""
    row = duck.execute(
        "select sha256(coalesce(string_agg(coop_id || ' ' || digest, chr(10) order by coop_id), '')) from projected"
    ).fetchone()
    return str(row[0]) if row else ""
