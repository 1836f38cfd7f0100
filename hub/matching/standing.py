"""Who stands together by codes and decisions alone, set by set: table `standing`, one line a profile. Whatever is plain (one
code, one name) is settled in columns; the rest goes to `code_parties`, batch by batch of whole components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hub.matching.code_parties import COMPARED, parties_by_codes
from hub.matching.components import batches, labels_by_shared
from hub.matching.grouping import facts_table
from hub.matching.labour import ALONE, Labour
from hub.matching.rules import weak_names

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

AT_ONCE = 100_000  # profiles judged one by one in one go; bounds memory
_WORTH_SHARING = 10_000  # codes or profiles

CREATE = """
    create table if not exists standing (profile bigint, party bigint, organisation varchar, link varchar, how varchar,
        shown varchar, conflict bigint, partner bigint, weak boolean, twin bigint);
    create table if not exists token (profile bigint, token ubigint);
"""


def write_tokens(connection: duckdb.DuckDBPyConnection, subjects: str, labour: Labour = ALONE) -> None:
    """Table `token` for the profiles of a table: what makes profiles depend on one another before names are compared
    (codes, codes a damaged one may have been, the names codes stand under). Decisions are added with `tie_decisions`."""
    written: pa.Table = connection.sql(
        f"select distinct unnest(codes) as written from profile semi join {subjects} using (profile) order by 1"
    ).to_arrow_table()
    connection.register("fact_in", _facts(written["written"].to_pylist(), labour))
    connection.execute(
        f"""create or replace temp table subject_fact as
            select profile, place, f.* exclude (written) from (
                select profile, unnest(codes) as written, generate_subscripts(codes, 1) as place
                from profile semi join {subjects} using (profile)) p
            join fact_in f using (written) where organisation <> '' or sign <> ''"""
    )
    connection.unregister("fact_in")
    connection.execute(f"delete from token where profile in (select profile from {subjects})")
    connection.execute(
        """insert into token select distinct profile, hash(text) from (
             select profile, 'O' || organisation as text from subject_fact where organisation <> ''
             union all select profile, 'O' || unnest(options) from subject_fact
             union all select profile, 'K' || sign from subject_fact where sign <> ''
             union all select profile, 'N' || sound[1] || '|' || array_to_string(form, '') from feature
               semi join subject_fact using (profile) where len(sound) > 0)"""
    )


def _facts(written: list[str], labour: Labour) -> pa.Table:
    """`facts_table`, in parts."""
    import pyarrow as pa

    size = max(_WORTH_SHARING, -(-len(written) // labour.workers))
    return pa.concat_tables(
        labour.share(facts_table, [written[at : at + size] for at in range(0, len(written) or 1, size)])
    )


def stand(
    connection: duckdb.DuckDBPyConnection,
    subjects: str,
    same: list[tuple[int, int]],
    different: list[tuple[int, int]],
    labour: Labour = ALONE,
) -> None:
    """Writes `standing` anew for the profiles of table `subjects`, which must be closed: whoever shares a token or a
    decision with one of them is one of them. `write_tokens` comes before."""
    same, different = (_inside(connection, subjects, pairs) for pairs in (same, different))
    label = _labels(connection, subjects, [*same, *different])
    connection.register("label_in", label)
    connection.execute(f"delete from standing where profile in (select profile from {subjects})")
    connection.execute(_PLAIN)
    connection.execute(
        f"""insert into standing
            select s.profile, s.profile, null, case when len(core) = 0 then 'nothing' else '' end, null, null, null, null, false, null
            from {subjects} s join feature using (profile)
            where not exists (from label_in l where l.profile = s.profile)"""
    )
    connection.execute(
        """insert into standing
           select l.profile, min(l.profile) over (partition by label), organisation, 'identifier', how, shown, null, null, false, null
           from label_in l join plain using (label) join (
             select profile, arg_min(how, place) as how, arg_min(shown, place) as shown from subject_fact
             where organisation <> '' group by profile) f on f.profile = l.profile"""
    )
    rest: pa.Table = connection.sql(
        "select l.profile, l.label from label_in l anti join plain using (label) order by l.profile"
    ).to_arrow_table()
    connection.unregister("label_in")
    profiles = rest["profile"].to_numpy()
    most = min(AT_ONCE, max(_WORTH_SHARING, -(-len(profiles) // labour.workers)))
    parts = batches(rest["label"].to_numpy(), most)
    for at in range(0, len(parts), labour.workers):
        unjudged = [_unjudged(connection, profiles[part], same, different) for part in parts[at : at + labour.workers]]
        for judged in labour.share(judge, unjudged):
            connection.register("judged_in", judged)
            connection.execute("insert into standing select * from judged_in")
            connection.unregister("judged_in")


def _inside(
    connection: duckdb.DuckDBPyConnection, subjects: str, decisions: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Decisions about profiles of the table, in their order."""
    import pyarrow as pa

    about = sorted({p for pair in decisions for p in pair})
    connection.register("about_in", pa.table({"profile": pa.array(about, pa.int64())}))
    known = {
        r[0]
        for r in connection.execute(f"select profile from about_in semi join {subjects} using (profile)").fetchall()
    }
    connection.unregister("about_in")
    return [(a, b) for a, b in decisions if a in known and b in known]


