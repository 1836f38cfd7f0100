"""Asking who somebody is without telling anybody: rows from outside against the known cooperatives, by the nightly
matcher's own features, candidates' keys, scores and rules. Nothing is written; what the night would do to known links
is not done here: every row is judged by itself, so neither its order nor its neighbours change the answer.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hub.deployment import County
from hub.identifiers.scope import out_of_scope_reason
from hub.matching.answers import (
    CODE_ALONE,
    CODE_AND_NAME,
    CONFLICT,
    Answer,
    Candidate,
    KnownCooperative,
    Verdict,
    copied_code,
    matched,
    ranked,
    worth_showing,
)
from hub.matching.comparison import COMPARISONS, PARTY_KEYS, column_sql
from hub.matching.features import profile_features
from hub.matching.gazetteers import learn_places
from hub.matching.grouping import CodeFacts, code_facts
from hub.matching.model import Model
from hub.matching.reasons import EMPTY_REASON, model_reason, percent, review_reason
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

if TYPE_CHECKING:
    import pyarrow as pa

_KEPT = 6  # candidates fetched for a row
_COMPARED = ("core", "sound", "brand", "form", "rep", "phone")


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
            return Answer(Verdict.DOUBTFUL, reason, next=worth_showing(found)) if link == "review" else None
        known = self.cooperatives[self._place[coop_id]]
        levels = next((c.levels for c in found if c.cooperative is known), {})
        return matched(Candidate(known, CODE_AND_NAME, levels), f"与“{known.name}”已关联的一条记录完全相同。", found)

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
            return Answer(Verdict.DOUBTFUL, f"同一行的代码分属“{named}”，待人工判断。", next=ranked([*both, *found]))
        if parties:
            party, fact = parties[0], next(iter(proven.values()))
            known = self.cooperatives[party]
            if not row["core"]:
                reason = f"{fact.how}与“{known.name}”一致（名单没有名称可核对）。"
                return matched(Candidate(known, CODE_ALONE), reason, found)
            if not owners.get(party) or self._alike(row, party, owners):
                return matched(self._with_levels(known, found), f"{fact.how}与“{known.name}”一致，名称相符。", found)
            return copied_code(known, found)
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
                return matched(self._with_levels(known, found), reason, found)
            if not fits and len(repaired) == 1 and fact.damaged:
                return copied_code(self.cooperatives[repaired.pop()], found)
        return None

    def _with_levels(self, known: KnownCooperative, found: list[Candidate]) -> Candidate:
        return Candidate(known, CODE_AND_NAME, next((c.levels for c in found if c.cooperative is known), {}))

    def _by_likeness(self, rows: list[dict[str, Any]], found: list[Candidate], facts: list[CodeFacts]) -> Answer:
        """By name, people and places, as the night links a party without a code."""
        codes = {f.organisation for f in facts if f.organisation}
        open_pairs = [(r, c) for r, c in zip(rows, found, strict=True) if may_ask(r)]
        shown = worth_showing(c for _, c in open_pairs)
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
            return matched(best, reason, [c for _, c in open_pairs])
        rivals = [c for _, c in open_pairs if c.confidence >= self.model.review]
        if len(rivals) > 1:
            named = "”“".join(c.cooperative.name for c in rivals[:3])
            reason = f"可能是“{named}”中的一家（最像的把握 {percent(best.confidence)}），名单里的信息分不清。"
        else:
            reason = review_reason("model", best.confidence, best.cooperative.name)
        return Answer(Verdict.DOUBTFUL, reason, next=shown)


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
    """Query of the keys by which the night finds candidates; a test holds both to the same pairs."""
    return " union all ".join(
        f"select party, '{sign}' || unnest({column_sql(column)}) as key from {table}" for sign, column in PARTY_KEYS
    )


def _out_of_scope(name: str, codes: Sequence[str]) -> Answer | None:
    reason = out_of_scope_reason(name, codes)
    return Answer(Verdict.NOT_A_COOPERATIVE, reason) if reason else None
