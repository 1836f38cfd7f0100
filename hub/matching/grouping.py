"""Who is the same by codes alone: credit codes, organisation codes, old tax and registration numbers, subject codes,
and damaged codes repaired. A code joins rows only while their names agree; a code with an unlike name is a conflict
for a person. No personal number is ever used or kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from hub.identifiers.codes import (
    CodeKind,
    classify_code,
    clean_code,
    id_card_check_passes,
    is_cooperative_uscc,
    looks_like_id_card,
    organisation_check_passes,
    proven_codes,
    suggest_repairs,
    uscc_check_passes,
)
from hub.matching.clusters import Clusters

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What one written code says. `organisation` is proven by its check; `options` are organisation codes it may have
    been before it was damaged; `key` is the code itself where it identifies without proof (registration numbers,
    subject codes, damaged codes); `shown` is what evidence may show."""

    organisation: str = ""
    options: tuple[str, ...] = ()
    key: str = ""
    how: str = ""
    shown: str = ""

    @property
    def damaged(self) -> bool:
        """Whether it was a credit code once."""
        return self.key.startswith("B:")


@lru_cache(maxsize=1 << 18)
def code_facts(written: str) -> CodeFacts:
    """Reads one code. Persons' numbers and codes destroyed by a spreadsheet say nothing."""
    code = clean_code(written)
    kind = classify_code(code)
    if not code or kind in {CodeKind.ID_CARD, CodeKind.PERSON_TAX, CodeKind.DAMAGED}:
        return CodeFacts()
    if kind is CodeKind.USCC:
        if not is_cooperative_uscc(code):
            return (
                _repairable(code)
                if not uscc_check_passes(code)
                else CodeFacts(key=f"U:{code}", how="统一社会信用代码", shown=code)
            )
        if uscc_check_passes(code) or organisation_check_passes(code[8:17]):
            if uscc_check_passes(code) and organisation_check_passes(code[8:17]):
                return _proven_facts(code)
            return _repairable(code)
        return _repairable(code)
    if kind is CodeKind.TAX15:
        return CodeFacts(organisation=code[6:], how="原税务登记号内含的组织机构代码", shown=code)
    if kind is CodeKind.ORGANISATION and organisation_check_passes(code):
        return CodeFacts(organisation=code, how="组织机构代码", shown=code)
    if kind is CodeKind.REGISTRATION:
        return CodeFacts(options=(code[6:],) if len(code) == 15 else (), key=f"R:{code}", how="注册号", shown=code)
    if len(code) > 18:
        return _subject(code)
    return _repairable(code) if len(code) >= 12 else CodeFacts()


def facts_table(written: Sequence[str]) -> pa.Table:
    """What many written codes say, one line each: `written` and the fields of `CodeFacts` (`sign` for its `key`)."""
    import pyarrow as pa

    facts = _facts_of_many(written)
    texts = {"organisation": "organisation", "sign": "key", "how": "how", "shown": "shown"}
    columns = {column: pa.array([getattr(f, name) for f in facts], pa.string()) for column, name in texts.items()}
    options = pa.array([f.options for f in facts], pa.list_(pa.string()))
    return pa.table({"written": pa.array(written, pa.string()), "options": options} | columns)


def _facts_of_many(written: Sequence[str]) -> list[CodeFacts]:
    """`code_facts` of many codes; the sound ones, nearly all, are told apart in columns."""
    proven = proven_codes(written)
    return [_proven_facts(w) if sure else code_facts(w) for w, sure in zip(written, proven.tolist(), strict=True)]


def _proven_facts(code: str) -> CodeFacts:
    return CodeFacts(organisation=code[8:17], how="统一社会信用代码", shown=code)


def _repairable(code: str) -> CodeFacts:
    repairs = suggest_repairs(code)
    options = dict.fromkeys(r[8:17] for r in repairs)
    if is_cooperative_uscc(code) and organisation_check_passes(code[8:17]):
        options = {code[8:17]: None} | options
    return CodeFacts(options=tuple(options), key=f"B:{code}", how="统一社会信用代码（有误）", shown=code)


def _subject(code: str) -> CodeFacts:
    """A subject code of the traceability platform: it may end in a credit code, or in a person's number padded with
    zeros; a person is not a cooperative, so such a code says nothing."""
    tail = code[-18:]
    if is_cooperative_uscc(tail) and uscc_check_passes(tail):
        return CodeFacts(organisation=tail[8:17], how="追溯主体身份码内含的统一社会信用代码", shown=tail)
    bare = tail.lstrip("0")
    if looks_like_id_card(tail) or id_card_check_passes(tail) or looks_like_id_card(bare):
        return CodeFacts()
    if len(code) == 19 and suggest_repairs(code):  # a credit code with one character too many
        return _repairable(code)
    return CodeFacts(key=f"S:{code}", how="追溯主体身份码", shown="")


