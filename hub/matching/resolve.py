"""The night's matching: reads live profiles and standing decisions, matches, and writes links, ids, their events and
the questions left for people, all in one transaction. An unchanged night is told by a digest and does nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, text

from hub.deployment import Deployment
from hub.matching.adoption import model_of
from hub.matching.assignment import Assignment, Group, KnownId, assign_ids
from hub.matching.matcher import Outcome, Question, match_profiles
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
from hub.store.arrow import copy_in, read_arrow

if TYPE_CHECKING:
    import pyarrow as pa

_LOCK = 0x_C00B_0004  # one matching at a time
_ALGORITHM = "2"  # raised whenever the same input may give other links

_PROFILES = """
    select p.profile_key, p.name, p.former_name, array_to_json(p.codes)::text as codes, p.representative, p.phone, p.town,
           p.address, p.founded_on::text as founded_on, r.n_rows, r.feeds
    from profile p join (
        select s.profile_key, count(*) as n_rows, string_agg(distinct s.feed, ',' order by s.feed) as feeds
        from source_row s join delivery d using (delivery_id)
        where s.disposition in ('accepted', 'duplicate') and s.superseded_by is null and d.state = 'accepted'
          and s.profile_key is not null
        group by s.profile_key) r using (profile_key)
    order by p.profile_key collate "C"
"""


@dataclass(frozen=True)
class MatchSummary:
    """What a matching did. Counts by kind of link are given for profiles and for the rows they stand for."""

    changed: bool
    profiles: int = 0
    cooperatives: int = 0
    links: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)  # new, merged, split, restored
    questions: int = 0


def resolve(engine: Engine, deployment: Deployment, run_id: int | None, *, model: Model | None = None) -> MatchSummary:
    """Matches all live profiles and writes what changed, in one transaction.

    Returns at once, with `changed` false, when neither rows nor decisions, county or model changed since the last time.
    """
    model = model or model_of(deployment)
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        return resolve_within(connection, deployment, run_id, model)


def resolve_within(connection: Connection, deployment: Deployment, run_id: int | None, model: Model) -> MatchSummary:
    """The same inside the caller's transaction; the caller holds the lock."""
    profiles = read_profiles(connection)
    same, different = read_decisions(connection)
    digest = _digest(profiles, same, different, deployment, model)
    before = connection.execute(text("select value from match_state where name = 'input'")).scalar_one_or_none()
    if before == digest:
        return _standing_summary(connection)
    keys: list[str] = profiles["profile_key"].to_pylist()
    place = {key: i for i, key in enumerate(keys)}
    outcome = match_profiles(
        profiles,
        county=deployment.county,
        model=model,
        same=[(place[a], place[b]) for a, b in same if a in place and b in place],
        different={(place[a], place[b]) for a, b in different if a in place and b in place},
    )
    groups, group_number = _groups(outcome, profiles)
    known = [KnownId(*row) for row in connection.execute(text(_KNOWN_IDS))]
    linked: dict[str, str] = {
        r.profile_key: r.coop_id
        for r in connection.execute(text("select profile_key, coop_id from link where coop_id is not null"))
    }
    waiting = {key for key, kind in zip(keys, outcome.link, strict=True) if kind == "review"}
    assignment = assign_ids(groups, known, linked, waiting)
    seeds = {k.coop_id: k.seed_profile for k in known} | dict(assignment.seeds)
    _write_ids(connection, assignment, run_id)
    _write_links(connection, _link_table(outcome, profiles, group_number, assignment, seeds=seeds, model=model), run_id)
    _write_candidates(connection, outcome, profiles, model, run_id)
    connection.execute(
        text(
            "insert into match_state values ('input', :value) on conflict (name) do update set value = excluded.value"
        ),
        {"value": digest},
    )
    summary = _standing_summary(connection)
    return MatchSummary(
        True,
        summary.profiles,
        summary.cooperatives,
        summary.links,
        summary.rows,
        dict(Counter(e.kind for e in assignment.events)),
        summary.questions,
    )


