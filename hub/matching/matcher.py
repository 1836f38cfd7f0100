"""The matcher: profiles in, groups out. A pure function of the profiles, the county, the model and the decisions; the
order of its input does not matter. Reading, writing and ids are elsewhere (`hub.matching.resolve`).

    codes          hub.matching.grouping     joins what bears one code and is named alike
    candidates     hub.matching.scoring      weighs what else may be the same
    here           a party without a code goes to the one known cooperative it must be, or asks, or stays by itself
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.deployment import County
from hub.matching.clusters import Clusters
from hub.matching.comparison import COMPARISONS, level_name
from hub.matching.features import profile_features
from hub.matching.grouping import Grouping, Namings, code_facts, group_by_codes
from hub.matching.model import Model, load_model
from hub.matching.names import Gazetteer, learn_gazetteer
from hub.matching.rules import (
    alike_under_one_code,
    apart,
    may_ask,
    may_link,
    may_link_despite_code,
    name_key,
    names_agree,
    same_name,
    together,
    weak_names,
)
from hub.matching.scoring import build_parties, fetch_scored, find_candidates, open_workspace, score_candidates

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ROUNDS = 3  # a linked row brings its phone and representative, which may link another
MOST_OF_ONE_NAME = 20  # coded parties compared for a doubtful second code
MOST_WITHOUT_CODE = 30  # profiles; a larger cooperative without any code waits for a person


@dataclass(frozen=True, slots=True)
class Question:
    """A doubtful pair for a person: two profiles that stand for their parties. `others` are the next candidates."""

    a: int
    b: int
    probability: float
    levels: dict[str, int]
    kind: str = "model"  # or "conflict": one code, two names
    others: tuple[tuple[int, float], ...] = ()
    waits: bool = True  # whether the rows of `a` wait for the answer, or stand as they are meanwhile


@dataclass(frozen=True)
class Outcome:
    """What the matcher made of the profiles; lists run in their order.

    `group` is the smallest profile of the profile's cooperative. `link` is how it came there: `identifier`, `name`,
    `model`, `decision`, `review`, `nothing` (neither name nor usable code) or "" (by itself). `score` is the probability
    where one was computed, `levels` what was compared, `partner` the profile whose party it was compared with."""

    group: list[int]
    link: list[str]
    score: list[float | None]
    levels: dict[int, dict[str, int]]
    partner: dict[int, int]
    questions: list[Question]
    grouping: Grouping
    gazetteer: Gazetteer

    @property
    def organisation(self) -> dict[int, str]:
        """Proven organisation code by group."""
        return self.grouping.clusters.organisation


def match_profiles(
    profiles: pa.Table,
    *,
    county: County | None = None,
    model: Model | None = None,
    same: list[tuple[int, int]] | None = None,
    different: set[tuple[int, int]] | None = None,
) -> Outcome:
    """Groups profiles into cooperatives.

    Args:
        profiles: columns `profile_key, name, former_name, codes (list), representative, phone, town, address,
            founded_on, n_rows, feeds (list)`, ordered by `profile_key`.
        county: the deployment's county; what it lacks is learned from the profiles.
        model: the trained model; the shipped one by default.
        same, different: decisions by staff, as pairs of positions.
    """
    return _Matcher(profiles, county, model or load_model(), same or [], different or set()).run()


class _Matcher:
    """One matching: its state from codes to questions."""

    def __init__(
        self,
        profiles: pa.Table,
        county: County | None,
        model: Model,
        same: list[tuple[int, int]],
        different: set[tuple[int, int]],
    ) -> None:
        self.profiles, self.model = profiles, model
        self.same, self.different = sorted(same), different
        self.gazetteer = learn_gazetteer(
            {n for n in profiles["name"].to_pylist() if n},
            set(profiles["town"].to_pylist()),
            set(profiles["address"].to_pylist()),
            county,
        )
        self.features = profile_features(profiles, self.gazetteer)
        self.size = profiles.num_rows
        self.cores: list[str] = [c[0] if c else "" for c in self.features["core"].to_pylist()]
        self.n_rows: list[int] = profiles["n_rows"].to_pylist()
        self.clusters = Clusters(self.size, different)
        self.link: list[str] = [""] * self.size
        self.score: list[float | None] = [None] * self.size
        self.levels: dict[int, dict[str, int]] = {}
        self.partner: dict[int, int] = {}
        self.questions: list[Question] = []
        self.rows_of: dict[int, list[dict[str, Any]]] = {}

    def run(self) -> Outcome:
        """All steps in order."""
        self.grouping = self._join_by_codes()
        self._doubt_second_codes()
        self._join_by_decisions()
        connection = open_workspace()
        try:
            for turn in range(_ROUNDS):
                self._weigh(connection)
                if not self._link_to_coded(by_name_only=turn == 0) and turn:
                    break
            if self._link_among_uncoded():
                self._weigh(connection)
                self._link_to_coded()
            self._ask()
        finally:
            connection.close()
        group = [self.clusters.find(i) for i in range(self.size)]
        return Outcome(
            group, self.link, self.score, self.levels, self.partner, self.questions, self.grouping, self.gazetteer
        )

    def _join_by_codes(self) -> Grouping:
        rows = self.features.select(["core", "sound", "sound_cut", "brand", "form", "rep", "phone"]).to_pylist()
        decided = {frozenset(p): True for p in self.same} | {frozenset(p): False for p in self.different}

        def alike(i: int, j: int) -> bool:
            return alike_under_one_code(rows[i], rows[j])

        namings = Namings(
            alike=alike,
            key=[name_key(r) for r in rows],
            weight=[
                n + 2.0 * len(feeds)
                for n, feeds in zip(
                    self.profiles["n_rows"].to_pylist(), self.profiles["feeds"].to_pylist(), strict=True
                )
            ],
            decided=lambda i, j: decided.get(frozenset((i, j))),
        )
        grouping = group_by_codes(self.profiles["codes"].to_pylist(), namings, self.clusters)
        self.unplaced = {
            i
            for i, codes in enumerate(self.profiles["codes"].to_pylist())
            if i not in grouping.how and any(f.key.startswith("B:") for f in map(code_facts, codes))
        }
        for i, key in enumerate(namings.key):
            if i in grouping.how:
                self.link[i] = "identifier"
            elif not key:
                self.link[i] = "nothing"
        return grouping

    def _doubt_second_codes(self) -> None:
        """One name under two credit codes: a registry gives a name once in a county, so the code with few rows may be
        pasted from another line. Such a code is doubted and its rows wait, unless representatives or a decision say two
        cooperatives. With less to go by (a person in common and names alike, or the same name and two persons) the rows
        stand as they are, and a person is asked."""
        columns = ["core", "sound", "sound_cut", "brand", "form", "region", "rep", "phone"]
        rows = self.features.select(columns).to_pylist()
        parties: dict[str, set[int]] = defaultdict(set)
        for i, row in enumerate(rows):
            party = self.clusters.find(i)
            if party in self.clusters.organisation and row["core"]:
                form = "".join(row["form"])
                for key in (f"S{row['sound'][0]}", *(f"R{rep}" for rep in row["rep"])):
                    parties[f"{key}|{form}"].add(party)
        asked: set[tuple[int, int]] = set()
        for key, shared in sorted(parties.items()):
            if not 2 <= len(shared) <= MOST_OF_ONE_NAME:
                continue
            main = max(shared, key=lambda p: (self._rows(p), -p))
            for party in sorted(shared - {main}):
                if party in self.clusters.organisation and self._few_rows(party, main):
                    self._doubt(rows, party, main, asked, by_name=key[0] == "S")

    def _few_rows(self, party: int, main: int) -> bool:
        few = self._rows(party) <= 3 or 3 * self._rows(party) <= self._rows(main)
        return few and len(self.clusters.members(party)) <= 2 and not self.clusters.decided_different(party, main)

    def _doubt(
        self, rows: list[dict[str, Any]], party: int, main: int, asked: set[tuple[int, int]], *, by_name: bool
    ) -> None:
        few, theirs = self.clusters.members(party), self.clusters.members(main)

        def share(column: str) -> bool:
            return together(rows, few, theirs, column)

        if apart(rows, few, theirs, "region"):
            return
        person_apart = apart(rows, few, theirs, "rep") and not share("phone")
        if by_name and not person_apart and any(share(c) for c in ("core", "rep", "phone")):
            del self.clusters.organisation[party]
            for i in few:
                self.grouping.conflicts[i] = main
                self.link[i] = ""
        elif (party, main) not in asked and (
            share("core") if by_name else any(names_agree(rows[i], rows[j]) for i in few for j in theirs)
        ):
            asked.add((party, main))
            self.questions.append(Question(party, main, 0.3, {}, "conflict", waits=False))

    def _join_by_decisions(self) -> None:
        for a, b in self.same:
            if not self.clusters.join(a, b) and self.clusters.codes_differ(a, b):
                # A person says one cooperative although the codes differ: the code with fewer rows is the wrong one.
                wrong = min(self.clusters.find(a), self.clusters.find(b), key=lambda p: (self._rows(p), -p))
                del self.clusters.organisation[wrong]
                self.clusters.join(a, b)
            if self.clusters.find(a) != self.clusters.find(b):
                continue
            for i, other in ((a, b), (b, a)):
                self.grouping.conflicts.pop(i, None)
                if self.link[i] != "identifier":
                    self.link[i], self.partner[i] = "decision", other

    def _weigh(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Scores of all parties without a code against every other, `rows_of` by party."""
        import pyarrow as pa

        party = [self.clusters.find(i) for i in range(self.size)]
        coded = [p in self.clusters.organisation for p in party]
        build_parties(
            connection,
            self.features,
            pa.table(
                {
                    "profile": pa.array(range(self.size), pa.int32()),
                    "party": pa.array(party, pa.int32()),
                    "coded": coded,
                    "weak": weak_names(party, self.cores, self.n_rows, self.link),
                }
            ),
        )
        find_candidates(connection)
        score_candidates(connection, self.model)
        self.rows_of = defaultdict(list)
        for row in fetch_scored(connection):
            if self.clusters.may_join(row["a"], row["b"]):
                self.rows_of[row["a"]].append(row)
        # How many cooperatives there may be: those with a code, or as many as there are different names.
        names = connection.execute("select count(distinct sound[1]) from party").fetchall()
        self.prior = self.model.known / max(len(self.clusters.organisation), int(names[0][0]), 1)

    def _chances(self, candidates: list[dict[str, Any]]) -> list[float]:
        """Chance of each candidate to be the party, against the others and against a cooperative not known yet."""
        mass = [self.prior * 2.0 ** min(row["weight"], 60.0) for row in candidates]
        total = sum(mass) + (1.0 - self.model.known)
        return [m / total for m in mass]

    def _held(self, party: int) -> bool:
        """A party with a code that belongs to another name waits for a person, however well it fits elsewhere."""
        return any(i in self.grouping.conflicts for i in self.clusters.members(party))

    def _link_to_coded(self, *, by_name_only: bool = False) -> bool:
        """Links parties without a code to the one cooperative each must be. The very names go first: they bring the
        people and places by which slips are judged."""
        moved = False
        for a, rows in sorted(self.rows_of.items()):
            if self.clusters.find(a) != a or a in self.clusters.organisation:
                continue
            candidates = [r for r in rows if r["b_coded"]]
            if not candidates:
                continue
            chances = self._chances(candidates)
            best = max(range(len(candidates)), key=lambda i: (chances[i], -candidates[i]["b"]))
            if chances[best] < self.model.link or (by_name_only and not same_name(candidates[best])):
                continue
            if self._named_elsewhere(a, candidates[best]) if self._held(a) else self._may_link(a, candidates[best]):
                moved |= self._link(a, candidates[best], chances[best])
        return moved

    def _may_link(self, a: int, row: dict[str, Any]) -> bool:
        """A party with a code that fits nowhere, damaged beyond repair, may be a cooperative of its own: only the very
        name links it."""
        own_code = any(i in self.unplaced for i in self.clusters.members(a))
        return may_link(row) and not (own_code and not same_name(row))

    def _named_elsewhere(self, a: int, row: dict[str, Any]) -> bool:
        """Whether a party with another name's code is so clearly the cooperative it is named after, that the code was
        copied from another line. It is linked there, and asked about all the same (`_ask`)."""
        owners = {
            self.clusters.find(self.grouping.conflicts[i])
            for i in self.clusters.members(a)
            if i in self.grouping.conflicts
        }
        party = self.clusters.find(row["b"])
        # Two rows of its own code at least, so that the master table takes that one and not the copied one.
        own = sum(self.n_rows[i] for i in self.clusters.members(party) if i in self.grouping.how)
        return own >= 2 and party not in owners and may_link_despite_code(row)

    def _link(self, a: int, row: dict[str, Any], chance: float) -> bool:
        members = list(self.clusters.members(a))
        if not self.clusters.join(a, row["b"]):
            return False
        levels = {c.name: row[f"g_{c.name}"] for c in COMPARISONS}
        kind = "name" if level_name(COMPARISONS[0], row["g_name"]) in {"same", "core"} else "model"
        for i in members:
            if not self.link[i]:
                self.link[i], self.score[i], self.levels[i], self.partner[i] = kind, chance, levels, row["b"]
        return True

    def _link_among_uncoded(self) -> bool:
        """Joins parties without codes among themselves, the surest pair first, unless some pair across speaks against."""
        pairs = []
        for a, rows in self.rows_of.items():
            if self.clusters.find(a) != a or a in self.clusters.organisation or self._held(a):
                continue
            for row in rows:
                b = row["b"]
                if row["b_coded"] or self.clusters.find(b) != b or b in self.clusters.organisation or self._held(b):
                    continue
                pairs.append((self._chances([row])[0], a, row))
        pairs.sort(key=lambda p: (-p[0], p[1], p[2]["b"]))
        unlike = {frozenset((a, row["b"])) for chance, a, row in pairs if chance < 0.5}
        parties: dict[int, set[int]] = {}
        moved = False
        for chance, a, row in pairs:
            x, y = self.clusters.find(a), self.clusters.find(row["b"])
            if chance < self.model.link or x == y or not self._may_link(a, row):
                continue
            left, right = parties.get(x, {x}), parties.get(y, {y})
            if any(frozenset((p, q)) in unlike for p in left for q in right):
                continue
            if len(self.clusters.members(x)) + len(self.clusters.members(y)) > MOST_WITHOUT_CODE:
                continue
            if self._link(a, row, chance):
                parties[self.clusters.find(a)] = left | right
                moved = True
        return moved

    def _ask(self) -> None:
        """What is left in doubt becomes questions, one a party; its profiles wait under `review`."""
        self.questions = [q for q in self.questions if self.clusters.find(q.a) != self.clusters.find(q.b)]
        for a, rows in sorted(self.rows_of.items()):
            if self.clusters.find(a) != a or a in self.clusters.organisation:
                continue
            held = self._held(a)
            open_rows = [r for r in rows if may_ask(r) and self.clusters.find(r["b"]) != a]
            chances = self._chances(open_rows)
            order = sorted(range(len(open_rows)), key=lambda i: (-chances[i], open_rows[i]["b"]))
            if not order or chances[order[0]] < (0.5 if held else self.model.review):
                continue
            best = open_rows[order[0]]
            asked, other = a, best["b"]
            if not best["b_coded"] and not held and self._rows(other) < self._rows(a):
                asked, other = other, asked  # let the side with fewer rows wait
            if self.link[asked] == "review":
                continue
            self._question(
                Question(
                    asked,
                    other,
                    chances[order[0]],
                    {c.name: best[f"g_{c.name}"] for c in COMPARISONS},
                    "conflict" if held else "model",
                    tuple((open_rows[i]["b"], chances[i]) for i in order[1:3]),
                )
            )
        self._ask_to_confirm()
        done = {self.clusters.find(q.a) for q in self.questions if q.waits}
        for i, owner in sorted(self.grouping.conflicts.items()):
            if self.clusters.find(i) not in done and self.clusters.find(i) not in self.clusters.organisation:
                done.add(self.clusters.find(i))
                self._question(Question(i, owner, 0.5, {}, "conflict"))

    def _ask_to_confirm(self) -> None:
        """A row that was linked although its code is another's: a person says whether that is right."""
        for i in sorted(self.grouping.conflicts):
            partner = self.partner.get(i)
            if partner is not None and self.link[i] in {"name", "model"}:
                chance = self.score[i] or 0.0
                self.questions.append(Question(i, partner, chance, self.levels[i], "conflict", waits=False))

    def _rows(self, party: int) -> int:
        return sum(self.n_rows[i] for i in self.clusters.members(party))

    def _question(self, question: Question) -> None:
        self.questions.append(question)
        for i in self.clusters.members(question.a):
            self.link[i], self.score[i] = "review", question.probability
