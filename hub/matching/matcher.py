"""The matcher: profiles in, groups out. A pure function of the profiles, the county, the model and the decisions; the
order of its input does not matter. Reading, writing and ids are elsewhere (`hub.matching.resolve`).

    codes          hub.matching.standing     joins what bears one code and is named alike
    candidates     hub.matching.bonds        finds what else may be the same; chains of it are matched by themselves
    rounds         hub.matching.rounds       a party without a code goes to the one cooperative it must be
    questions      hub.matching.asking       what is left in doubt is put to a person
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hub.deployment import County
from hub.matching import bonds, results, standing
from hub.matching.chains import Bond, Chain, Question, twin_question
from hub.matching.clusters import Clusters
from hub.matching.components import batches, component_labels
from hub.matching.features import profile_features
from hub.matching.gazetteers import learn_places
from hub.matching.grouping import Grouping, code_facts
from hub.matching.labour import ALONE, Labour
from hub.matching.model import Model, load_model
from hub.matching.names import Gazetteer
from hub.matching.reference import Reference, count_cooperatives
from hub.matching.rounds import Rounds
from hub.matching.scoring import open_workspace

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Outcome", "Question", "match_profiles"]

Pairs = list[tuple[int, int]]
CREATE = """
    create table if not exists profile (profile bigint, profile_key varchar, name varchar, former_name varchar,
        codes varchar[], representative varchar, phone varchar, town varchar, address varchar, n_rows bigint,
        feeds varchar[], "rows" bigint);
"""
COLUMNS = (
    "profile_key", "name", "former_name", "codes", "representative", "phone", "town", "address", "founded_on", "n_rows", "feeds",
)  # fmt: skip
_AT_ONCE = 50_000  # parties matched in one go; bounds memory


@dataclass(frozen=True)
class Outcome:
    """What the matcher made of the profiles; lists run in their order.

    `group` is the smallest profile of the profile's cooperative. `link` is how it came there: `identifier`, `name`,
    `model`, `decision`, `review`, `nothing` (neither name nor usable code) or "" (by itself). `score` is the probability
    where one was computed, `levels` what was compared, `partner` the profile whose party it was compared with.
    `organisation` is the proven organisation code by group."""

    group: list[int]
    link: list[str]
    score: list[float | None]
    levels: dict[int, dict[str, int]]
    partner: dict[int, int]
    questions: list[Question]
    grouping: Grouping
    reference: Reference
    organisation: dict[int, str] = field(default_factory=dict)

    @property
    def gazetteer(self) -> Gazetteer:
        return self.reference.gazetteer


def match_profiles(
    profiles: pa.Table,
    *,
    county: County | None = None,
    model: Model | None = None,
    same: Pairs | None = None,
    different: set[tuple[int, int]] | None = None,
    reference: Reference | None = None,
    tie: bonds.Tie = bonds.tie_all_bonds,
) -> Outcome:
    """Groups profiles into cooperatives.

    Args:
        profiles: columns `profile_key, name, former_name, codes (list), representative, phone, town, address,
            founded_on, n_rows, feeds (list)`, ordered by `profile_key`; further columns are not looked at.
        county: the deployment's county; what it lacks is learned from the profiles.
        model: the trained model; the shipped one by default.
        same, different: decisions by staff, as pairs of positions.
        reference: what is known of the county as a whole; learned from the profiles by default.
        tie: how bonds are tied; on Spark with `hub.matching.spark.bonds_on_spark`.
    """
    model = model or load_model()
    gazetteer = reference.gazetteer if reference else learn_places(profiles, county)
    numbers = profile_numbers(profiles["profile_key"].to_pylist())
    decided = [[(numbers[a], numbers[b]) for a, b in sorted(pairs)] for pairs in (same or [], different or set())]
    connection = open_workspace()
    try:
        create_tables(connection)
        add_profiles(connection, profiles.select(list(COLUMNS)), profile_features(profiles, gazetteer))
        cooperatives = reference.cooperatives if reference else None
        count = match_all(connection, model, *decided, cooperatives=cooperatives, tie=tie)
        chains = list(matched_chains(connection, model, prior_of(model, count), decided[1]))
        return _outcome(connection, numbers, chains, Reference(gazetteer, count))
    finally:
        connection.close()


def profile_numbers(keys: list[str]) -> list[int]:
    """Profiles as numbers in the order of their keys: their first fifteen hex digits."""
    return [int(key[:15], 16) for key in keys]


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables of a matching, empty; `feature` comes with the first profiles."""
    for statement in (CREATE, standing.CREATE, bonds.CREATE, results.CREATE):
        connection.execute(statement)


