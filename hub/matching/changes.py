"""A night's changes in the matcher's own tables: from profiles that came, went or say more, to the parties whose chains must be
matched again, and no further. Afterwards the tables are as if they had been made from nothing.

What depends on what, from the change outward:
    profiles -> those that share a code, a name under a code or a decision, now or before  (parties are formed anew)
    parties  -> those for whom a shared key came into use or went out of it, or a representative became rare or common
    parties  -> those that hang together with them by bonds, now or before                 (chains are matched anew)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.matching import bonds, standing
from hub.matching.matcher import Pairs, prior_of
from hub.matching.model import Model

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def note_changes(connection: duckdb.DuckDBPyConnection, changes: pa.Table, decided: list[int]) -> pa.Table:
    """Compares counts read now with the table `profile`. Table `changed` gets the profiles that came, went or say more,
    and those `decided` about; returns the counts of those that came (their contents are to be read and added)."""
    import pyarrow as pa

    connection.register("change_in", changes)
    connection.execute(
        """create or replace temp table change as
           select c.*, ('0x' || c.profile_key[1:15])::bigint as profile from change_in c"""
    )
    connection.unregister("change_in")
    connection.register("decided_in", pa.table({"profile": pa.array(decided, pa.int64())}))
    connection.execute(
        """create or replace temp table changed as
           select profile from change c left join profile p using (profile)
             where (c.n_rows is null and p.profile is not null) or (c.n_rows is not null and p.profile is null)
                or (c.n_rows, c.feeds) is distinct from (p.n_rows, p.feeds) and c.n_rows is not null
           union select profile from decided_in"""
    )
    connection.unregister("decided_in")
    came: pa.Table = connection.sql(
        """select profile_key, c."rows", c.n_rows, c.feeds from change c anti join profile using (profile)
           where c.n_rows is not null order by 1"""
    ).to_arrow_table()
    connection.execute(
        """update profile set n_rows = c.n_rows, feeds = c.feeds, "rows" = c."rows" from change c
           where c.profile = profile.profile and c.n_rows is not null
             and (c.n_rows, c.feeds, c."rows") is distinct from (profile.n_rows, profile.feeds, profile."rows")"""
    )
    connection.execute("create or replace temp table gone as select profile from change where n_rows is null")
    connection.execute("drop table change")
    return came


def follow_codes(connection: duckdb.DuckDBPyConnection, same: Pairs, different: Pairs, undone: Pairs) -> None:
    """Forms parties anew around the `changed` profiles. Table `subject` gets the profiles looked at, table `old_bond` the
    bonds their parties had; keys of the old parties are replaced by the new ones'.

    Args:
        same, different: decisions in force. undone: pairs that were decided before and are not now.
    """
    import pyarrow as pa

    standing.write_tokens(connection, "(select profile from changed anti join gone using (profile))")
    pairs = [*same, *different, *undone]
    tied = pa.table({n: pa.array([p[i] for p in pairs], pa.int64()) for i, n in enumerate(("a", "b"))})
    connection.register("tied_in", tied)
    connection.execute("create or replace temp table subject as select distinct profile from changed")
    while True:
        before = _count(connection, "subject")
        connection.execute(
            """insert into subject select distinct profile from (
                 select profile from token semi join (select token from token semi join subject using (profile)) using (token)
                 union all select b from tied_in semi join subject s on s.profile = a
                 union all select a from tied_in semi join subject s on s.profile = b) anti join subject using (profile)"""
        )
        if _count(connection, "subject") == before:
            break
    connection.unregister("tied_in")
    connection.execute(
        "create or replace temp table old_party as select distinct party from standing semi join subject using (profile)"
    )
    for table in ("profile", "feature", "token", "standing"):
        connection.execute(f"delete from {table} where profile in (select profile from gone)")
    connection.execute("delete from subject where profile not in (select profile from profile)")
    bonds.forget_keys(connection, "old_party")
    connection.execute(
        """create or replace temp table old_bond as select a, b from bond
           where a in (select party from old_party) or b in (select party from old_party)"""
    )
    connection.execute(
        "delete from bond where a in (select party from old_party) or b in (select party from old_party)"
    )
    standing.write_tokens(connection, "subject")
    standing.stand(connection, "subject", same, different)


def follow_bonds(connection: duckdb.DuckDBPyConnection, model: Model, cooperatives: int) -> None:
    """Ties the bonds of the parties of `subject` anew, and of those whose keys changed their meaning. Table `touched` gets
    every party whose chain is no longer what it was, table `near_feature` the features of all their profiles."""
    bonds.renew_keys(connection, "subject", changed="rekeyed")
    connection.execute(
        """create or replace temp table touched as
           select distinct party from standing semi join subject using (profile) union select party from rekeyed"""
    )
    connection.execute(
        """insert into old_bond select a, b from bond
           where a in (select party from rekeyed) or b in (select party from rekeyed)"""
    )
    connection.execute("delete from bond where a in (select party from rekeyed) or b in (select party from rekeyed)")
    bonds.find_candidates(connection, "touched")
    connection.execute(
        """insert into touched select distinct party from (select a as party from old_bond union all select b from old_bond)
           semi join standing using (party) anti join touched using (party)"""
    )
    _bring_near(connection)
    bonds.tie_bonds(connection, model, prior_of(model, cooperatives), features="near_feature")
    bonds.spread(connection, "touched", "bond")


def _bring_near(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `near_feature`: features of all that may be compared from here on, read from the large table once."""
    connection.execute(
        """create or replace temp table near_party as
           select party from touched union select a from candidate union select b from candidate"""
    )
    bonds.spread(connection, "near_party", "bond")
    connection.execute(
        """create or replace temp table near_feature as
           select f.* from feature f semi join (select profile from standing semi join near_party using (party)) using (profile)"""
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
