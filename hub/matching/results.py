"""What a matching found, as tables: `result` (what is new, a profile a line) and `settled` (what all profiles are since the last
matching), and from them groups that bear ids and rows of links.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hub.matching.assignment import Group
from hub.matching.chains import Chain, Question, twin_question
from hub.matching.comparison import COMPARISONS
from hub.matching.model import Model
from hub.matching.reasons import (
    DECISION_REASON,
    EMPTY_REASON,
    NEW_REASON,
    evidence_items,
    identifier_reason,
    model_reason,
    pasted_code,
    review_reason,
)

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CREATE = "create table if not exists settled (profile bigint, grp bigint, link varchar);"
_NAME, _HOW = "\ue8fe", "\ue8ff"  # stand for a name and a kind of code in the sentences handed to SQL


def collect(
    connection: duckdb.DuckDBPyConnection, chains: Iterable[Chain], touched: str | None = None
) -> list[Question]:
    """Writes table `result(profile, grp, link, score, partner, levels)` for all profiles or those of the parties in
    `touched`, renews `settled` for them, and returns the questions."""
    import pyarrow as pa

    connection.execute(
        """create or replace temp table result
           (profile bigint, grp bigint, link varchar, score double, partner bigint, levels tinyint[])"""
    )
    questions: list[Question] = []
    names = [c.name for c in COMPARISONS]
    for chain in chains:
        size = len(chain.profiles)
        levels = [[chain.levels[i][n] for n in names] if i in chain.levels else None for i in range(size)]
        found = pa.table(
            {
                "profile": pa.array(chain.profiles, pa.int64()),
                "grp": pa.array([chain.profiles[chain.clusters.find(i)] for i in range(size)], pa.int64()),
                "link": pa.array(chain.link, pa.string()),
                "score": pa.array(chain.score, pa.float64()),
                "partner": pa.array([chain.partner.get(i) for i in range(size)], pa.int64()),
                "levels": pa.array(levels, pa.list_(pa.int8())),
            }
        )
        connection.register("found_in", found)
        connection.execute("insert into result select * from found_in")
        connection.unregister("found_in")
        questions += chain.questions
    near = "" if touched is None else f"semi join {touched} using (party)"
    connection.execute(
        f"""insert into result select profile, party, link, null, partner, null
            from (select * from standing {near}) anti join result using (profile)"""
    )
    connection.execute(
        """delete from settled where profile in (select profile from result)
           or profile not in (select profile from profile)"""
    )
    connection.execute("insert into settled select profile, grp, link from result")
    twins = connection.execute(
        f"""select s.profile, s.twin from (select * from standing {near}) s join settled x on x.profile = s.profile
            join settled y on y.profile = s.twin where x.grp <> y.grp"""
    ).fetchall()
    questions += [twin_question(a, b) for a, b in twins]
    return sorted(questions, key=lambda q: (q.a, q.b))


def groups_of(connection: duckdb.DuckDBPyConnection, profiles: str) -> tuple[list[int], list[Group]]:
    """Groups that bear an id (numbers and members), of the profiles of a table; groups must lie in it whole."""
    table: pa.Table = connection.sql(
        f"""select grp, list(profile_key order by how is null, n_rows desc, profile) as keys,
                   bool_or(organisation is not null) as coded, sum(n_rows)::bigint as n_rows
            from settled semi join {profiles} using (profile) join profile using (profile)
            join standing using (profile) where settled.link not in ('review', 'nothing') group by grp order by grp"""
    ).to_arrow_table()
    groups = [
        Group(tuple(keys), coded, n)
        for keys, coded, n in zip(*(table[c].to_pylist() for c in ("keys", "coded", "n_rows")), strict=True)
    ]
    return table["grp"].to_pylist(), groups


def link_rows(connection: duckdb.DuckDBPyConnection, questions: Iterable[Question], model: Model) -> pa.Table:
    """Rows of the table `link` for the profiles of `result`, told to `settled` too; table `bearing(grp, coop_id, seed)` says
    which group bears which id, and the profile the id was first given to."""
    connection.register("asked_in", _asked(connection, list(questions), model))
    connection.register("compared_in", _compared(connection, model))
    connection.execute(
        """create or replace temp table written as
           select r.profile, r.grp, p.profile_key, g.coop_id, s.how, s.shown, r.score, o.profile_key as partner,
                  coalesce(o.name, '该社') as partner_name, o.name is not null as named, q.reason as asked, q.evidence as asked_evidence,
                  c.sentence, c.nameless, c.items, case when s.conflict is not null then coalesce(w.name, '') end as owner,
                  case when r.link in ('review', 'nothing') then 'review'
                       when g.seed = p.profile_key and r.link <> 'decision' then 'new'
                       when r.link in ('decision', 'identifier') then r.link
                       when c.sentence is not null and o.profile is not null then r.link else 'name' end as link,
                  r.link = 'nothing' as empty
           from result r join profile p using (profile) join standing s using (profile)
           left join bearing g on g.grp = r.grp left join asked_in q on q.grp = r.grp
           left join profile o on o.profile = r.partner left join profile w on w.profile = s.conflict
           left join compared_in c on c.score = r.score and c.levels = r.levels"""
    )
    for name in ("asked_in", "compared_in"):
        connection.unregister(name)
    rows: pa.Table = connection.sql(
        f"""select profile_key, case when link = 'review' then null else coop_id end as coop_id, link, score,
              case when empty then $empty when link = 'review' then asked
                   when link = 'new' then $new
                   when link = 'decision' then replace($decision, '{_NAME}', partner_name)
                   when link = 'identifier' then replace($identifier, '{_HOW}', how)
                   when sentence is not null then
                        case when named then replace(sentence, '{_NAME}', partner_name) else nameless end
                        || case when owner is not null then replace($pasted, '{_NAME}', owner) else '' end
                   else '与该社其他记录一并认定。' end as reason,
              case when empty then '{{}}' when link = 'review' then asked_evidence
                   else '{{' || concat_ws(', ',
                     case when how is not null then '"code": ' || json_object('how', how, 'code', coalesce(shown, ''))::varchar end,
                     case when items is not null and partner is not null
                          then '"partner": "' || partner || '", "items": ' || items end) || '}}' end as evidence
            from written order by profile_key""",
        params={
            "empty": EMPTY_REASON,
            "new": NEW_REASON,
            "decision": DECISION_REASON.format(name=_NAME),
            "identifier": identifier_reason(_HOW),
            "pasted": pasted_code(_NAME),
        },
    ).to_arrow_table()
    connection.execute("delete from settled where profile in (select profile from result)")
    connection.execute(
        "insert into settled select profile, grp, case when empty then 'nothing' else link end from written"
    )
    connection.execute("drop table written")
    return rows


def _compared(connection: duckdb.DuckDBPyConnection, model: Model) -> pa.Table:
    """Sentences and evidence for what was compared: far fewer than profiles."""
    import pyarrow as pa

    found = connection.execute("select distinct score, levels from result where levels is not null").fetchall()
    columns: dict[str, list[Any]] = {c: [] for c in ("score", "levels", "sentence", "nameless", "items")}
    for score, numbers in found:
        levels = {c.name: n for c, n in zip(COMPARISONS, numbers, strict=True)}
        columns["score"].append(score)
        columns["levels"].append(numbers)
        columns["sentence"].append(model_reason(levels, score, model, with_name=_NAME))
        columns["nameless"].append(model_reason(levels, score, model, with_name=None))
        columns["items"].append(json.dumps(evidence_items(levels, model), ensure_ascii=False))
    kinds = {"score": pa.float64(), "levels": pa.list_(pa.int8())}
    return pa.table({c: pa.array(v, kinds.get(c, pa.string())) for c, v in columns.items()})


def _asked(connection: duckdb.DuckDBPyConnection, questions: list[Question], model: Model) -> pa.Table:
    """Why a group waits, by its number."""
    import pyarrow as pa

    facts = facts_of(connection, {p for q in questions for p in (q.a, q.b)})
    owners = facts_of(connection, {f["conflict"] for f in facts.values() if f["conflict"] is not None})
    columns: dict[str, list[Any]] = {c: [] for c in ("grp", "reason", "evidence")}
    seen: set[int] = set()
    for q in questions:
        asked, other = facts[q.a], facts[q.b]
        if asked["grp"] in seen or not q.waits:
            continue
        seen.add(asked["grp"])
        owner = owners.get(asked["conflict"], {}).get("name")
        columns["grp"].append(asked["grp"])
        columns["reason"].append(review_reason(q.kind, q.probability, other["name"], owner))
        evidence = {"partner": other["profile_key"], "items": evidence_items(q.levels, model)}
        columns["evidence"].append(json.dumps(evidence, ensure_ascii=False, sort_keys=True))
    kinds = {"grp": pa.int64()}
    return pa.table({c: pa.array(v, kinds.get(c, pa.string())) for c, v in columns.items()})


def facts_of(connection: duckdb.DuckDBPyConnection, profiles: set[int]) -> dict[int, dict[str, Any]]:
    """Some profiles' key, name, representative, phone, n_rows, group and the owner of a code they bear in conflict."""
    import pyarrow as pa

    connection.register("fact_in", pa.table({"profile": pa.array(sorted(profiles), pa.int64())}))
    rows: list[dict[str, Any]] = (
        connection.sql(
            """select p.profile, p.profile_key, p.name, p.representative, p.phone, p.n_rows, t.grp, s.conflict
               from fact_in join profile p using (profile) join settled t using (profile) join standing s using (profile)"""
        )
        .to_arrow_table()
        .to_pylist()
    )
    connection.unregister("fact_in")
    return {r["profile"]: r for r in rows}