@dataclass
class Grouping:
    """Profiles joined by codes. `how` and `shown` say for a profile by which code it was joined; `conflicts` maps a
    profile whose code belongs to another name's set to that set's smallest profile."""

    clusters: Clusters
    how: dict[int, str] = field(default_factory=dict)
    shown: dict[int, str] = field(default_factory=dict)
    conflicts: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Namings:
    """What grouping asks about profiles' names. `alike`: whether two names allow one cooperative (asked only of named
    profiles); `key`: the name itself, "" for none; `written`: the name with region and suffix as written; `weight`: how
    much a profile counts when a code's rightful name is sought; `decided`: what a person decided of two profiles, if
    anything."""

    alike: Callable[[int, int], bool]
    key: Sequence[str]
    written: Sequence[str]
    weight: Sequence[float]
    decided: Callable[[int, int], bool | None] = lambda _a, _b: None


def group_by_codes(codes: Sequence[Sequence[str]], namings: Namings, clusters: Clusters) -> Grouping:
    """Joins profiles by their codes, as written per profile in `codes`."""
    distinct = list(dict.fromkeys(code for written in codes for code in written))
    said = dict(zip(distinct, _facts_of_many(distinct), strict=True))
    facts = [[f for f in map(said.__getitem__, written) if f.organisation or f.key] for written in codes]
    grouping = Grouping(clusters)
    by_organisation: dict[str, list[int]] = defaultdict(list)
    for i, found in enumerate(facts):
        for organisation in dict.fromkeys(f.organisation for f in found if f.organisation):
            by_organisation[organisation].append(i)
    home: dict[int, str] = {}  # profile -> organisation code it is taken to have
    rightful: dict[str, list[int]] = {}
    home_of_name = _homes(by_organisation, namings)
    home_as_written = _homes(by_organisation, replace(namings, key=namings.written))
    for organisation in sorted(by_organisation):
        rightful[organisation] = _rightful(
            organisation, by_organisation[organisation], (home_of_name, home_as_written), namings, grouping
        )
    # A profile with two proven codes is at home with the one that more rows bear under its name.
    weight = {o: sum(namings.weight[i] for i in members) for o, members in rightful.items()}
    for organisation in sorted(rightful, key=lambda o: (-weight[o], o)):
        for i in rightful[organisation]:
            home.setdefault(i, organisation)
    for organisation, members in rightful.items():
        mine = [i for i in members if home[i] == organisation]
        for i in mine:
            if not clusters.join(mine[0], i):
                continue  # decided to be different: it goes on without this code
            grouping.conflicts.pop(i, None)
            fact = next(f for f in facts[i] if f.organisation == organisation)
            grouping.how[i], grouping.shown[i] = fact.how, fact.shown
        if mine:
            clusters.name(mine[0], organisation)
    _join_damaged(facts, rightful, grouping, namings)
    _join_keys(facts, grouping, namings)
    return grouping


def _homes(by_organisation: dict[str, list[int]], namings: Namings) -> dict[str, str]:
    """Name -> the organisation code it is at home with: the one most of whose rows are its, those of names alike
    counting too, and that it is seen with most."""
    seen: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    first: dict[str, int] = {}
    total: dict[str, float] = defaultdict(float)
    for organisation, members in by_organisation.items():
        for i in members:
            total[organisation] += namings.weight[i]
            if name := namings.key[i]:
                seen[name][organisation] += namings.weight[i]
                first.setdefault(name, i)
    homes: dict[str, str] = {}
    for name, codes in seen.items():
        if len(codes) == 1:
            homes[name] = next(iter(codes))
            continue

        def support(organisation: str, name: str = name) -> float:
            return sum(
                namings.weight[i]
                for i in by_organisation[organisation]
                if namings.key[i] == name or (namings.key[i] and namings.alike(first[name], i))
            )

        share = {o: codes[o] / total[o] for o in codes}
        weight = {o: support(o) for o in codes}
        homes[name] = max(codes, key=lambda o: (share[o] >= 0.5, weight[o], share[o], o))
    return homes


