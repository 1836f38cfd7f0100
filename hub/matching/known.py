"""Asking who somebody is without telling anybody: rows from outside against the known cooperatives, by the nightly
matcher's own features, candidates' keys, scores and rules. Nothing is written; what the night would do to known links
is not done here: every row is judged by itself, so neither its order nor its neighbours change the answer.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from hub.deployment import County
from hub.errors import ConfigurationError
from hub.identifiers.codes import CodeKind, classify_code, clean_code
from hub.identifiers.scope import out_of_scope_reason
from hub.matching.comparison import COMPARISONS, PARTY_KEYS, column_sql, level_name
from hub.matching.features import profile_features
from hub.matching.grouping import CodeFacts, code_facts
from hub.matching.model import Model, load_model
from hub.matching.reasons import EMPTY_REASON, model_reason, percent, review_reason
from hub.matching.reference import learn_places
from hub.matching.rules import (
    alike_under_one_code,
    may_ask,
    may_link,
    may_link_with_own_code,
    name_key,
    weak_names,
)
from hub.matching.scoring import (
    MOST_WITH_A_KEY,
    MOST_WITH_A_NAME_KEY,
    build_parties,
    open_workspace,
    score_candidates,
)
from hub.store.arrow import read_arrow

if TYPE_CHECKING:
    import pyarrow as pa

# A code with its check digits and an agreeing name has no probability of its own: it is shown as this much and no more.
CODE_AND_NAME = 0.999
CODE_ALONE = 0.99
CONFLICT = 0.5
SHOWN_FROM = 0.01  # candidates less likely than this are not worth a look
_KEPT = 6  # candidates fetched for a row
_COMPARED = ("core", "sound", "brand", "form", "rep", "phone")
# The keys by which `scoring.find_candidates` finds pairs; a test holds both to the same pairs.


class Verdict(StrEnum):
    """What became of a row."""

    MATCHED = "matched"
    DOUBTFUL = "doubtful"
    NOT_FOUND = "not_found"
    NOT_A_COOPERATIVE = "not_a_cooperative"


@dataclass(frozen=True, slots=True)
class KnownCooperative:
    """What an answer tells of a cooperative: nothing personal."""

    coop_id: str
    name: str
    uscc: str
    town: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cooperative a row may be; `confidence` from 0 to 1, `levels` by comparison where names and people were compared."""

    cooperative: KnownCooperative
    confidence: float
    levels: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One row's answer. `best` only when matched; `next` are the other candidates, the likeliest first (of a doubtful
    row: all of them). `reason` is one Chinese sentence without any personal value."""

    verdict: Verdict
    reason: str
    best: Candidate | None = None
    next: tuple[Candidate, ...] = ()


_PROFILES = """
    select p.profile_key, p.name, p.former_name, array_to_json(p.codes)::text as codes, p.representative, p.phone, p.town,
           p.address, p.founded_on::text as founded_on, greatest(coalesce(r.n, 1), 1) as n_rows, l.coop_id, l.link, l.reason
    from link l join profile p using (profile_key)
    left join (select profile_key, count(*) as n from source_row where disposition in ('accepted', 'duplicate')
               and superseded_by is null group by profile_key) r using (profile_key)
    order by p.profile_key collate "C"
"""
_MASTER = "select coop_id, name, coalesce(uscc, ''), coalesce(town, '') from cooperative"
_STATE = """
    select coalesce((select value from match_state where name = 'input'), ''),
           coalesce((select max(version) from master_version), 0)
