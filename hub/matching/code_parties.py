"""Parties by codes and decisions where codes, names or people contradict one another: the few that need judging one by one.
Plain cases never come here (`hub.matching.standing`). The order of profiles decides nothing but names of parties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.matching.clusters import Clusters
from hub.matching.grouping import Grouping, Namings, group_by_codes
from hub.matching.rules import alike_under_one_code, apart, name_key, sound_key, together

REGISTRY, OF_REGISTRY = "registry", 10.0  # the feed that says by right whose a code is, and how much more it counts
FEW_ROWS = 3  # a second code with no more rows than this is doubted, however few the other has
COMPARED = ("surface", "core", "sound", "brand", "form", "region", "rep", "phone")


@dataclass
class CodeParties:
    """Profiles (by position) grouped by codes and decisions, before anything else is compared. `link` is `identifier`,
    `decision`, `nothing` (no name, no usable code) or ""; `partner` whom a decision joined a profile with; `twins` profiles
    of two parties of one name and two codes, of whom a person may know whether they are one cooperative."""

    grouping: Grouping
    link: list[str]
    partner: dict[int, int] = field(default_factory=dict)
    twins: dict[int, int] = field(default_factory=dict)

    @property
    def clusters(self) -> Clusters:
        return self.grouping.clusters


def parties_by_codes(
    rows: Sequence[dict[str, Any]],
    codes: Sequence[Sequence[str]],
    n_rows: Sequence[int],
    feeds: Sequence[Sequence[str]],
    *,
    same: Sequence[tuple[int, int]],
    different: set[tuple[int, int]],
) -> CodeParties:
    """Groups profiles by codes, doubts second codes of one name, then obeys decisions.

    Args:
        rows: features of `COMPARED`, a profile each.
        same, different: decisions, as pairs of positions.
    """
    clusters = Clusters(len(rows), different)
    decided = {frozenset(p): True for p in same} | {frozenset(p): False for p in different}
    namings = Namings(
        alike=lambda i, j: alike_under_one_code(rows[i], rows[j]),
        key=[sound_key(r) for r in rows],
        written=[r["surface"][0] if r["core"] and r["surface"] else "" for r in rows],
        weight=[n + 2.0 * len(f) + OF_REGISTRY * (REGISTRY in f) for n, f in zip(n_rows, feeds, strict=True)],
        decided=lambda i, j: decided.get(frozenset((i, j))),
    )
    grouping = group_by_codes(codes, namings, clusters)
    link = ["identifier" if i in grouping.how else "nothing" if not key else "" for i, key in enumerate(namings.key)]
    found = CodeParties(grouping, link)
    _doubt_second_codes(found, rows, n_rows)
    _join_by_decisions(found, sorted(same), n_rows)
    return found


def _size(clusters: Clusters, party: int, n_rows: Sequence[int]) -> int:
    return sum(n_rows[i] for i in clusters.members(party))


def _doubt_second_codes(found: CodeParties, rows: Sequence[dict[str, Any]], n_rows: Sequence[int]) -> None:
    """One name under two credit codes: a registry gives a name once in a county, so the code with few rows may be
    pasted from another line. It is doubted unless regions, representatives (and phones) or a decision say two cooperatives;
    where it is persons that differ both stand, and a person is asked."""
    clusters = found.clusters
    parties: dict[str, set[int]] = defaultdict(set)
    for i, row in enumerate(rows):
        party = clusters.find(i)
        if party in clusters.organisation and row["core"]:
            parties[sound_key(row)].add(party)

    def names(party: int) -> set[str]:
        return {name_key(rows[i]) for i in clusters.members(party) if rows[i]["core"]}

    for shared in parties.values():
        if len(shared) < 2:
            continue
        main = max(shared, key=lambda p: (_size(clusters, p, n_rows), -p))
        for party in sorted(shared - {main}):
            few, theirs = clusters.members(party), clusters.members(main)
            size = _size(clusters, party, n_rows)
            if len(few) > 2 or (size > FEW_ROWS and 3 * size > _size(clusters, main, n_rows)):
                continue
            if clusters.decided_different(party, main):
                continue
            if party not in clusters.organisation:  # doubted already under another of its names
                continue
            if names(party).isdisjoint(names(main)) and not any(
                together(rows, few, theirs, c) for c in ("rep", "phone")
            ):
                continue  # of names that only sound alike, one may be another's
            if apart(rows, few, theirs, "region"):
                continue
            if apart(rows, few, theirs, "rep") and not together(rows, few, theirs, "phone"):
                if size <= FEW_ROWS:
                    found.twins[min(few)] = min(theirs)
                continue
            del clusters.organisation[party]
            for i in few:
                found.grouping.conflicts[i] = main
                found.link[i] = ""


def _join_by_decisions(found: CodeParties, same: Sequence[tuple[int, int]], n_rows: Sequence[int]) -> None:
    clusters = found.clusters
    for a, b in same:
        if not clusters.join(a, b) and clusters.codes_differ(a, b):
            # A person says one cooperative although the codes differ: the code with fewer rows is the wrong one.
            wrong = min(clusters.find(a), clusters.find(b), key=lambda p: (_size(clusters, p, n_rows), -p))
            del clusters.organisation[wrong]
            clusters.join(a, b)
        if clusters.find(a) != clusters.find(b):
            continue
        for i, other in ((a, b), (b, a)):
            owner = found.grouping.conflicts.get(i)
            if owner is not None and (
                clusters.find(i) in clusters.organisation or clusters.find(i) == clusters.find(owner)
            ):
                del found.grouping.conflicts[i]  # else it is open still whose the code is
            if found.link[i] != "identifier":
                found.link[i], found.partner[i] = "decision", other