# Components with one organisation code, nothing else, and at most one name: no judgement is needed.
_PLAIN = """
    create or replace temp table plain as
    select label, any_value(organisation) as organisation from (
      select l.label, l.profile, l.decided, f.organisation, f.sign, len(f.options) as options,
             case when len(x.core) > 0 then x.core[1] || '|' || array_to_string(x.form, '') end as name
      from label_in l left join subject_fact f using (profile) join feature x using (profile))
    group by label
    having count(distinct organisation) = 1 and bool_and(organisation <> '' and sign = '' and options = 0)
       and count(*) = count(organisation) and not bool_or(decided) and count(distinct name) <= 1
"""


def _labels(connection: duckdb.DuckDBPyConnection, subjects: str, decisions: list[tuple[int, int]]) -> pa.Table:
    """(profile, label of its component, whether decided about) of all profiles with a token or a decision."""
    import pyarrow as pa

    borne: pa.Table = connection.sql(
        f"select profile, token from token semi join {subjects} using (profile)"
    ).to_arrow_table()
    profile: NDArray[np.int64] = borne["profile"].to_numpy()
    token: NDArray[np.uint64] = borne["token"].to_numpy()
    if decisions:
        pairs = np.array(decisions, dtype=np.int64)
        profile = np.concatenate([profile, pairs[:, 0], pairs[:, 1]])
        numbers = np.arange(
            len(pairs), dtype=np.uint64
        )  # beside 64-bit hashes no more likely to meet one than they are
        token = np.concatenate([token, numbers, numbers])
    known, place = np.unique(profile, return_inverse=True)
    label = labels_by_shared(len(known), place.astype(np.int64), token)
    decided = np.isin(known, np.array(decisions, dtype=np.int64).ravel()) if decisions else np.zeros(len(known), bool)
    return pa.table({"profile": known, "label": label, "decided": decided})


class Unjudged(NamedTuple):
    """Profiles that need judging, in their order: numbers, what they say, and decisions about them as pairs of places."""

    profiles: list[int]
    said: pa.Table
    same: list[tuple[int, int]]
    different: list[tuple[int, int]]


def _unjudged(
    connection: duckdb.DuckDBPyConnection,
    profiles: NDArray[np.int64],
    same: list[tuple[int, int]],
    different: list[tuple[int, int]],
) -> Unjudged:
    import pyarrow as pa

    connection.register("batch_in", pa.table({"profile": profiles}))
    columns = ", ".join(f"f.{c}" for c in COMPARED)
    said: pa.Table = connection.sql(
        f"""select p.codes, p.n_rows, p.feeds, {columns} from batch_in join profile p using (profile)
            join feature f using (profile) order by p.profile"""
    ).to_arrow_table()
    connection.unregister("batch_in")
    place = {key: i for i, key in enumerate(profiles.tolist())}

    def inside(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(place[a], place[b]) for a, b in pairs if a in place and b in place]

    return Unjudged(profiles.tolist(), said, inside(same), inside(different))


def judge(unjudged: Unjudged) -> pa.Table:
    """Lines of `standing` for profiles that need judging."""
    import pyarrow as pa

    keys, said, same, different = unjudged
    rows: list[dict[str, Any]] = said.select(list(COMPARED)).to_pylist()
    n_rows: list[int] = said["n_rows"].to_pylist()
    codes, feeds = said["codes"].to_pylist(), said["feeds"].to_pylist()
    found = parties_by_codes(rows, codes, n_rows, feeds, same=same, different=set(different))
    grouping, clusters = found.grouping, found.clusters
    party = [clusters.find(i) for i in range(len(keys))]
    weak = weak_names(party, [r["core"][0] if r["core"] else "" for r in rows], n_rows, found.link)

    def keyed(found: dict[int, int]) -> pa.Array:
        return pa.array([keys[found[i]] if i in found else None for i in range(len(keys))], pa.int64())

    return pa.table(
        {
            "profile": pa.array(keys, pa.int64()),
            "party": pa.array([keys[p] for p in party], pa.int64()),
            "organisation": pa.array([clusters.organisation.get(p) for p in party], pa.string()),
            "link": pa.array(found.link, pa.string()),
            "how": pa.array([grouping.how.get(i) for i in range(len(keys))], pa.string()),
            "shown": pa.array([grouping.shown.get(i) for i in range(len(keys))], pa.string()),
            "conflict": keyed(grouping.conflicts),
            "partner": keyed(found.partner),
            "weak": pa.array(weak, pa.bool_()),
            "twin": keyed(found.twins),
        }
    )