def add_profiles(connection: duckdb.DuckDBPyConnection, profiles: pa.Table, features: pa.Table) -> None:
    """Adds profiles and their features (`hub.matching.features`), row by row the same."""
    import pyarrow as pa

    numbers = pa.array(profile_numbers(profiles["profile_key"].to_pylist()), pa.int64())
    features = features.set_column(0, "profile", numbers)
    profiles = profiles.drop_columns(["founded_on"]).add_column(0, "profile", numbers)
    connection.register("profile_in", profiles)
    connection.register("feature_in", features)
    columns = ", ".join(f'"{c}"' for c in profiles.column_names)
    connection.execute(f"insert into profile by name select {columns} from profile_in")
    connection.execute("create table if not exists feature as from feature_in limit 0")
    connection.execute("insert into feature by name select * from feature_in")
    connection.unregister("profile_in")
    connection.unregister("feature_in")


def match_all(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    same: Pairs,
    different: Pairs,
    *,
    cooperatives: int | None = None,
    tie: bonds.Tie = bonds.tie_all_bonds,
    labour: Labour = ALONE,
) -> int:
    """Parties and bonds of all profiles, from nothing. Returns the (rounded) number of cooperatives."""
    connection.execute("create or replace temp table everybody as select profile from profile")
    standing.write_tokens(connection, "everybody", labour)
    standing.stand(connection, "everybody", same, different, labour)
    count = cooperatives or count_cooperatives(connection)
    bonds.write_keys(connection, "everybody")
    bonds.count_keys(connection)
    tie(connection, model, prior_of(model, count))
    return count


def prior_of(model: Model, cooperatives: int) -> float:
    """The chance that a party without a code is one given cooperative of so many."""
    return model.known / max(cooperatives, 1)


def matched_chains(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    prior: float,
    different: Pairs,
    *,
    touched: str | None = None,
    features: str = "feature",
) -> Iterator[Chain]:
    """Matches what hangs together by bonds, some chains at a time; only those of the parties in table `touched`, if
    given, which must hold chains whole. Profiles in no chain are what `standing` says."""
    near = "" if touched is None else f"semi join {touched} using (party)"
    table: pa.Table = connection.sql(
        f"""select party from (select a as party from bond union select b from bond
              union select party from standing where conflict is not null and organisation is null) {near} order by party"""
    ).to_arrow_table()
    parties = table["party"].to_numpy()
    tied: dict[str, Any] = connection.sql("select a, b from bond order by a, b").fetchnumpy()
    if touched is not None:
        inside = np.isin(tied["a"], parties)
        tied = {side: tied[side][inside] for side in ("a", "b")}
    left, right = np.searchsorted(parties, tied["a"]), np.searchsorted(parties, tied["b"])
    label = component_labels(len(parties), left, right)
    for batch in batches(label, _AT_ONCE):
        yield Rounds(
            connection,
            _chain(connection, parties[batch], different, features),
            model,
            rare=bonds.rare_representatives("party_plain"),
            prior=prior,
        ).run()