def read_profiles(connection: Connection) -> pa.Table:
    """Live profiles as the matcher takes them, by key: what rows say that are accepted and not superseded."""
    import pyarrow as pa

    texts = ["profile_key", "name", "former_name", "codes", "representative", "phone", "town", "address", "founded_on"]
    schema = pa.schema([(t, pa.string()) for t in texts] + [("n_rows", pa.int64()), ("feeds", pa.string())])
    table = read_arrow(connection, _PROFILES, schema)
    codes = pa.array([json.loads(c) for c in table["codes"].to_pylist()], pa.list_(pa.string()))
    feeds = pa.array([f.split(",") for f in table["feeds"].to_pylist()], pa.list_(pa.string()))
    table = table.set_column(table.schema.get_field_index("codes"), "codes", codes)
    return table.set_column(table.schema.get_field_index("feeds"), "feeds", feeds)


def read_decisions(connection: Connection) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Decisions in force, as pairs of profile keys: "same" ones and "different" ones."""
    rows = connection.execute(
        text(
            "select profile_a, profile_b, verdict from decision where revoked_at is null and verdict <> 'unsure' "
            "and (confirmed_at is not null or not needs_second) order by decision_id"
        )
    )
    same: list[tuple[str, str]] = []
    different: list[tuple[str, str]] = []
    for a, b, verdict in rows:
        (same if verdict == "same" else different).append((a, b))
    return same, different


def _digest(profiles: pa.Table, same: Any, different: Any, deployment: Deployment, model: Model) -> str:
    digest = hashlib.sha256()
    digest.update(_ALGORITHM.encode())
    for column in ("profile_key", "n_rows", "feeds"):
        digest.update(json.dumps(profiles[column].to_pylist()).encode())
    digest.update(json.dumps([sorted(same), sorted(different)]).encode())
    digest.update(deployment.county.model_dump_json().encode())
    digest.update(json.dumps(model.to_json(), sort_keys=True).encode())
    return digest.hexdigest()


_KNOWN_IDS = """
    select coop_id, seq, redirects_to, seed_profile from cooperative_id order by seq
