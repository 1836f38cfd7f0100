"""Which parties may be one cooperative, before people and places are weighed in full: table `bond`, pairs of parties that
share a key and are alike enough to matter. Parties without a common chain of bonds never influence one another, so each
chain is matched by itself, and a night matches only the chains it touched.

Tables: `key` (a party's keys, hashed), `key_count` (how many parties have each), `bond` (a and b, the smaller first, with
the weight and the levels by which they are alike, in the order of `COMPARISONS`; null where they are to be weighed again).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.matching.comparison import COMPARISONS, CUT_KEY, FEATURE_COLUMNS, KEYS_OF_PEOPLE, PARTY_KEYS, column_sql
from hub.matching.model import Model
from hub.matching.scoring import (
    MOST_WITH_A_CUT,
    MOST_WITH_A_KEY,
    MOST_WITH_A_NAME_KEY,
    gather_parties,
    score_candidates,
)

if TYPE_CHECKING:
    import duckdb

Tie = Callable[["duckdb.DuckDBPyConnection", Model, float], None]  # writes `bond` of all parties
LEAST_CHANCE = 0.005  # a pair less likely than this, taken alone, ties nothing together
RARE_CODED, RARE_ANY = 1, 12  # a representative of at most so many parties with a code, and of all, is rare

CREATE = """
    create table if not exists key (party bigint, coded boolean, key ubigint, people boolean, whole boolean);
    create table if not exists key_count (key ubigint, people boolean, parties bigint, coded bigint);
    create table if not exists bond (a bigint, b bigint, weight double, levels tinyint[]);
