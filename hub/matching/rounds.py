"""Parties that hang together by bonds, matched: a party without a code goes to the one known cooperative it must be, or asks, or
stays by itself. A pure function of the profiles in it; chains of bonds do not influence one another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hub.matching.asking import Asking
from hub.matching.chains import Chain, Question
from hub.matching.comparison import COMPARISONS, FEATURE_COLUMNS, level_name
from hub.matching.model import Model
from hub.matching.rules import (
    PEOPLE_AND_TOWN,
    at_odds,
    is_doubtful,
    may_be_a_slip_of_the_code,
    may_link,
    may_link_despite_code,
    may_link_with_own_code,
    nothing_against,
    same_name,
    weak_names,
)
from hub.matching.scoring import fetch_scored, gather_parties, score_candidates

if TYPE_CHECKING:
    import duckdb

_ANY = -1  # stands for every cooperative
_ROUNDS = 3  # a linked row brings its phone and representative, which may link another
MOST_WITHOUT_CODE = 30  # profiles; a larger cooperative without any code waits for a person


_Wish = tuple[int, dict[str, Any], float]  # a party, the scored pair by which it wants to be linked, the chance


class Rounds:
    """Matches a chain, or several at once. Afterwards the chain's `clusters`, `link`, `score`, `levels`, `partner` (numbers
    of profiles) and `questions` (numbers of profiles) hold the outcome.

    Args:
        connection: has the features of the chain's profiles in table `chain_feature`.
        rare: query of the representatives few cooperatives have; it may read `party_plain`.
        prior: the chance that a party without a code is one given cooperative, before anything is compared.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, chain: Chain, model: Model, *, rare: str, prior: float
    ) -> None:
        self.connection, self.chain, self.model, self.rare, self.prior = connection, chain, model, rare, prior
        self.clusters, self.link, self.n_rows = chain.clusters, chain.link, chain.n_rows
        self.size = len(chain.profiles)
        chain.score = [None] * self.size
        self.known: dict[tuple[int, int], dict[str, Any] | None] = {}  # scored pairs; None: far from any match
        self.changed: set[int] = set()  # parties that grew since they were scored
        self.rows_of: dict[int, list[dict[str, Any]]] = {}
        self.held_parties: set[int] = set()
        self.unplaced_parties: set[int] = set()
        self.namesakes: dict[tuple[int, int], int] = {}  # (party, cooperative) -> how alike a third is named
        self.doubtful: dict[int, Question] = {}  # by the first profile of what was linked
        self.postponed = False  # whether a link waits for others to be weighed
        self.known.update(self._known_bonds())

    def run(self) -> Chain:
        """All rounds, then the questions."""
        for turn in range(_ROUNDS):
            self._weigh()
            if not self._link_to_coded(by_name_only=turn == 0) and turn:
                break
        self._link_among_uncoded()  # always followed by a last look: whether others moved must not decide it
        for _ in range(_ROUNDS):
            self._weigh()
            if not self._link_to_coded() or not self.postponed:
                break
        Asking(self.chain, self.rows_of, self.doubtful, self._chances, self.model).ask()
        return self.chain

    def _weigh(self) -> None:
        """Scores of all parties without a code against those they have bonds with, `rows_of` by party."""
        self.held_parties = self.chain.held()
        self.unplaced_parties = {self.clusters.find(i) for i in self.chain.unplaced}
        pairs = {p for p in (self._pair(bond.a, bond.b) for bond in self.chain.bonds) if p is not None}
        stale = sorted(p for p in pairs if p not in self.known or p[0] in self.changed or p[1] in self.changed)
        self.changed.clear()
        if stale:
            self._score(stale)
        self.rows_of = defaultdict(list)
        self.namesakes = {}
        for pair in sorted(pairs):
            row = self.known[pair]
            if row is not None and self.clusters.may_join(*pair):
                self.rows_of[pair[0]].append(row)
                self._note_namesake(row)
        for rows in self.rows_of.values():
            rows.sort(key=lambda r: (-r["weight"], r["b"]))

    def _rather_a_namesake(self, a: int, row: dict[str, Any]) -> bool:
        """Whether a party may rather be another than the cooperative it would be linked to."""
        rival = max(self.namesakes.get((a, self.clusters.find(row["b"])), 0), self.namesakes.get((a, _ANY), 0))
        return rival > row["g_name"] or (rival == row["g_name"] and not nothing_against(row))

    def _note_namesake(self, row: dict[str, Any]) -> None:
        """A party with a code of its own, held because another of its name has another, or damaged and fitting nowhere, may
        be a cooperative not known yet: what is named like it to the letter is not the known one's for sure."""
        for party, held in ((row["a"], row["b"]), (row["b"], row["a"])):
            if held in self.clusters.organisation or party in self.clusters.organisation:
                continue
            if held in self.unplaced_parties:
                self.namesakes[party, _ANY] = max(self.namesakes.get((party, _ANY), 0), row["g_name"])
            if held not in self.held_parties:
                continue
            for i in self.clusters.members(held):
                owner = self.chain.place.get(self.chain.conflicts.get(i, -1))
                if owner is not None:
                    key = (party, self.clusters.find(owner))
                    self.namesakes[key] = max(self.namesakes.get(key, 0), row["g_name"])

    def _pair(self, x: int, y: int) -> tuple[int, int] | None:
        """The parties of two positions, the one that may go to the other first; None when neither may."""
        coded = self.clusters.organisation
        a, b = self.clusters.find(x), self.clusters.find(y)
        if a == b or (a in coded and b in coded):
            return None
        return (b, a) if a in coded or (b not in coded and b > a) else (a, b)

    def _known_bonds(self) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
        """What is known of pairs before anything is linked."""
        names = [f"g_{c.name}" for c in COMPARISONS]
        for bond in self.chain.bonds:
            pair = self._pair(bond.a, bond.b)
            if pair is not None and bond.levels is not None:
                of_two = {
                    "a": pair[0],
                    "b": pair[1],
                    "b_coded": pair[1] in self.clusters.organisation,
                    "weight": bond.weight,
                }
                yield pair, of_two | dict(zip(names, bond.levels, strict=True))

    def _score(self, pairs: list[tuple[int, int]]) -> None:
        import pyarrow as pa

        wanted = {p for pair in pairs for p in pair}
        inside = [i for p in sorted(wanted) for i in sorted(self.clusters.members(p))]
        party = [self.clusters.find(i) for i in inside]
        weak = weak_names(
            party,
            [self.chain.cores[i] for i in inside],
            [self.n_rows[i] for i in inside],
            [self.link[i] for i in inside],
        )
        members = pa.table(
            {
                "profile": pa.array([self.chain.profiles[i] for i in inside], pa.int64()),
                "party": pa.array(party, pa.int32()),
                "coded": pa.array([p in self.clusters.organisation for p in party], pa.bool_()),
                "weak": pa.array(weak, pa.bool_()),
            }
        )
        self.connection.register("chain_in", members)
        features = ", ".join(f"f.{c}" for c in FEATURE_COLUMNS)
        gather_parties(
            self.connection,
            f"select m.party, m.coded, m.weak, {features} from chain_in m join chain_feature f using (profile)",
            self.rare,
        )
        self.connection.unregister("chain_in")
        candidates = pa.table({n: pa.array([p[i] for p in pairs], pa.int32()) for i, n in enumerate(("a", "b"))})
        self.connection.register("pair_in", candidates)
        self.connection.execute("create or replace temp table candidate as select * from pair_in")
        self.connection.unregister("pair_in")
        score_candidates(self.connection, self.model)
        self.known.update(dict.fromkeys(pairs))
        for row in fetch_scored(self.connection):
            self.known[row["a"], row["b"]] = row
        for name in ("candidate", "party", "party_plain", "scored"):
            self.connection.execute(f"drop table {name}")

    def _chances(self, candidates: Sequence[dict[str, Any]]) -> list[float]:
        """Chance of each candidate to be the party, against the others and against a cooperative not known yet."""
        mass = [self.prior * 2.0 ** min(row["weight"], 60.0) for row in candidates]
        total = sum(mass) + (1.0 - self.model.known)
        return [m / total for m in mass]

    def _held(self, party: int) -> bool:
        """A party with a code that belongs to another name waits for a person, unless it is clearly named elsewhere."""
        return party in self.held_parties

    def _link_to_coded(self, *, by_name_only: bool = False) -> bool:
        """Links parties without a code to the one cooperative each must be. The very names go first: they bring the
        people and places by which slips are judged."""
        wanted = []
        for a, rows in sorted(self.rows_of.items()):
            if self.clusters.find(a) != a or a in self.clusters.organisation:
                continue
            candidates = [r for r in rows if r["b_coded"]]
            if not candidates:
                continue
            chances = self._chances(candidates)
            best = max(range(len(candidates)), key=lambda i: (chances[i], -candidates[i]["b"]))
            row = candidates[best]
            if chances[best] < self.model.link or (by_name_only and not same_name(row)):
                continue
            if self._held(a):
                allowed = self._named_elsewhere(a, row)
            else:
                allowed = self._may_link(a, row) and not self._rather_a_namesake(a, row)
            if allowed:
                wanted.append((a, row, chances[best]))
        going = self._not_at_odds(wanted)
        self.postponed = len(going) < len(wanted)
        linked = [self._link(a, row, chance) for a, row, chance in going]
        return any(linked)

    def _not_at_odds(self, wanted: list[_Wish]) -> list[_Wish]:
        """Of parties that want to go to one cooperative, those whose towns and people do not contradict one another, the
        best named first. The others are weighed again, against the people and places those brought."""
        several: dict[int, list[_Wish]] = defaultdict(list)
        for wish in wanted:
            several[self.clusters.find(wish[1]["b"])].append(wish)
        contested = [wish for wishes in several.values() if len(wishes) > 1 for wish in wishes]
        said = self._said_of([a for a, _, _ in contested])
        going: list[_Wish] = []
        for wishes in several.values():
            settled: list[int] = []
            for wish in sorted(wishes, key=lambda w: (-w[1]["g_name"], -w[2], w[0])):
                if not any(at_odds(said[wish[0]], said[other]) for other in settled):
                    settled.append(wish[0])
                    going.append(wish)
        return going

    def _said_of(self, parties: list[int]) -> dict[int, dict[str, set[str]]]:
        """Towns and people of some parties."""
        import pyarrow as pa

        if not parties:
            return {}
        inside = [(self.chain.profiles[i], p) for p in parties for i in self.clusters.members(p)]
        self.connection.register(
            "said_in", pa.table({n: [m[k] for m in inside] for k, n in enumerate(("profile", "party"))})
        )
        rows = self.connection.execute(
            f"select party, {', '.join(PEOPLE_AND_TOWN)} from chain_feature join said_in using (profile)"
        ).fetchall()
        self.connection.unregister("said_in")
        said: dict[int, dict[str, set[str]]] = {p: {c: set() for c in PEOPLE_AND_TOWN} for p in parties}
        for party, *values in rows:
            for column, found in zip(PEOPLE_AND_TOWN, values, strict=True):
                said[party][column].update(found)
        return said

    def _may_link(self, a: int, row: dict[str, Any]) -> bool:
        """Whether the rules allow it; a party with a code that fits nowhere may be a cooperative of its own."""
        own_code = not self.chain.unplaced.isdisjoint(self.clusters.members(a))
        return may_link_with_own_code(row) if own_code else may_link(row)

    def _named_elsewhere(self, a: int, row: dict[str, Any]) -> bool:
        """Whether a party with another name's code is so clearly the cooperative it is named after, that the code was
        copied from another line. It is linked there, and a person is asked all the same (`hub.matching.asking`)."""
        conflicts, find = self.chain.conflicts, self.clusters.find
        owners = {conflicts[i] for i in self.clusters.members(a) if i in conflicts}
        party = find(row["b"])
        # Two rows of its own code at least, so that the master table takes that one and not the copied one.
        own = sum(self.n_rows[i] for i in self.clusters.members(party) if i in self.chain.coded)
        is_owner = any(self.chain.profiles[i] in owners for i in self.clusters.members(party))
        if own < 2 or is_owner:
            return False
        return may_link_despite_code(row) or (may_be_a_slip_of_the_code(row) and self._only_named(a, party))

    def _only_named(self, a: int, party: int) -> bool:
        """Whether a party names nobody and stands in lists where the other one does not."""
        feeds = self.chain.feeds
        mine, theirs = ({f for i in self.clusters.members(p) for f in feeds[i]} for p in (a, party))
        said = self._said_of([a])[a]
        return mine.isdisjoint(theirs) and not said["rep"] and not said["phone"]

    def _link(self, a: int, row: dict[str, Any], chance: float) -> bool:
        members = list(self.clusters.members(a))
        other = self.chain.spokesman(self.clusters.find(row["b"]))
        if not self.clusters.join(a, row["b"]):
            return False
        if is_doubtful(row):
            levels = {c.name: row[f"g_{c.name}"] for c in COMPARISONS}
            of_both = self.chain.profiles[a], self.chain.profiles[other]
            self.doubtful[a] = Question(*of_both, chance, levels, waits=False)
        self.changed.add(self.clusters.find(a))
        levels = {c.name: row[f"g_{c.name}"] for c in COMPARISONS}
        kind = "name" if level_name(COMPARISONS[0], row["g_name"]) in {"same", "core"} else "model"
        chain = self.chain
        for i in members:
            if not self.link[i]:
                self.link[i], chain.score[i], chain.levels[i] = kind, chance, levels
                chain.partner[i] = chain.profiles[row["b"]]
        return True

    def _link_among_uncoded(self) -> None:
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
        best = self._best_named_with_code()
        parties: dict[int, set[int]] = {}
        for chance, a, row in pairs:
            x, y = self.clusters.find(a), self.clusters.find(row["b"])
            if chance < self.model.link or x == y or not self._may_link(a, row):
                continue
            if row["g_name"] < max(best.get(a, 0), best.get(row["b"], 0)):
                continue  # rather the known one's, of which there may be several
            left, right = parties.get(x, {x}), parties.get(y, {y})
            if any(frozenset((p, q)) in unlike for p in left for q in right):
                continue
            if len(self.clusters.members(x)) + len(self.clusters.members(y)) > MOST_WITHOUT_CODE:
                continue
            if self._link(a, row, chance):
                parties[self.clusters.find(a)] = left | right

    def _best_named_with_code(self) -> dict[int, int]:
        """How alike in name the cooperative with a code is that a party without one is most alike."""
        return {a: max((r["g_name"] for r in rows if r["b_coded"]), default=0) for a, rows in self.rows_of.items()}
