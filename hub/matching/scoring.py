"""Candidates and their weights, set by set in DuckDB: which parties may be the same, and how much speaks for it.

The SQL computes exactly what Splink's `predict` computes from the same levels and parameters (a test compares them);
it is written out here because the night cannot wait for a library that plans its queries anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.matching.comparison import COMPARISONS, DERIVED_COLUMNS, FEATURE_COLUMNS, NAME_COLUMNS, level_sql
from hub.matching.model import Model

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MOST_WITH_A_KEY = 60  # a representative or phone shared by more parties than this tells nothing
MOST_WITH_A_NAME_KEY = 400
_ROUNDING = 1e-6  # more than sums of weights in another order may differ by
_DERIVED = ", ".join(f"{sql} as {column}" for column, sql in DERIVED_COLUMNS.items())
# The cheapest to compare first: most pairs are out before their names are looked at.
_STAGES = (("town", "place", "founded", "form", "region"), ("representative", "phone"), ("name",))


def open_workspace(path: Path | None = None, *, memory: str | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory, or in a file, that fetches nothing from anywhere. `memory` bounds it; what does not fit is
    spilled beside the file."""
    import duckdb

    connection = duckdb.connect(":memory:" if path is None else str(path))
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    connection.execute("set preserve_insertion_order = false")
    if memory is not None:
        connection.execute(f"set memory_limit = '{memory}'")
    return connection


def build_parties(connection: duckdb.DuckDBPyConnection, features: pa.Table, party: pa.Table) -> None:
    """Table `party`: the profiles of each party joined into lists.

    `party` has columns `profile`, `party`, `coded` (the party has a proven code) and `weak` (the profile's name looks
    like a slip of the party's own and is not compared with)."""
    connection.register("feature_in", features)
    connection.register("party_in", party)
    gather_parties(
        connection,
        "select p.party, p.coded, p.weak, f.* exclude (profile) from party_in p join feature_in f using (profile)",
        """select rep from (select party, coded, unnest(rep) as rep from party_plain) group by rep
           having count(*) filter (coded) <= 1 and count(*) <= 12""",
    )


def gather_parties(connection: duckdb.DuckDBPyConnection, members: str, rare: str) -> None:
    """Table `party` from a query of members (`party, coded, weak` and the features of a profile) and one of the
    representatives (`rep`) few cooperatives have; the latter may read `party_plain`."""
    own = {c: f"case when weak then [] else {c} end" if c in NAME_COLUMNS else c for c in FEATURE_COLUMNS}
    gathered = ", ".join(f"list_distinct(flatten(list(distinct {own[c]}))) as {c}" for c in FEATURE_COLUMNS)
    single = ", ".join(f"{own[c]} as {c}" for c in FEATURE_COLUMNS)
    connection.execute(f"create or replace temp table member as {members}")
    connection.execute(
        f"""create or replace temp table party_plain as
            with several as (select party from member group by party having count(*) > 1)
            select party, bool_or(coded) as coded, count(*) as profiles, {gathered}
            from member semi join several using (party) group by party
            union all select party, coded, 1, {single} from member anti join several using (party)"""
    )
    connection.execute("drop table member")
    connection.execute(
        f"""create or replace temp table party as
           select p.*, coalesce(r.rare_rep, []) as rare_rep from party_plain p left join
             (select party, list(rep) as rare_rep from (select party, unnest(rep) as rep from party_plain)
              semi join ({rare}) using (rep) group by party) r on r.party = p.party"""
    )


def derive_columns(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds to table `party` the columns that follow from its others (`comparison.DERIVED_COLUMNS`)."""
    connection.execute(f"create or replace temp table party as select *, {_DERIVED} from party")


def score_candidates(connection: duckdb.DuckDBPyConnection, model: Model, *, least: float = -12.0) -> None:
    """Table `scored(a, b, b_coded, weight, g_<comparison>…)`: log2 Bayes factor of each candidate and its levels;
    those far from any match are left out. Derived columns need not be in `party`."""
    comparisons = {c.name: c for c in COMPARISONS}
    weights = {name: model.weights(c) for name, c in comparisons.items()}

    def weight(names: Iterable[str]) -> str:
        return " + ".join(
            f"case g_{n} {' '.join(f'when {level} then {w:.12e}' for level, w in sorted(weights[n].items()))} end"
            for n in names
        )

    connection.execute(
        "create or replace temp table stage as select c.*, p.coded as b_coded from candidate c join party p on p.party = b"
    )
    party, known = "party", tuple[str, ...]()
    for stage in _STAGES:
        levels = ", ".join(f"{level_sql(comparisons[n])} as g_{n}" for n in stage)
        connection.execute(
            f"""create or replace temp table compared as
                select c.*, {levels} from stage c join {party} l on l.party = c.a join {party} r on r.party = c.b"""
        )
        known = (*known, *stage)
        best = sum(max(weights[n].values()) for n in comparisons if n not in known)
        connection.execute(
            f"create or replace temp table stage as from compared where {weight(known)} > {least - best - _ROUNDING!r}"
        )
        if party == "party":
            connection.execute(
                f"""create or replace temp table near_party as select party, {", ".join(FEATURE_COLUMNS)}, rare_rep, {_DERIVED}
                    from party semi join (select a as party from stage union select b from stage) using (party)"""
            )
            party = "near_party"
    levels = ", ".join(f"g_{n}" for n in comparisons)
    connection.execute(
        f"""create or replace temp table scored as select * from (
              select a, b, b_coded, {levels}, {weight(comparisons)} as weight from stage) where weight > {least!r}"""
    )
    for name in ("stage", "compared", "near_party"):
        connection.execute(f"drop table {name}")


def fetch_scored(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows of `scored` in a fixed order."""
    query = "select * from scored order by a, weight desc, b"
    rows: list[dict[str, Any]] = connection.sql(query).to_arrow_table().to_pylist()
    return rows