"""


def _groups(outcome: Outcome, profiles: pa.Table) -> tuple[list[Group], dict[int, int]]:
    """Groups that bear an id, and the number of each group's entry by the matcher's group."""
    keys, rows = profiles["profile_key"].to_pylist(), profiles["n_rows"].to_pylist()
    members: dict[int, list[int]] = defaultdict(list)
    for i, (group, link) in enumerate(zip(outcome.group, outcome.link, strict=True)):
        if link not in {"review", "nothing"}:
            members[group].append(i)
    coded = outcome.grouping.how
    groups: list[Group] = []
    number: dict[int, int] = {}
    for group, inside in sorted(members.items()):
        inside.sort(key=lambda i: (i not in coded, -rows[i], keys[i]))
        number[group] = len(groups)
        groups.append(
            Group(tuple(keys[i] for i in inside), group in outcome.organisation, sum(rows[i] for i in inside))
        )
    return groups, number


def _link_table(
    outcome: Outcome,
    profiles: pa.Table,
    group_number: dict[int, int],
    assignment: Assignment,
    *,
    seeds: dict[str, str | None],
    model: Model,
) -> pa.Table:
    import pyarrow as pa

    keys, names = profiles["profile_key"].to_pylist(), profiles["name"].to_pylist()
    question_of: dict[int, Question] = {}
    for question in outcome.questions:
        if question.waits:
            question_of.setdefault(outcome.group[question.a], question)
    columns: dict[str, list[Any]] = {c: [] for c in ("profile_key", "coop_id", "link", "score", "reason", "evidence")}
    for i, key in enumerate(keys):
        link = outcome.link[i] or "new"
        coop_id = None
        evidence: dict[str, Any] = {}
        levels, partner = outcome.levels.get(i), outcome.partner.get(i)
        if link == "nothing":
            link, reason = "review", EMPTY_REASON
        elif link == "review":
            question = question_of[outcome.group[i]]
            owner = outcome.grouping.conflicts.get(question.a)
            reason = review_reason(
                question.kind, question.probability, names[question.b], names[owner] if owner is not None else None
            )
            evidence = {"partner": keys[question.b], "items": evidence_items(question.levels, model)}
        else:
            coop_id = assignment.ids[group_number[outcome.group[i]]]
            if seeds.get(coop_id) == key and link != "decision":
                link, reason = "new", NEW_REASON
            elif link == "decision":
                reason = DECISION_REASON.format(name=names[partner] if partner is not None else "该社")
            elif link == "identifier":
                reason = identifier_reason(outcome.grouping.how[i])
            elif levels is not None and partner is not None:
                reason = model_reason(levels, outcome.score[i] or 0.0, model, with_name=names[partner])
                if (owner := outcome.grouping.conflicts.get(i)) is not None:
                    reason += pasted_code(names[owner])
            else:
                link, reason = "name", "与该社其他记录一并认定。"
            if i in outcome.grouping.how:
                evidence["code"] = {"how": outcome.grouping.how[i], "code": outcome.grouping.shown.get(i, "")}
            if levels is not None and partner is not None:
                evidence |= {"partner": keys[partner], "items": evidence_items(levels, model)}
        columns["profile_key"].append(key)
        columns["coop_id"].append(coop_id)
        columns["link"].append(link)
        columns["score"].append(outcome.score[i])
        columns["reason"].append(reason)
        columns["evidence"].append(json.dumps(evidence, ensure_ascii=False, sort_keys=True))
    return pa.table({c: pa.array(v, pa.float64() if c == "score" else pa.string()) for c, v in columns.items()})


def _write_ids(connection: Connection, assignment: Assignment, run_id: int | None) -> None:
    if assignment.seeds:
        connection.execute(
            text("insert into cooperative_id (coop_id, created_run_id, seed_profile) values (:id, :run, :seed)"),
            [{"id": i, "run": run_id, "seed": s} for i, s in assignment.seeds.items()],
        )
    if assignment.redirects:
        connection.execute(
            text("update cooperative_id set redirects_to = :target where coop_id = :id"),
            [{"id": i, "target": t} for i, t in assignment.redirects.items()],
        )
    if assignment.events:
        connection.execute(
            text(
                "insert into id_event (run_id, kind, coop_id, other_id, reason) values (:run, :kind, :id, :other, :reason)"
            ),
            [
                {"run": run_id, "kind": e.kind, "id": e.coop_id, "other": e.other_id, "reason": e.reason}
                for e in assignment.events
            ],
        )


def _write_links(connection: Connection, links: pa.Table, run_id: int | None) -> None:
    """Upserts what changed; profiles that are no longer live keep their link, led on to the id that bears it now."""
    connection.execute(
        text(
            "create temporary table new_link (profile_key text, coop_id text, link text, score float8, reason text, "
            "evidence jsonb) on commit drop"
        )
    )
    copy_in(connection, "new_link", links)
    connection.execute(
        text(
            """
            insert into link (profile_key, coop_id, link, score, reason, evidence, run_id)
            select profile_key, coop_id, link, score, reason, evidence, :run from new_link order by profile_key
            on conflict (profile_key) do update set coop_id = excluded.coop_id, link = excluded.link, score = excluded.score,
                reason = excluded.reason, evidence = excluded.evidence, run_id = excluded.run_id
            where (link.coop_id, link.link, link.score, link.reason, link.evidence)
                  is distinct from (excluded.coop_id, excluded.link, excluded.score, excluded.reason, excluded.evidence)
            """
        ),
        {"run": run_id},
    )
    connection.execute(
        text(
            "update link set coop_id = c.redirects_to from cooperative_id c "
            "where c.coop_id = link.coop_id and c.redirects_to is not null"
        )
    )
    connection.execute(text("drop table new_link"))


def _write_candidates(
    connection: Connection, outcome: Outcome, profiles: pa.Table, model: Model, run_id: int | None
) -> None:
    """The questions left for people; those whose answer was "unsure" return only when a side says something new."""
    keys, rows = profiles["profile_key"].to_pylist(), profiles["n_rows"].to_pylist()
    names = profiles["name"].to_pylist()
    settled: Counter[int] = Counter()
    for i, group in enumerate(outcome.group):
        settled[group] += rows[i]
    answered = _answered_parties(connection, outcome, profiles)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for question in outcome.questions:
        parties = frozenset((outcome.group[question.a], outcome.group[question.b]))
        if parties in answered["unsure"]:
            continue
        owner = outcome.grouping.conflicts.get(question.a)
        evidence = {
            "asked": keys[question.a],
            "owner": names[owner] if owner is not None else None,
            "items": evidence_items(question.levels, model),
            "others": [{"profile_key": keys[i], "probability": round(p, 4)} for i, p in question.others],
        }
        a, b = sorted((keys[question.a], keys[question.b]))
        found[a, b] = {
            "a": a,
            "b": b,
            "kind": question.kind,
            "probability": question.probability,
            "evidence": json.dumps(evidence, ensure_ascii=False),
            "rows": settled[outcome.group[question.a]] if question.waits else rows[question.a],
            "run": run_id,
        }
    for (a, b), verdict in answered["changed"].items():
        found.setdefault(
            (a, b),
            {
                "a": a,
                "b": b,
                "kind": "recheck",
                "probability": 1.0 if verdict == "same" else 0.0,
                "evidence": json.dumps({"asked": a, "items": []}),
                "rows": 0,
                "run": run_id,
            },
        )
    connection.execute(text("delete from candidate"))
    if found:
        connection.execute(
            text(
                "insert into candidate (profile_a, profile_b, kind, probability, evidence, rows, run_id) "
                "values (:a, :b, :kind, :probability, cast(:evidence as jsonb), :rows, :run)"
            ),
            list(found.values()),
        )


def _answered_parties(connection: Connection, outcome: Outcome, profiles: pa.Table) -> dict[str, Any]:
    """Standing decisions seen against today's parties: `unsure` pairs of parties not to be asked about again, and
    `changed` pairs of profiles decided before a side said something new (name, representative, phone)."""
    standing = connection.execute(
        text("select profile_a, profile_b, verdict, decided_at from decision where revoked_at is null")
    ).all()
    unsure: set[frozenset[int]] = set()
    changed: dict[tuple[str, str], str] = {}
    if standing:
        place = {key: i for i, key in enumerate(profiles["profile_key"].to_pylist())}
        said = list(
            zip(
                *(profiles[c].to_pylist() for c in ("name", "representative", "phone")), strict=True
            )  # what is compared
        )
        arrived: dict[str, Any] = dict(
            connection.execute(
                text("select p.profile_key, r.started_at from profile p left join run r on r.run_id = p.first_run_id")
            ).all()
        )
        keys = profiles["profile_key"].to_pylist()
        for a, b, verdict, decided_at in standing:
            if a not in place or b not in place:
                continue
            members = {*outcome.grouping.clusters.members(place[a]), *outcome.grouping.clusters.members(place[b])}
            old = {i for i in members if arrived.get(keys[i]) is None or arrived[keys[i]] <= decided_at}
            before = [{v for i in old if (v := said[i][n])} for n in range(3)]
            news = any(v and v not in before[n] for i in members - old for n, v in enumerate(said[i]))
            if verdict == "unsure" and not news:
                unsure.add(frozenset((outcome.group[place[a]], outcome.group[place[b]])))
            elif verdict != "unsure" and news:
                changed[a, b] = verdict
    return {"unsure": unsure, "changed": changed}


def _standing_summary(connection: Connection) -> MatchSummary:
    counts = connection.execute(
        text(
            """
            select l.link, count(*), coalesce(sum(r.n), 0) from link l join (
                select s.profile_key, count(*) as n from source_row s join delivery d using (delivery_id)
                where s.disposition in ('accepted', 'duplicate') and s.superseded_by is null and d.state = 'accepted'
                group by s.profile_key) r using (profile_key) group by l.link order by l.link
            """
        )
    ).all()
    cooperatives = connection.execute(text("select count(distinct coop_id) from link")).scalar_one()
    questions = connection.execute(text("select count(*) from candidate")).scalar_one()
    return MatchSummary(
        False,
        sum(int(c[1]) for c in counts),
        int(cooperatives),
        {c[0]: int(c[1]) for c in counts},
        {c[0]: int(c[2]) for c in counts},
        {},
        int(questions),
    )
