"""Training the model: how often each level occurs among rows of one cooperative (m) and of different ones (u), counted
on labelled profiles. A deliberate act; the night only ever reads the result.

Labels come from a truth file, or from the codes themselves: profiles that bear one credit code by right are one
cooperative. Counts are added to the model's that is refined, so that rare levels a county happens not to show keep
their experience.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from hub.deployment import County
from hub.errors import FormatError
from hub.matching.comparison import COMPARISONS, level_name, level_sql
from hub.matching.features import profile_features
from hub.matching.gazetteers import learn_gazetteer
from hub.matching.matcher import match_profiles
from hub.matching.model import Model
from hub.matching.scoring import build_parties, derive_columns, open_workspace

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_PASSES = 4  # profiles held out of each cooperative in turn
_MOST_COOPERATIVES = 1500  # of which every pair is compared: about two million
_WEIGHT_OF_M = 200.0  # pairs the refined model's m counts as
_WEIGHT_OF_U = 4_000_000.0  # and its u
_LEAST = 20


@dataclass(frozen=True)
class Trained:
    """A trained model and what it was counted on."""

    model: Model
    same_pairs: int
    different_pairs: int


def labels_from_codes(profiles: pa.Table, county: County | None, model: Model) -> list[str | None]:
    """Per profile the organisation code it bears by right, None without one."""
    outcome = match_profiles(profiles, county=county, model=model)
    organisation = outcome.organisation
    return [organisation.get(group) if i in outcome.grouping.how else None for i, group in enumerate(outcome.group)]


def train(
    profiles: pa.Table,
    labels: Sequence[str | None],
    base: Model,
    *,
    version: str,
    trained_on: str,
    county: County | None = None,
) -> Trained:
    """A model refined by labelled profiles.

    Args:
        labels: per profile the entity it is, None where unknown.
        base: the model to refine.

    Raises:
        FormatError: fewer than 20 cooperatives have two labelled profiles.
    """
    import pyarrow as pa

    members: dict[str, list[int]] = defaultdict(list)
    for i, label in enumerate(labels):
        if label is not None:
            members[label].append(i)
    several = sorted(e for e, inside in members.items() if len(inside) > 1)
    if len(several) < _LEAST:
        raise FormatError(
            f"有标签且不止一种写法的合作社只有 {len(several)} 家，不足以训练。",
            next_step="用更多数据或带真值的数据训练。",
        )
    random = Random(20_250_801)  # noqa: S311 -- a sample, not a secret
    if len(several) > _MOST_COOPERATIVES:
        several = sorted(random.sample(several, _MOST_COOPERATIVES))
    gazetteer = learn_gazetteer(
        {n for n in profiles["name"].to_pylist() if n},
        profiles["town"].to_pylist(),
        profiles["address"].to_pylist(),
        county,
    )
    features = profile_features(profiles, gazetteer)
    same: dict[str, dict[int, int]] = {c.name: defaultdict(int) for c in COMPARISONS}
    different: dict[str, dict[int, int]] = {c.name: defaultdict(int) for c in COMPARISONS}
    connection = open_workspace()
    try:
        for number in range(_PASSES):
            rows: list[tuple[int, int, bool]] = []
            for k, entity in enumerate(several):
                inside = members[entity]
                if number >= len(inside):
                    continue
                held = inside[random.randrange(len(inside))]
                rows.append((held, 2 * k, False))
                rows += [(i, 2 * k + 1, True) for i in inside if i != held]
            build_parties(
                connection,
                features,
                pa.table(
                    {
                        "profile": pa.array([r[0] for r in rows], pa.int32()),
                        "party": pa.array([r[1] for r in rows], pa.int32()),
                        "coded": [r[2] for r in rows],
                        "weak": [False] * len(rows),
                    }
                ),
            )
            derive_columns(connection)
            _count(connection, "r.party = l.party + 1", same)
            if number == 0:
                _count(connection, "r.party <> l.party + 1", different)
    finally:
        connection.close()
    model = replace(
        base,
        version=version,
        trained_on=trained_on,
        m=_shares(same, base.m, _WEIGHT_OF_M),
        u=_shares(different, base.u, _WEIGHT_OF_U),
        link=1.0 - base.costs["review"] / base.costs["false_merge"],
        review=base.costs["review"] / base.costs["missed"],
    )
    return Trained(model, sum(same["name"].values()), sum(different["name"].values()))


def _count(connection: duckdb.DuckDBPyConnection, pairs: str, into: dict[str, dict[int, int]]) -> None:
    """Adds how often each level occurs among pairs of a held-out profile and a cooperative."""
    levels = ", ".join(f"{level_sql(c)} as g_{c.name}" for c in COMPARISONS)
    connection.execute(
        f"create or replace table counted as select {levels} from party l join party r on not l.coded and r.coded and {pairs}"
    )
    for comparison in COMPARISONS:
        query = f"select g_{comparison.name}, count(*) from counted group by 1 order by 1"
        for level, count in connection.execute(query).fetchall():
            into[comparison.name][level] += count


def _shares(
    counts: dict[str, dict[int, int]], before: dict[str, dict[str, float]], weight: float
) -> dict[str, dict[str, float]]:
    """Shares of the levels among pairs with something to compare, the earlier model's counting as `weight` pairs."""
    shares: dict[str, dict[str, float]] = {}
    for comparison in COMPARISONS:
        named = {level_name(comparison, n): c for n, c in counts[comparison.name].items() if n >= 0}
        total = sum(named.values()) + weight * sum(before[comparison.name].values())
        shares[comparison.name] = {
            level: (named.get(level, 0) + weight * share) / total for level, share in before[comparison.name].items()
        }
    return shares