def _rightful(
    organisation: str,
    members: list[int],
    homes: tuple[dict[str, str], dict[str, str]],
    namings: Namings,
    grouping: Grouping,
) -> list[int]:
    """The profiles that bear a code by right; the others go to `conflicts`. `homes` are those of names and of names as
    written."""
    home_of_name, home_as_written = homes
    key, written, weight = namings.key, namings.written, namings.weight
    named = [i for i in members if key[i]]
    nameless = [i for i in members if not key[i]]
    if len({key[i] for i in named}) <= 1:
        return members

    times = Counter(written[i] for i in named)

    def at_home(i: int) -> bool:
        # A namesake's name is at home with another code; as it is written here, with this one.
        return home_of_name[key[i]] == organisation or (
            home_as_written.get(written[i]) == organisation and times[written[i]] > 1
        )

    def agree(i: int, j: int) -> bool:
        judged = namings.decided(i, j)
        if judged is not None:
            return judged
        if key[i] == key[j]:
            return True
        # 兴旺 and 兴盛 are alike, but where one is at home with another code this is no slip of the pen.
        return at_home(i) and at_home(j) and namings.alike(i, j)

    # A name at home with another code is likelier the pasted one than the rightful one.
    def rank(part: list[int]) -> tuple[bool, bool, float, int]:
        as_written = all(home_as_written.get(written[i]) == organisation for i in part)
        return (all(map(at_home, part)), as_written, sum(weight[i] for i in part), -min(part))

    parts = sorted(_components(named, agree), key=rank, reverse=True)
    for i in (i for part in parts[1:] for i in part):
        if not any(namings.decided(i, j) is False for j in parts[0]):
            grouping.conflicts.setdefault(i, min(parts[0]))
    return parts[0] + nameless


def _components(members: Sequence[int], agree: Callable[[int, int], bool]) -> list[list[int]]:
    sets = Clusters(len(members))
    for i in range(len(members)):
        for j in range(i):
            if sets.find(i) != sets.find(j) and agree(members[i], members[j]):
                sets.join(i, j)
    found: dict[int, list[int]] = defaultdict(list)
    for i, member in enumerate(members):
        found[sets.find(i)].append(member)
    return list(found.values())


def _join_damaged(
    facts: list[list[CodeFacts]], rightful: dict[str, list[int]], grouping: Grouping, namings: Namings
) -> None:
    """A damaged code joins the set of a repaired one when the name agrees: check digits and name together prove it."""
    for i, found in enumerate(facts):
        if i in grouping.how or not namings.key[i]:
            continue
        for fact in found:
            known = [o for o in fact.options if rightful.get(o)]
            fits = [o for o in known if any(namings.key[j] and namings.alike(i, j) for j in rightful[o])]
            if not fits and len(known) == 1 and fact.damaged:
                _hold(i, rightful[known[0]], grouping, namings)
            if len(fits) == 1 and grouping.clusters.join(rightful[fits[0]][0], i):
                repaired = "" if fact.key.startswith("R:") else "，按校验位和名称更正"
                grouping.how[i], grouping.shown[i] = f"{fact.how}{repaired}", fact.shown
                grouping.conflicts.pop(i, None)
                break


def _hold(i: int, owners: list[int], grouping: Grouping, namings: Namings) -> None:
    """The repaired code is one cooperative's and the name another: copied with a slip, or a former name."""
    if all(namings.key[j] for j in owners) and not any(namings.decided(i, j) is False for j in owners):
        grouping.conflicts.setdefault(i, min(owners))


def _join_keys(facts: list[list[CodeFacts]], grouping: Grouping, namings: Namings) -> None:
    """Registration numbers, subject codes and damaged codes join what bears the same one and is named alike."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for i, found in enumerate(facts):
        for fact in found:
            if fact.key and namings.key[i] and i not in grouping.conflicts:
                by_key[fact.key].append(i)
    for key in sorted(by_key):
        first: dict[str, int] = {}  # one profile a name is enough to compare
        for i in by_key[key]:
            first.setdefault(namings.key[i], i)
        for i in by_key[key]:
            for j in first.values():
                if i == j or grouping.clusters.find(i) == grouping.clusters.find(j) or not namings.alike(i, j):
                    continue
                if grouping.clusters.join(i, j):
                    for k in (i, j):
                        if k not in grouping.how:
                            fact = next(f for f in facts[k] if f.key == key)
                            grouping.how[k], grouping.shown[k] = fact.how, fact.shown


def codes_shown(written: Iterable[str]) -> list[str]:
    """The codes of a profile that evidence and screens may show: organisations' codes only."""
    return [f.shown for f in (code_facts(c) for c in written) if f.shown]
