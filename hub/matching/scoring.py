"""Candidates and their weights, set by set in DuckDB: which parties may be the same, and how much speaks for it.

The SQL computes exactly what Splink's `predict` computes from the same levels and parameters (a test compares them);
it is written out here because the night cannot wait for a library that plans its queries anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.matching.comparison import (
    COMPARISONS,
    DERIVED_COLUMNS,
    FEATURE_COLUMNS,
    NAME_COLUMNS,
    Comparison,
    column_sql,
    level_sql,
)
from hub.matching.model import Model

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MOST_WITH_A_KEY = 60  # a representative or phone shared by more parties than this tells nothing
MOST_WITH_A_NAME_KEY = 400
MOST_WITH_A_CUT = 30  # names cut alike; neither is the other's whole name
_ROUNDING = 1e-6  # more than sums of weights in another order may differ by
# Read by candidates, which several threads share; the optimizer would begin with the parties, fewer than one thread's portion.
_PAIRS_FIRST = "set disabled_optimizers = 'join_order,build_side_probe_side'"
_OF_PEOPLE = ("rep_cut", "phone_half", "phone_cut")
_OF_NAMES = tuple(c for c in DERIVED_COLUMNS if c not in _OF_PEOPLE)


def open_workspace(path: Path | None = None, *, memory: str | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory, or in a file, that fetches nothing from anywhere. `memory` bounds it; what does not fit is
    spilled beside the file."""
    import duckdb

    connection = duckdb.connect(":memory:" if path is None else str(path))
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    connection.execute("set preserve_insertion_order = false")
    # two and a half times the file for half the time of writing it
    connection.execute("set force_compression = 'uncompressed'")
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
    # empty lists are left out first, as most are: that halves the time
    gathered = ", ".join(
        f"coalesce(list_distinct(flatten(list({own[c]}) filter (len({own[c]}) > 0))), []) as {c}"
        for c in FEATURE_COLUMNS
    )
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
    derived = ", ".join(f"{sql} as {column}" for column, sql in DERIVED_COLUMNS.items())
    connection.execute(f"create or replace temp table party as select *, {derived} from party")


def _numbered(columns: Iterable[str]) -> str:
    """Columns, or those that follow from others, with each text as a number of 64 bits: a pair carries some twenty lists of
    each side, and numbers are carried and compared in two thirds of the time."""
    return ", ".join(f"list_transform({column_sql(c)}, lambda said: hash(said)) as {c}" for c in columns)


def score_candidates(connection: duckdb.DuckDBPyConnection, model: Model, *, least: float = -12.0) -> None:
    """Table `scored(a, b, b_coded, weight, g_<comparison>…)`: log2 Bayes factor of each candidate and its levels;
    those far from any match are left out. Derived columns need not be in `party`.

    Names have the most levels and the dearest: they are compared in full only where the rest leaves a chance."""
    name = COMPARISONS[0]
    rest = COMPARISONS[1:]
    plain = [lv for lv in name.levels if not any(f"}}{c}" in lv.sql for c in DERIVED_COLUMNS)]
    weights = {c.name: model.weights(c) for c in COMPARISONS}
    best = len(name.levels)
    told = {best - i: lv.sql.format(l="l.", r="r.") for i, lv in enumerate(name.levels) if lv in plain}
    at_best = max(w for level, w in weights[name.name].items() if level not in told and level >= 0)
    levels = ", ".join(f"{level_sql(c)} as g_{c.name}" for c in rest)
    connection.execute(
        f"""create or replace temp table near_party as
            select party, coded, {_numbered((*FEATURE_COLUMNS, "rare_rep", *_OF_PEOPLE))} from party"""
    )
    connection.execute(_PAIRS_FIRST)
    connection.execute(
        f"""create or replace temp table compared as
            select c.a, c.b, r.coded as b_coded, {levels},
                case when {name.missing.format(l="l.", r="r.")} then -1
                     {" ".join(f"when {sql} then {level}" for level, sql in told.items())} end as g_name
            from candidate c join near_party l on l.party = c.a join near_party r on r.party = c.b"""
    )
    connection.execute("reset disabled_optimizers")
    connection.execute(
        f"""create or replace temp table likely as select * exclude (g_name) from compared
            where {_weight(rest, weights)} + {_weight([name], weights, otherwise=at_best)} > {least - _ROUNDING!r}"""
    )
    connection.execute(
        f"""create or replace temp table near_party as select party, {_numbered((*NAME_COLUMNS, *_OF_NAMES))}
            from party semi join (select a as party from likely union select b from likely) using (party)"""
    )
    connection.execute(
        f"""create or replace temp table compared as select c.*, {level_sql(name)} as g_name
            from likely c join near_party l on l.party = c.a join near_party r on r.party = c.b"""
    )
    connection.execute(
        f"""create or replace temp table scored as select * from (
              select a, b, b_coded, {", ".join(f"g_{c.name}" for c in COMPARISONS)}, {_weight(COMPARISONS, weights)} as weight
              from compared) where weight > {least!r}"""
    )
    for table in ("likely", "compared", "near_party"):
        connection.execute(f"drop table {table}")


def _weight(
    comparisons: Sequence[Comparison], weights: Mapping[str, Mapping[int, float]], *, otherwise: float | None = None
) -> str:
    """SQL of the sum of weights of levels `g_…`; `otherwise` is that of a level not known."""
    last = "" if otherwise is None else f" else {otherwise:.12e}"
    return " + ".join(
        f"case g_{c.name} {' '.join(f'when {n} then {w:.12e}' for n, w in sorted(weights[c.name].items()))}{last} end"
        for c in comparisons
    )


def fetch_scored(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows of `scored` in a fixed order."""
    query = "select * from scored order by a, weight desc, b"
    rows: list[dict[str, Any]] = connection.sql(query).to_arrow_table().to_pylist()
    return rows
