"""The projection: from rows, links and a basis to one canonical row a cooperative. A pure function, set-based in DuckDB; it
knows nothing of PostgreSQL (hub.master.inputs brings rows, hub.master.publication keeps the result).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from hub.feeds import Kind, feed_catalogue
from hub.master.basis import Basis
from hub.master.claims import define_aliases, define_claims, field_number, taken_fields
from hub.master.facts import DERIVED_ROWS, FACTS, define_facts
from hub.master.fields import MasterField, master_fields
from hub.master.identity import define_identity, define_settled
from hub.master.inputs import define_records
from hub.master.rules import Group, Rule, rules

if TYPE_CHECKING:
    import duckdb

_PLAIN = {Kind.INTEGER, Kind.YEAR, Kind.NUMBER, Kind.MONEY, Kind.BOOLEAN}
FINGERPRINT = "coalesce(bit_xor(md5_number(coop_id || ' ' || digest)), 0)"
ROWS_SHOWN = 20  # rows kept behind one answer; a dossier lists all records anyway


MOST_MEMORY = 5 << 30  # what does not fit is spilled to disk


def new_duck() -> duckdb.DuckDBPyConnection:
    """An empty in-process database with the macros rules use; it takes half of the machine's memory, at most MOST_MEMORY."""
    import os

    import duckdb

    memory = min(MOST_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    spill = str(Path(tempfile.gettempdir()) / f"coop-hub-spill-{os.getpid()}")
    duck = duckdb.connect(":memory:", config={"memory_limit": f"{memory >> 20}MiB", "temp_directory": spill})
    # insertion order is nobody's business here, and keeping it costs memory
    duck.execute("set preserve_insertion_order = false")
    duck.execute("create macro known(has, complete) as case when has then true when complete then false end")
    return duck


def project_rows(duck: duckdb.DuckDBPyConnection, basis: Basis, day: date, *, with_rows: bool = False) -> None:
    """Makes `projected`: coop_id, name, the master's own columns, `fields` and `evidence` (JSON), `records`, `digest`, and what
    the next night must know: `place`, `due_on`, `contested`.

    Needs `source`, `complete` and every `rows_<feed>` (hub.master.inputs). Deterministic: the same rows give the same bytes,
    in whatever order they came. Without rows, `evidence` says whose word counts where sources differ and what an answer hangs on,
    which depends on what is said alone; with rows, also in which row of which delivery every value stands."""
    define_identities(duck, basis, with_rows=with_rows)
    project_identified(duck, basis, day, with_rows=with_rows)


def project_identified(duck: duckdb.DuckDBPyConnection, basis: Basis, day: date, *, with_rows: bool = False) -> None:
    """The second half of a projection: facts, answers, rows."""
    define_facts(duck, basis, day, with_rows=with_rows)
    _drop(duck, "agreed", "settled", "stated", "words", "contested", *(f"facts_{n}" for n in FACTS))
    duck.execute(f"create or replace table answers as {answers_query(basis)}")
    if not with_rows:  # a dossier asks the facts for the conditions of every answer
        _drop(duck, "facts")
    duck.execute(f"create or replace table projected as {_projected(basis, with_rows)}")


def _drop(duck: duckdb.DuckDBPyConnection, *tables: str) -> None:
    """What is needed no more makes room: a province's tables do not all fit at once."""
    for table in tables:
        duck.execute(f"drop table if exists {table}")


def define_identities(duck: duckdb.DuckDBPyConnection, basis: Basis, *, with_rows: bool = False) -> None:
    """The first half of a projection: records, claims and `identity`."""
    define_records(duck, feed_catalogue().values())
    define_aliases(duck, basis)
    define_claims(duck, basis, every=with_rows)
    define_settled(duck, basis, with_rows=with_rows)
    define_identity(duck, with_rows=with_rows)


@contextmanager
def adding_identities(duck: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Rows loaded and identities made in here are of other cooperatives than those there are, and join them at the end: who a
    cooperative is hangs on nobody else."""
    duck.execute("create schema more")
    duck.execute("set search_path = 'more,main'")
    yield
    duck.execute("set search_path = 'main'")
    for table in (*(f"rows_{feed}" for feed in feed_catalogue()), "claim", "identity"):
        duck.execute(f"insert into main.{table} by name select * from more.{table}")
    duck.execute("drop schema more cascade")
    define_records(duck, feed_catalogue().values())


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
    return _quoted(field, sql)


def _object(parts: list[str]) -> str:
    """JSON object from SQL texts of members; null members are left out."""
    return "'{' || concat_ws(',', " + ", ".join(parts) + ") || '}'"


def _taken_members() -> list[str]:
    """Members of `fields` that some source states, in the fields' order."""
    members = []
    for f in taken_fields():
        value = f"a.{f.name}"
        if f.name == "name":
            value = "a.name"
        member = f"'\"{f.name}\":' || {value if f.kind in _PLAIN else _quoted(f, value)}"
        members.append(member)
    return members


def _quoted(field: MasterField, sql: str) -> str:
    """SQL of a JSON string; what can hold a quotation mark is escaped, which costs more. A choice can: what fits none of its
    feed's choices stays as it was written."""
    if field.kind is Kind.DATE:
        return f"'\"' || {sql} || '\"'"
    return f"cast(to_json(cast({sql} as varchar)) as varchar)"


def _derived_members(with_rows: bool) -> tuple[list[str], list[str]]:
    fields, evidence = [], []
    for f in master_fields():
        if f.rule != "derived" or f.name in ("former_names", "other_phones"):
            continue
        fields.append(f"'\"{f.name}\":' || {_json_value(f, f.name)}")
        if with_rows and (rows := DERIVED_ROWS.get(f.name)):
            evidence.append(
                f'case when {f.name} is not null and {rows} is not null then \'"{f.name}":{{"rows":\' ||'
                f' cast(to_json(({rows})[1:{ROWS_SHOWN}]) as varchar) || \',"rule":"derived"}}\' end'
            )
    return fields, evidence


def answer_parts(rule: Rule, basis: Basis) -> str:
    """SQL of a JSON object: which of a rule's conditions hold (true) or do not (false); unknown ones are left out."""
    return _object([f"'\"{n}\":' || ({rule_sql(p.sql, basis)})" for n, p in rule.parts.items()])


def _answer_members(basis: Basis, with_rows: bool) -> tuple[list[str], list[str]]:
    fields = [
        f"'\"{r.name}\":\"' || case when {r.name} then 'yes' when not {r.name} then 'no' end || '\"'" for r in rules()
    ]
    evidence = []
    for r in rules():
        parts = f"'\"parts\":' || {answer_parts(r, basis)}" if r.parts else "null"
        if not with_rows:
            if r.parts:
                evidence.append(f"case when {r.name} then '\"{r.name}\":{{' || {parts} || '}}' end")
            continue
        rows = (
            f"list_filter(({r.rows})[1:{ROWS_SHOWN}], lambda x: x is not null)" if r.rows != "null" else "[]::bigint[]"
        )
        members = [f"'\"rows\":' || coalesce(cast(to_json({rows}) as varchar), '[]')"]
        if r.across:
            members.append(f"'\"with\":' || cast(to_json({r.across}_with) as varchar)")
        if r.parts:
            members.append(f"case when {r.name} then {parts} end")
        shown = r.name if r.group is not Group.STATE else f"{r.name} is not null"
        evidence.append(f"case when {shown} then '\"{r.name}\":' || {_object(members)} end")
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
    name = field_number("name")
    sources = taken_fields()[name].sources
    offices = ", ".join(
        str(i) for i, s in enumerate(sources) if s.partition(".")[0] in ("registry", "tax_registration")
    )
    told = " union all ".join(
        f"select coop_id, former_name as value, order_no from rows_{f.feed} where former_name <> ''" for f in feeds
    )
    return f"""with candidates as (
          {told} union all
          select coop_id, value, said.order_no from claim where field_no = {name} and not live and rank in ({offices})),
        once as (select c.coop_id, c.value, max(c.order_no) as newest from candidates c join identity i using (coop_id)
                 where not contains(i.name, c.value) and not contains(c.value, i.name)
                   and not exists (select 1 from claim l where l.coop_id = c.coop_id and l.field_no = {name} and l.live and l.value = c.value)
                 group by all)
        select coop_id, string_agg(value, '、' order by newest desc, value) as former_names, count(*) as former from once group by coop_id"""


def _projected(basis: Basis, with_rows: bool) -> str:
    derived_fields, derived_evidence = _derived_members(with_rows)
    answer_fields, answer_evidence = _answer_members(basis, with_rows)
    town = 'case when a.town_read then \'"town":{"row":\' || a.town_row || \',"rule":"read_off_address"}\' end'
    fields = _object([*_taken_members(), "'\"former_names\":' || cast(to_json(n.former_names) as varchar)",
                      "'\"other_phones\":' || cast(to_json(p.other_phones) as varchar)", *derived_fields, *answer_fields])  # fmt: skip
    evidence = _object(["a.settled_evidence", *([town] if with_rows else []), *derived_evidence, *answer_evidence])
    phone = field_number("phone")
    return f"""
      with names as ({_former_names()}),
      phones as (
        select coop_id, string_agg(value, '、' order by newest desc, value) as other_phones from (
          select c.coop_id, c.value, max(c.said.order_no) as newest from claim c join identity i using (coop_id)
          where c.field_no = {phone} and c.value <> i.phone and c.live group by all) group by coop_id),
      records as ({_records_digests()}),
      put as (
        select a.coop_id, a.name, a.uscc, a.representative, a.town, a.address, a.phone, a.founded_on, a.registry_status, a.tax_status,
               {fields} as fields, {evidence} as evidence, coalesce(r.records, '') as records,
               a.place, a.due_on, p.other_phones is not null or coalesce(n.former, 0) > 1 as contested
        from answers a left join names n using (coop_id) left join phones p using (coop_id) left join records r using (coop_id))
      select *, md5(fields || records || evidence) as digest from put"""


def version_digest(duck: duckdb.DuckDBPyConnection) -> str:
    """Fingerprint of all rows: the MD5 of each row's id and digest, added up without carry, so that a night can move it by
    the rows that changed. (That nobody rewrote history is what the ledger's hash chain proves, not this.)"""
    return f"{duck.execute(f'select {FINGERPRINT} from projected').fetchall()[0][0]:032x}"