"""


def state_of(connection: Connection) -> tuple[str, int]:
    """What the known cooperatives rest on: it changes when a matching or a projection changed something."""
    row = connection.execute(text(_STATE)).one()
    return str(row[0]), int(row[1])


def read_known(engine: Engine, county: County | None = None, model: Model | None = None) -> KnownCooperatives:
    """Reads the known cooperatives in one read-only transaction.

    Raises:
        ConfigurationError: there is no database yet, or no cooperative in it.
    """
    try:
        with engine.connect() as connection:
            connection.execute(text("set transaction isolation level repeatable read, read only"))
            state = state_of(connection)
            profiles = _read_profiles(connection)
            master = {r[0]: KnownCooperative(*map(str, r)) for r in connection.execute(text(_MASTER))}
            connection.rollback()
    except ProgrammingError as error:
        raise ConfigurationError(
            "数据库还没有建立，没有可供匹配的合作社。", next_step="先执行 coop-hub sync。", detail=str(error.orig)
        ) from None
    if not profiles.num_rows:
        raise ConfigurationError("还没有一家已认定的合作社，无从匹配。", next_step="先执行 coop-hub sync。")
    return KnownCooperatives(profiles, master, county, model or load_model(), state)


def _read_profiles(connection: Connection) -> pa.Table:
    import pyarrow as pa

    texts = ["profile_key", "name", "former_name", "codes", "representative", "phone", "town", "address", "founded_on"]
    ends = ["coop_id", "link", "reason"]
    schema = pa.schema([(t, pa.string()) for t in texts] + [("n_rows", pa.int64())] + [(t, pa.string()) for t in ends])
    table = read_arrow(connection, _PROFILES, schema)
    return table.set_column(table.schema.get_field_index("codes"), "codes", code_lists(table["codes"].to_pylist()))


def code_lists(codes: Iterable[str | None]) -> pa.Array:
    """Lists of codes from JSON texts."""
    import pyarrow as pa

    return pa.array([json.loads(c) if c else [] for c in codes], pa.list_(pa.string()))


class KnownCooperatives:
    """The known cooperatives, ready to be asked. Safe to ask from several threads, one at a time.

    Args:
        profiles: every linked profile with its `coop_id` (null: it waits for a person), `link` and `reason`.
        master: what the master table says, by coop_id.
        state: what they were read from (`state_of`).
    """

    def __init__(
        self,
        profiles: pa.Table,
        master: dict[str, KnownCooperative],
        county: County | None,
        model: Model,
        state: tuple[str, int] = ("", 0),
    ) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self.state, self.model = state, model
        self._said: dict[str, tuple[str | None, str, str]] = {
            key: (coop, link, reason)
            for key, coop, link, reason in zip(
                *(profiles[c].to_pylist() for c in ("profile_key", "coop_id", "link", "reason")), strict=True
            )
        }
        linked = profiles.filter(pc.is_valid(profiles["coop_id"]))
        ids = sorted(set(linked["coop_id"].to_pylist()))
        self._place = {coop_id: i for i, coop_id in enumerate(ids)}
        self._party: list[int] = [self._place[c] for c in linked["coop_id"].to_pylist()]
        self.gazetteer = learn_places(linked, county)
        self._features = profile_features(linked, self.gazetteer)
        self.cooperatives = _described(ids, linked, self._party, master)
        self._codes(linked)
        self._profiles_of: dict[int, list[int]] = defaultdict(list)
        for i, party in enumerate(self._party):
            self._profiles_of[party].append(i)
        self._home: dict[str, set[int]] = defaultdict(set)
        names = self._features.select(["core", "form"]).to_pylist()
        for row, party in zip(names, self._party, strict=True):
            if row["core"]:
                self._home[name_key(row)].add(party)
        cores = [row["core"][0] if row["core"] else "" for row in names]
        self._lock = threading.Lock()
        self._duck = open_workspace()
        build_parties(
            self._duck,
            self._features,
            pa.table(
                {
                    "profile": pa.array(range(linked.num_rows), pa.int32()),
                    "party": pa.array(self._party, pa.int32()),
                    "coded": pa.array([True] * linked.num_rows),
                    "weak": weak_names(self._party, cores, linked["n_rows"].to_pylist(), [""] * len(cores)),
                }
            ),
        )
        self._duck.execute("create table known_party as select * from party")
        self._duck.execute(
            f"""create table known_key as with keys as ({_keys_of("known_party")}), few as (select key from keys group by key
                having count(*) <= case when key[1] in ('R', 'P') then {MOST_WITH_A_KEY} else {MOST_WITH_A_NAME_KEY} end)
                select distinct party, key from keys semi join few using (key)"""
        )
        names_known = self._duck.execute("select count(distinct sound[1]) from known_party").fetchall()
        self._prior = model.known / max(len(ids), int(names_known[0][0]), 1)

    def by_id(self, coop_id: str) -> KnownCooperative | None:
        """The cooperative with a living id."""
        place = self._place.get(coop_id)
        return None if place is None else self.cooperatives[place]

    def close(self) -> None:
        """Lets go of the workspace."""
        self._duck.close()

    def _codes(self, linked: pa.Table) -> None:
        """Who bears which code: organisation codes by most rows (the master's own code first), other keys by all."""
        votes: dict[str, Counter[int]] = defaultdict(Counter)
        self._bearers: dict[str, set[int]] = defaultdict(set)
        for written, party, n in zip(
            linked["codes"].to_pylist(), self._party, linked["n_rows"].to_pylist(), strict=True
        ):
            for fact in map(code_facts, written):
                if fact.organisation:
                    votes[fact.organisation][party] += n
                if fact.key:
                    self._bearers[fact.key].add(party)
        for party, known in enumerate(self.cooperatives):
            if organisation := code_facts(known.uscc).organisation if known.uscc else "":
                votes[organisation][party] += 1_000_000_000
        self._owner = {o: min(found, key=lambda p: (-found[p], p)) for o, found in votes.items()}
        self._organisations: dict[int, set[str]] = defaultdict(set)
        for organisation, party in self._owner.items():
            self._organisations[party].add(organisation)

    def ask(self, profiles: pa.Table) -> list[Answer]:
        """Answers for rows, in their order.

        Args:
            profiles: columns `profile_key` (null: names nobody), `name, former_name, codes (list), representative, phone,
                town, address, founded_on`; best without two rows of one key.
        """
        if not profiles.num_rows:
            return []
        features = profile_features(profiles, self.gazetteer)
        with self._lock:
            scored = self._scored(features)
        rows = features.select(list(_COMPARED)).to_pylist()
        facts = [[f for f in map(code_facts, c) if f.organisation or f.key] for c in profiles["codes"].to_pylist()]
        owners = self._compared_owners(facts)
        answers = []
        for i, (key, name, former, codes) in enumerate(
            zip(*(profiles[c].to_pylist() for c in ("profile_key", "name", "former_name", "codes")), strict=True)
        ):
            found = [self._candidate(row) for row in scored.get(i, ())]
            answer = (
                self._told_before(key, found)
                or _out_of_scope(name or former or "", codes)
                or self._by_code(rows[i], facts[i], found, owners)
                or self._by_likeness(scored.get(i, []), found, facts[i])
            )
            if not rows[i]["core"] and not facts[i] and answer.verdict is Verdict.NOT_FOUND:
                answer = Answer(Verdict.NOT_FOUND, EMPTY_REASON)
            answers.append(answer)
        return answers

    def _scored(self, features: pa.Table) -> dict[int, list[dict[str, Any]]]:
        """Rows of `scored` by asked row, the likeliest first, each with its chance."""
        import pyarrow as pa

        first, count = len(self.cooperatives), features.num_rows
        places = pa.array(range(first, first + count), pa.int32())
        features = features.set_column(features.schema.get_field_index("profile"), "profile", places)
        no = pa.array([False] * count)
        build_parties(self._duck, features, pa.table({"profile": places, "party": places, "coded": no, "weak": no}))
        # A representative is rare when few known cooperatives have that name, whatever the list says.
        self._duck.execute("create or replace temp table asked as select * replace (rep as rare_rep) from party")
        self._duck.execute(
            f"""create or replace temp table candidate as select distinct k.party as a, n.party as b
                from ({_keys_of("asked")}) k join known_key n using (key)"""
        )
        self._duck.execute(
            """create or replace temp table party as select * from asked union all by name
               select * from known_party semi join (select b as party from candidate) using (party)"""
        )
        score_candidates(self._duck, self.model)
        table = self._duck.sql(
            f"""select *, {self._prior!r} * power(2, least(weight, 60.0))
                    / ({self._prior!r} * sum(power(2, least(weight, 60.0))) over (partition by a) + {1 - self.model.known!r})
                    as chance
                from scored qualify row_number() over (partition by a order by weight desc, b) <= {_KEPT}
                order by a, weight desc, b"""
        ).to_arrow_table()
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in table.to_pylist():
            found[row["a"] - first].append(row)
        return found

    def _candidate(self, row: dict[str, Any]) -> Candidate:
        levels = {c.name: row[f"g_{c.name}"] for c in COMPARISONS}
        return Candidate(self.cooperatives[row["b"]], row["chance"], levels)

    def _told_before(self, key: str | None, found: list[Candidate]) -> Answer | None:
        """A row that says exactly what a known one says is what that one is, decisions by staff included."""
        if key not in self._said:
            return None
        coop_id, link, reason = self._said[key]
        if coop_id is None:
            return Answer(Verdict.DOUBTFUL, reason, next=_worth_showing(found)) if link == "review" else None
        known = self.cooperatives[self._place[coop_id]]
        levels = next((c.levels for c in found if c.cooperative is known), {})
        return _matched(Candidate(known, CODE_AND_NAME, levels), f"与“{known.name}”已关联的一条记录完全相同。", found)

    def _compared_owners(self, facts: list[list[CodeFacts]]) -> dict[int, list[dict[str, Any]]]:
        """What is compared of the cooperatives some row's codes lead to."""
        import pyarrow as pa

        wanted: set[int] = set()
        for fact in (f for found in facts for f in found):
            wanted |= {self._owner[o] for o in (fact.organisation, *fact.options) if o in self._owner}
            wanted |= self._bearers.get(fact.key, set())
        places = [(party, i) for party in sorted(wanted) for i in self._profiles_of[party]]
        rows = pa.array([i for _, i in places], pa.int64())
        taken = self._features.select(list(_COMPARED)).take(rows).to_pylist()
        compared: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for (party, _), row in zip(places, taken, strict=True):
            if row["core"]:
                compared[party].append(row)
        return compared

    def _alike(self, row: dict[str, Any], party: int, owners: dict[int, list[dict[str, Any]]]) -> bool:
        """Whether a row's name allows this cooperative, given that a code says so."""
        home = self._home.get(name_key(row))
        if home and party not in home:
            return False  # 兴盛 is at home with another cooperative: no slip for 兴旺
        return any(alike_under_one_code(row, other) for other in owners.get(party, ()))

    def _by_code(
        self,
        row: dict[str, Any],
        facts: list[CodeFacts],
        found: list[Candidate],
        owners: dict[int, list[dict[str, Any]]],
    ) -> Answer | None:
        proven = {f.organisation: f for f in facts if f.organisation in self._owner}
        parties = sorted({self._owner[o] for o in proven})
        if len(parties) > 1:
            both = [Candidate(self.cooperatives[p], CONFLICT) for p in parties]
            named = "”和“".join(c.cooperative.name for c in both[:2])
            return Answer(Verdict.DOUBTFUL, f"同一行的代码分属“{named}”，待人工判断。", next=_ranked([*both, *found]))
        if parties:
            party, fact = parties[0], next(iter(proven.values()))
            known = self.cooperatives[party]
            if not row["core"]:
                reason = f"{fact.how}与“{known.name}”一致（名单没有名称可核对）。"
                return _matched(Candidate(known, CODE_ALONE), reason, found)
            if not owners.get(party) or self._alike(row, party, owners):
                return _matched(self._with_levels(known, found), f"{fact.how}与“{known.name}”一致，名称相符。", found)
            return _copied(known, found)
        if not row["core"]:
            return None
        for fact in facts:
            repaired = {self._owner[o] for o in fact.options if o in self._owner}
            fits = [p for p in sorted(repaired) if self._alike(row, p, owners)]
            changed = "" if fact.key.startswith("R:") else "，按校验位和名称更正"
            if not fits:
                fits = [p for p in sorted(self._bearers.get(fact.key, ())) if self._alike(row, p, owners)]
                changed = ""
            if len(fits) == 1:
                known = self.cooperatives[fits[0]]
                reason = f"{fact.how}与“{known.name}”一致{changed}，名称相符。"
                return _matched(self._with_levels(known, found), reason, found)
            if not fits and len(repaired) == 1 and fact.damaged:
                return _copied(self.cooperatives[repaired.pop()], found)
        return None

    def _with_levels(self, known: KnownCooperative, found: list[Candidate]) -> Candidate:
        return Candidate(known, CODE_AND_NAME, next((c.levels for c in found if c.cooperative is known), {}))

    def _by_likeness(self, rows: list[dict[str, Any]], found: list[Candidate], facts: list[CodeFacts]) -> Answer:
        """By name, people and places, as the night links a party without a code."""
        codes = {f.organisation for f in facts if f.organisation}
        open_pairs = [(r, c) for r, c in zip(rows, found, strict=True) if may_ask(r)]
        shown = _worth_showing(c for _, c in open_pairs)
        if not open_pairs or open_pairs[0][1].confidence < self.model.review:
            return Answer(Verdict.NOT_FOUND, "没有找到代码或名称相符的合作社。", next=shown)
        row, best = open_pairs[0]
        own = self._organisations.get(row["b"], set())
        if codes and own and not codes & own:
            reason = f"名称与“{best.cooperative.name}”相近而代码不同，可能另有一家，也可能代码抄错，待人工判断。"
            return Answer(Verdict.DOUBTFUL, reason, next=shown)
        allowed = may_link_with_own_code if any(f.damaged for f in facts) else may_link
        if best.confidence >= self.model.link and allowed(row):
            reason = model_reason(best.levels, best.confidence, self.model, with_name=best.cooperative.name)
            return _matched(best, reason, [c for _, c in open_pairs])
        rivals = [c for _, c in open_pairs if c.confidence >= self.model.review]
        if len(rivals) > 1:
            named = "”“".join(c.cooperative.name for c in rivals[:3])
            reason = f"可能是“{named}”中的一家（最像的把握 {percent(best.confidence)}），名单里的信息分不清。"
        else:
            reason = review_reason("model", best.confidence, best.cooperative.name)
        return Answer(Verdict.DOUBTFUL, reason, next=shown)


def evidence_features(candidate: Candidate, model: Model) -> list[tuple[str, float]]:
    """What was compared and its weight, log2(m/u): above 0 speaks for."""
    return [
        (c.name, round(model.weights(c)[candidate.levels[c.name]], 2))
        for c in COMPARISONS
        if candidate.levels.get(c.name, -1) >= 0 and level_name(c, candidate.levels[c.name]) != "missing"
    ]


def _described(
    ids: Sequence[str], linked: pa.Table, party: Sequence[int], master: dict[str, KnownCooperative]
) -> list[KnownCooperative]:
    """Every cooperative as the master table names it; one not projected yet by its most frequent name."""
    names: dict[int, Counter[str]] = defaultdict(Counter)
    for name, place, n in zip(linked["name"].to_pylist(), party, linked["n_rows"].to_pylist(), strict=True):
        if name and ids[place] not in master:
            names[place][name] += n
    return [
        master.get(coop_id)
        or KnownCooperative(coop_id, max(names[i], key=lambda n: (names[i][n], n)) if i in names else "", "", "")
        for i, coop_id in enumerate(ids)
    ]


def _keys_of(table: str) -> str:
    return " union all ".join(
        f"select party, '{sign}' || unnest({column_sql(column)}) as key from {table}" for sign, column in PARTY_KEYS
    )


def _out_of_scope(name: str, codes: Sequence[str]) -> Answer | None:
    reason = out_of_scope_reason(name, codes)
    return Answer(Verdict.NOT_A_COOPERATIVE, reason) if reason else None


def _worth_showing(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return _ranked(c for c in found if c.confidence >= SHOWN_FROM)


def _ranked(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Each cooperative once, the likeliest first."""
    best: dict[str, Candidate] = {}
    for candidate in found:
        kept = best.get(candidate.cooperative.coop_id)
        if kept is None or candidate.confidence > kept.confidence:
            best[candidate.cooperative.coop_id] = candidate
    return tuple(sorted(best.values(), key=lambda c: (-c.confidence, c.cooperative.coop_id)))


def _copied(owner: KnownCooperative, found: Iterable[Candidate]) -> Answer:
    """The answer for a row whose code is one cooperative's and whose name is not: the code may be the line's above."""
    others = [c for c in found if c.cooperative is not owner and c.confidence >= SHOWN_FROM]
    reason = review_reason("conflict", CONFLICT, owner.name)
    return Answer(Verdict.DOUBTFUL, reason, next=_ranked([Candidate(owner, CONFLICT), *others]))


def _matched(best: Candidate, reason: str, found: Iterable[Candidate]) -> Answer:
    others = _worth_showing(c for c in found if c.cooperative is not best.cooperative)
    return Answer(Verdict.MATCHED, reason, best, others)


def damaged_codes(codes: Iterable[str | None]) -> bool:
    """Whether a written code was destroyed by a spreadsheet (9.33E+17) and says nothing any more."""
    return any(classify_code(clean_code(c)) is CodeKind.DAMAGED for c in codes if c)