def _chain(connection: duckdb.DuckDBPyConnection, parties: NDArray[np.int64], different: Pairs, features: str) -> Chain:
    """The chain of some parties; table `chain_feature` gets its features, read from the large table once."""
    import pyarrow as pa

    connection.register("batch_in", pa.table({"party": parties}))
    connection.execute(
        f"""create or replace temp table chain_feature as select f.* from {features} f
            semi join (select profile from standing semi join batch_in using (party)) using (profile)"""
    )
    table: pa.Table = connection.sql(
        """select s.*, f.core[1] as core, p.n_rows, p.codes, p.feeds from standing s semi join batch_in using (party)
           join chain_feature f using (profile) join profile p using (profile) order by s.profile"""
    ).to_arrow_table()
    tied = connection.execute("select * from bond semi join batch_in t on t.party = a order by a, b").fetchall()
    connection.unregister("batch_in")
    profiles: list[int] = table["profile"].to_pylist()
    place = {profile: i for i, profile in enumerate(profiles)}
    clusters = Clusters(len(profiles), [(place[a], place[b]) for a, b in different if a in place and b in place])
    for i, (party, organisation) in enumerate(
        zip(table["party"].to_pylist(), table["organisation"].to_pylist(), strict=True)
    ):
        clusters.join(place[party], i)
        if organisation is not None:
            clusters.organisation[place[party]] = organisation
    return Chain(
        profiles,
        clusters,
        table["link"].to_pylist(),
        _given(table["partner"].to_pylist()),
        _given(table["conflict"].to_pylist()),
        [c or "" for c in table["core"].to_pylist()],
        table["n_rows"].to_pylist(),
        [Bond(place[a], place[b], weight, levels) for a, b, weight, levels in tied],
        table["feeds"].to_pylist(),
        coded=frozenset(i for i, how in enumerate(table["how"].to_pylist()) if how is not None),
        unplaced=frozenset(_unplaced(table["how"].to_pylist(), table["codes"].to_pylist())),
    )


def _unplaced(how: list[str | None], codes: list[list[str]]) -> Iterator[int]:
    """Positions whose credit code is damaged and led nowhere."""
    for i, (placed, written) in enumerate(zip(how, codes, strict=True)):
        if placed is None and any(f.damaged for f in map(code_facts, written)):
            yield i


def _given(values: list[int | None]) -> dict[int, int]:
    return {i: v for i, v in enumerate(values) if v is not None}


def _outcome(
    connection: duckdb.DuckDBPyConnection, numbers: list[int], chains: list[Chain], reference: Reference
) -> Outcome:
    """The outcome by position."""
    table: pa.Table = connection.sql("select * from standing order by profile").to_arrow_table()
    place = {number: i for i, number in enumerate(numbers)}
    rows = table.to_pylist()
    clusters = Clusters(len(rows))
    grouping = Grouping(clusters)
    group = [place[r["party"]] for r in rows]
    link: list[str] = [r["link"] for r in rows]
    score: list[float | None] = [None] * len(rows)
    levels: dict[int, dict[str, int]] = {}
    partner = {i: place[r["partner"]] for i, r in enumerate(rows) if r["partner"] is not None}
    for i, row in enumerate(rows):
        if row["how"] is not None:
            grouping.how[i], grouping.shown[i] = row["how"], row["shown"]
        if row["conflict"] is not None:
            grouping.conflicts[i] = place[row["conflict"]]
    organisation = {place[r["party"]]: r["organisation"] for r in rows if r["organisation"] is not None}
    questions: list[Question] = []
    for chain in chains:
        at = [place[p] for p in chain.profiles]
        for k, i in enumerate(at):
            group[i], link[i], score[i] = at[chain.clusters.find(k)], chain.link[k], chain.score[k]
        levels.update({at[k]: found for k, found in chain.levels.items()})
        partner.update({at[k]: place[p] for k, p in chain.partner.items()})
        organisation.update({at[k]: o for k, o in chain.clusters.organisation.items()})
        questions += [
            replace(q, a=place[q.a], b=place[q.b], others=tuple((place[o], c) for o, c in q.others))
            for q in chain.questions
        ]
    for i, root in enumerate(group):
        clusters.join(root, i)
    clusters.organisation.update({root: o for root, o in organisation.items() if group[root] == root})
    twins = [(i, place[r["twin"]]) for i, r in enumerate(rows) if r["twin"] is not None]
    questions += [twin_question(i, j) for i, j in twins if group[i] != group[j]]
    questions.sort(key=lambda q: (q.a, q.b))
    return Outcome(group, link, score, levels, partner, questions, grouping, reference, dict(clusters.organisation))