"""


def write_keys(connection: duckdb.DuckDBPyConnection, subjects: str) -> None:
    """Keys of the parties the profiles of table `subjects` stand in; those parties must stand in it whole."""
    connection.execute(f"insert into key {_keys_of(subjects)}")


def _keys_of(subjects: str) -> str:
    unnested = " union all ".join(
        f"select s.party, s.organisation is not null as coded, '{sign}' || unnest({column_sql(column)}) as text, "
        f"{'true' if sign in KEYS_OF_PEOPLE else 'false'} as people, "
        f"{'false' if column == CUT_KEY else 'true'} as whole from feature join chosen s using (profile)"
        + ("" if sign in KEYS_OF_PEOPLE else " where not s.weak")
        for sign, column in PARTY_KEYS
    )
    return f"""with chosen as (select * from standing semi join {subjects} using (profile))
        select party, coded, hash(text) as key, people, bool_or(whole) as whole from ({unnested}) group by all"""


def count_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """Counts all keys."""
    connection.execute("delete from key_count")
    connection.execute(
        """insert into key_count select key, any_value(people), count(*), count(*) filter (coded) from key group by key"""
    )


def forget_keys(connection: duckdb.DuckDBPyConnection, parties: str) -> None:
    """Takes away the keys of the parties of a table; table `stale_key` keeps them until `renew_keys`."""
    connection.execute(f"create or replace temp table stale_key as select * from key semi join {parties} using (party)")
    connection.execute(f"delete from key where party in (select party from {parties})")


def renew_keys(connection: duckdb.DuckDBPyConnection, subjects: str, changed: str) -> None:
    """`write_keys`, after `forget_keys` of the parties the subjects were in before; counts only keys that came or went. A table of
    the name `changed` gets the parties for whom a key came in use or went out of it, or a representative became rare or
    ceased to be."""
    connection.execute(f"create or replace temp table fresh_key as {_keys_of(subjects)}")
    connection.execute("insert into key select * from fresh_key")
    connection.execute(
        """create or replace temp table key_change as
           select key, x.people, c.parties as before, c.coded as coded_before,
                  coalesce(c.parties, 0) + x.parties as after, coalesce(c.coded, 0) + x.coded as coded_after
           from (select key, any_value(people) as people, sum(one)::bigint as parties,
                  coalesce(sum(one) filter (coded), 0)::bigint as coded
                 from (select *, 1 as one from fresh_key union all select *, -1 from stale_key) group by key) x
           left join key_count c using (key)
           where x.parties <> 0 or x.coded <> 0"""
    )
    connection.execute(
        f"""create or replace temp table {changed} as select distinct party from key semi join (
              select key from (select key, people, before as parties, coded_before as coded from key_change) c
              join (select key, people, nullif(after, 0) as parties, case when after > 0 then coded_after end as coded
                    from key_change) n using (key)
              where ({_in_use("n")}, {_few("n")}) is distinct from ({_in_use("c")}, {_few("c")})
                 or (n.people and ({_rare("n")}) is distinct from ({_rare("c")}))) using (key)"""
    )
    connection.execute("delete from key_count where key in (select key from key_change)")
    connection.execute("insert into key_count select key, people, after, coded_after from key_change where after > 0")
    for table in ("stale_key", "fresh_key", "key_change"):
        connection.execute(f"drop table {table}")


def _in_use(t: str) -> str:
    most = f"case when {t}.people then {MOST_WITH_A_KEY} else {MOST_WITH_A_NAME_KEY} end"
    return f"coalesce({t}.parties <= {most}, true)"


def _few(t: str) -> str:
    return f"coalesce({t}.parties <= {MOST_WITH_A_CUT}, true)"


def _rare(t: str) -> str:
    return f"coalesce({t}.coded <= {RARE_CODED} and {t}.parties <= {RARE_ANY}, true)"


def rare_representatives(parties: str) -> str:
    """Query of the representatives in a table of parties that few cooperatives have."""
    return f"""select distinct rep from (select unnest(rep) as rep from {parties}) anti join (
        select key from key_count where not (coded <= {RARE_CODED} and parties <= {RARE_ANY})) k on k.key = hash('R' || rep)"""


def find_usable_keys(connection: duckdb.DuckDBPyConnection, touched: str | None = None) -> None:
    """Table `usable(party, coded, key, enough)`: keys that a party without a code shares with some others, and not too many;
    with the table `touched` only keys that one of its parties has. Of two that share a key, one must have it as `enough`."""
    known = "key_count"
    if touched is not None:
        known = f"(from key_count semi join (select key from key semi join {touched} using (party)) using (key))"
    connection.execute(
        f"""create or replace temp table usable as select party, k.coded, key, whole or few as enough from key k join (
              select key, {_few("c")} as few from {known} c where parties > 1 and coded < parties and {_in_use("c")}) using (key)"""
    )


def find_candidates(connection: duckdb.DuckDBPyConnection, touched: str | None = None) -> None:
    """Table `candidate(a, b)`: parties that share a usable key, not both with a code; a is the greater. With the table
    `touched` only pairs with one of its parties."""
    near = "" if touched is None else f"semi join {touched} using (party)"
    find_usable_keys(connection, touched)
    connection.execute(
        f"""create or replace temp table candidate as
            select distinct greatest(x.party, y.party) as a, least(x.party, y.party) as b
            from (select * from usable {near}) x join usable y using (key)
            where x.party <> y.party and not (x.coded and y.coded) and (x.enough or y.enough)"""
    )
    connection.execute("drop table usable")


def tie_all_bonds(connection: duckdb.DuckDBPyConnection, model: Model, prior: float) -> None:
    """Writes `bond` of all parties, in DuckDB."""
    find_candidates(connection)
    tie_bonds(connection, model, prior)


def tie_bonds(connection: duckdb.DuckDBPyConnection, model: Model, prior: float, *, features: str = "feature") -> None:
    """Adds to `bond` those of `candidate` that are alike enough. `features` names a table that has the features of their
    parties' profiles."""
    if not connection.execute("select count(*) from candidate").fetchall()[0][0]:
        return
    connection.execute(
        "create or replace temp table wanted as select a as party from candidate union select b from candidate"
    )
    gather_wanted(connection, features)
    score_candidates(connection, model, least=least_weight(model, prior))
    levels = ", ".join(f"g_{c.name}" for c in COMPARISONS)
    connection.execute(f"insert into bond select b, a, weight, [{levels}] from scored")
    for name in ("candidate", "party", "party_plain", "scored"):
        connection.execute(f"drop table {name}")
    connection.execute("drop table wanted")


def gather_wanted(connection: duckdb.DuckDBPyConnection, features: str) -> None:
    """Table `party` of the parties in table `wanted`."""
    columns = ", ".join(f"f.{c}" for c in FEATURE_COLUMNS)
    gather_parties(
        connection,
        f"""select s.party, s.organisation is not null as coded, s.weak, {columns}
            from standing s semi join wanted using (party) join {features} f using (profile)""",
        rare_representatives("party_plain"),
    )


def least_weight(model: Model, prior: float) -> float:
    """The weight at which a pair, taken alone, has the chance `LEAST_CHANCE`."""
    return math.log2(LEAST_CHANCE / (1 - LEAST_CHANCE) * (1 - model.known) / prior)


def spread(connection: duckdb.DuckDBPyConnection, touched: str, bonds: str) -> None:
    """Adds to the parties of table `touched` all they hang together with by the pairs of table `bonds`."""
    while True:
        before = connection.execute(f"select count(*) from {touched}").fetchall()[0][0]
        connection.execute(
            f"""insert into {touched} select distinct party from (
                  select b as party from {bonds} semi join {touched} t on t.party = a
                  union all select a from {bonds} semi join {touched} t on t.party = b) anti join {touched} using (party)"""
        )
        if connection.execute(f"select count(*) from {touched}").fetchall()[0][0] == before:
            return
