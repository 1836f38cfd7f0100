"""Which group of profiles bears which id: ids of before stay where they were, the oldest survives a merge, a split says
which part keeps the id, an undone merge gives the old ids back. Pure; `hub.matching.resolve` reads and writes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hub.matching.coop_id import make_coop_id


@dataclass(frozen=True, slots=True)
class KnownId:
    """An id given earlier. `order` grows with age of giving: the smaller, the older. `seed_profile` is what it was first given
    to, `home_profile` what it stands by, once its cooperative no longer held that."""

    coop_id: str
    order: int
    redirects_to: str | None
    seed_profile: str | None
    home_profile: str | None = None

    @property
    def stands_by(self) -> str | None:
        """The profile whose cooperative this id is."""
        return self.home_profile or self.seed_profile


@dataclass(frozen=True, slots=True)
class Group:
    """Profiles that are one cooperative now. `rows` says how many rows each profile stands for."""

    profiles: tuple[str, ...]  # in the order seeds are chosen: the best first
    coded: bool
    rows: int


@dataclass(frozen=True, slots=True)
class IdEvent:
    kind: str  # new, merged, split, restored
    coop_id: str
    other_id: str | None
    reason: str


@dataclass
class Assignment:
    """`ids` runs with the groups. `seeds` are the new ids' first profiles, `homes` the profiles known ids stand by from now on;
    `redirects` the ids whose target changes (None: bears cooperatives again)."""

    ids: list[str]
    seeds: dict[str, str] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str | None] = field(default_factory=dict)
    events: list[IdEvent] = field(default_factory=list)


def assign_ids(
    groups: Sequence[Group],
    known: Sequence[KnownId],
    linked: Mapping[str, str],
    waiting: Collection[str] = (),
    *,
    given: int | None = None,
) -> Assignment:
    """Gives every group an id.

    Args:
        groups: groups of now, in any order (the result does not depend on it, but for the numbers of new ids, which
            follow the groups' first profiles).
        known: every id ever given, or those that groups, their profiles' ids and ids redirected to or from these lead to.
        linked: profile -> id as linked before.
        waiting: profiles that wait for a person and bear no id meanwhile; an id that stands by one of them waits too,
            if those it was merged with can have their own back.
        given: how many ids were ever given; by default as many as are known.
    """
    by_id = {k.coop_id: k for k in known}
    group_of = {profile: g for g, group in enumerate(groups) for profile in group.profiles}
    claims: dict[str, set[int]] = defaultdict(set)  # living id -> groups with profiles of it
    for profile, coop_id in linked.items():
        target = _final(coop_id, by_id)
        if profile in group_of:
            claims[target].add(group_of[profile])
    home_group = {k.coop_id: group_of[k.stands_by] for k in known if k.stands_by in group_of}
    for coop_id, g in home_group.items():
        if by_id[coop_id].redirects_to is None:
            claims[coop_id].add(g)
    returning = {(home_group[k.coop_id], k.redirects_to) for k in known if k.redirects_to and k.coop_id in home_group}
    for coop_id in list(claims):
        # What the id stands by is elsewhere now: those merged into it take their own ids back and leave it to that.
        home = home_group.get(coop_id)
        if by_id[coop_id].stands_by in waiting or home is not None:
            claims[coop_id] -= {g for g in claims[coop_id] if (g, coop_id) in returning and g != home}
        if not claims[coop_id]:
            del claims[coop_id]
    result = Assignment([""] * len(groups))

    # 1. Where each living id goes: to the part with a credit code, else with what it stands by, else with most rows. While
    # what it stands by waits, rather to a part without another id: a merge would not be undone when that comes back.
    held: dict[int, list[str]] = defaultdict(list)
    split_from: dict[int, str] = {}
    claimed = Counter(g for wanted in claims.values() for g in wanted)
    for coop_id, wanted in claims.items():
        home = home_group.get(coop_id)
        keeper = max(
            wanted,
            key=lambda g: (
                groups[g].coded,
                home == g,
                home is None and claimed[g] == 1,
                groups[g].rows,
                groups[g].profiles[::-1],
            ),
        )
        held[keeper].append(coop_id)
        for g in wanted - {keeper}:
            split_from.setdefault(g, coop_id)

    # 2. Groups with several: the oldest survives.
    for g, ids in sorted(held.items(), key=lambda item: groups[item[0]].profiles):
        ids.sort(key=lambda i: (by_id[i].order, i))
        result.ids[g] = ids[0]
        for gone in ids[1:]:
            result.redirects[gone] = ids[0]
            result.events.append(
                IdEvent("merged", gone, ids[0], f"认定为同一家，{gone} 并入较早的 {ids[0]}；旧编号今后自动转到新编号。")
            )

    # 3. Groups without one: an id merged away comes back to the group of what it stands by, else a new id.
    back: dict[int, list[str]] = defaultdict(list)
    for k in known:
        if k.redirects_to is not None and k.coop_id in home_group and not result.ids[home_group[k.coop_id]]:
            back[home_group[k.coop_id]].append(k.coop_id)
    number = len(known) if given is None else given
    for g in sorted((g for g in range(len(groups)) if not result.ids[g]), key=lambda g: groups[g].profiles):
        origin = split_from.get(g)
        if g in back:
            coop_id = min(back[g], key=lambda i: (by_id[i].order, i))
            result.redirects[coop_id] = None
            result.events.append(
                IdEvent("restored", coop_id, _final(coop_id, by_id), f"合并已撤销，恢复原编号 {coop_id}。")
            )
            for other in back[g]:
                if other != coop_id:
                    result.redirects[other] = coop_id
        else:
            coop_id = make_coop_id(number)
            number += 1
            result.seeds[coop_id] = groups[g].profiles[0]
            if origin:
                reason = f"从 {origin} 分出；{_why_kept(groups, held, home_group, origin, g)}"
                result.events.append(IdEvent("split", coop_id, origin, reason))
            else:
                result.events.append(IdEvent("new", coop_id, None, "首次出现，新建编号。"))
        result.ids[g] = coop_id

    result.homes = {
        coop_id: groups[g].profiles[0]
        for g, coop_id in enumerate(result.ids)
        if coop_id in by_id and home_group.get(coop_id) != g
    }

    # 4. What pointed at an id that now points on, points at its end: a redirect never leads to another.
    moved: dict[str, str | None] = {**{k.coop_id: k.redirects_to for k in known}, **result.redirects}
    for pointing, leads_to in list(moved.items()):
        end: str | None = leads_to
        while end is not None and moved.get(end) is not None:
            end = moved[end]
        if end != leads_to or pointing in result.redirects:
            result.redirects[pointing] = end
    result.redirects = {i: t for i, t in result.redirects.items() if by_id[i].redirects_to != t}
    _tell_the_rest(result, by_id)
    return result


def _tell_the_rest(result: Assignment, by_id: Mapping[str, KnownId]) -> None:
    """An event for every id that leads elsewhere now because of others', so that whoever follows the events in their order knows
    where each id leads without following others."""
    told = {e.coop_id for e in result.events if e.kind in {"merged", "restored"}}
    for coop_id, target in sorted(result.redirects.items()):
        if coop_id not in told and target is not None:
            reason = f"{coop_id} 此前已转到 {by_id[coop_id].redirects_to}，今后转到 {target}。"
            result.events.append(IdEvent("merged", coop_id, target, reason))


def _final(coop_id: str, by_id: Mapping[str, KnownId]) -> str:
    target = by_id[coop_id].redirects_to
    return coop_id if target is None else target


def _why_kept(
    groups: Sequence[Group], held: Mapping[int, list[str]], home_group: Mapping[str, int], coop_id: str, parted: int
) -> str:
    """What decided between the group that keeps an id and the one that parted from it."""
    keeper = next(g for g, ids in held.items() if coop_id in ids)
    if groups[keeper].coded and not groups[parted].coded:
        return f"{coop_id} 留给有统一社会信用代码的一方。"
    if home_group.get(coop_id) == keeper:
        return f"{coop_id} 留给一直使用该编号的一方。"
    return f"{coop_id} 留给行数较多的一方。"
