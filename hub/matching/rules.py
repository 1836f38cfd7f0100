"""What may join whom, given what was compared: the rules people can read. Nothing here counts, weighs or keeps state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hub.matching.characters import sound_of
from hub.matching.comparison import COMPARISONS, level_name
from hub.matching.features import cuts


def names_agree(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two names (as features) may be one cooperative's, given that a code says so: equal, alike by one slip,
    or of one brand."""
    if set(a["core"]) & set(b["core"]) or set(a["sound"]) & set(b["sound"]) or set(a["brand"]) & set(b["brand"]):
        return True
    cut_a, cut_b = ({c for sound in side["sound"] for c in cuts(sound)} for side in (a, b))
    return bool(cut_a & (cut_b | set(b["sound"])) or cut_b & set(a["sound"]))


def names_resemble(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two names (as features) share most characters, those of the brand too: 刘园养殖 and 远大种养殖 share their
    trade, not a name."""
    if not any(_most_shared(x, y, 0.75) for x in a["sound"] for y in b["sound"]):
        return False
    brands = [[sound_of(v) for v in side["brand"]] for side in (a, b)]
    return not all(brands) or any(_most_shared(x, y, 0.6) for x in brands[0] for y in brands[1])


def _most_shared(x: str, y: str, share: float) -> bool:
    """Whether two sounds share at least two characters, and this share of the shorter."""
    shared = len(set(x) & set(y))
    return shared >= 2 and shared >= share * min(len(set(x)), len(set(y)))


def alike_under_one_code(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two rows (as features) that bear one code may be one cooperative's."""
    if a["form"] and b["form"] and not set(a["form"]) & set(b["form"]):
        return bool(set(a["core"]) & set(b["core"]) and set(a["rep"]) & set(b["rep"]))
    said = [(set(a[c]), set(b[c])) for c in ("rep", "phone")]
    if names_agree(a, b) or all(x & y for x, y in said):
        return True
    # 鑫源水种植 and 新源养殖 resemble one another; whose phone or representative differs too, may have copied the code.
    return names_resemble(a, b) and (any(x & y for x, y in said) or not any(x and y for x, y in said))


def name_key(row: dict[str, Any]) -> str:
    """A name without region and suffix, with its legal form; "" for none."""
    return f"{row['core'][0]}|{''.join(row['form'])}" if row["core"] else ""


def sound_key(row: dict[str, Any]) -> str:
    """The sound of a name without region and suffix, with its legal form; "" for none. No registry gives two names of one
    sound, so that the other is a slip."""
    return f"{row['sound'][0]}|{''.join(row['form'])}" if row["sound"] else ""


def apart(rows: Sequence[dict[str, Any]], left: Sequence[int], right: Sequence[int], column: str) -> bool:
    """Whether both sides say something in a column and nothing of it is the same."""
    a = {v for i in left for v in rows[i][column]}
    b = {v for i in right for v in rows[i][column]}
    return bool(a and b and not a & b)


def together(rows: Sequence[dict[str, Any]], left: Sequence[int], right: Sequence[int], column: str) -> bool:
    """Whether both sides say one thing in a column."""
    return not {v for i in left for v in rows[i][column]}.isdisjoint(v for i in right for v in rows[i][column])


def weak_names(party: Sequence[int], cores: Sequence[str], n_rows: Sequence[int], link: Sequence[str]) -> list[bool]:
    """Per profile, whether its name lost a character of the name most of its party's rows have. 林水果, written once
    for 林洋水果, must not draw in the rows of another cooperative of that very name."""
    seen: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for i, p in enumerate(party):
        if cores[i]:
            seen[p][cores[i]] += n_rows[i]
    weak = [False] * len(party)
    for i, p in enumerate(party):
        core, counts = cores[i], seen[p]
        if len(counts) < 2 or not core or link[i] == "decision":
            continue
        main = max(counts, key=lambda c: (counts[c], c))
        weak[i] = core != main and 2 * counts[core] <= counts[main] and core in cuts(main)
    return weak


def may_ask(row: dict[str, Any]) -> bool:
    """Whether a scored pair is worth a person's question at all."""
    name = level_name(COMPARISONS[0], row["g_name"])
    if name == "other":  # a former name, or another cooperative of that person
        said = sum(row[f"g_{c}"] > 0 for c in ("representative", "phone", "place"))
        return bool(said > 1 and row["g_town"] != 0 and row["g_form"] != 0)
    return bool(row["g_form"] != 0 and name != "missing")


def may_be_renamed(row: dict[str, Any]) -> bool:
    """Whether a pair named nothing alike may be one cooperative all the same, renamed or written with two slips: one town, and
    the representative or the phone. As likely it is another of that person's, so that nobody waits for the answer."""
    other = level_name(COMPARISONS[0], row["g_name"]) == "other"
    one_person = row["g_representative"] > 1 or row["g_phone"] > 1
    return bool(other and one_person and row["g_town"] > 0 and row["g_form"] != 0 and row["g_region"] != 0)


def same_name(row: dict[str, Any]) -> bool:
    """Whether a pair is called the same, but for region and suffix."""
    return level_name(COMPARISONS[0], row["g_name"]) in {"same", "core"}


def same_writing(row: dict[str, Any]) -> bool:
    """Whether a pair is called the same to the letter."""
    return level_name(COMPARISONS[0], row["g_name"]) == "same"


def may_link(row: dict[str, Any]) -> bool:
    """Whether a scored pair may be linked without a person, if it is likely enough.

    A name of another form or region never is. Names that are no slip of one another never link on people and places:
    one person runs several cooperatives at one address, under one brand (兴旺果蔬, 兴旺茶叶) or with names in a row
    (兴旺, 兴盛); there the pieces of evidence come from one cause, and the model counts each of them."""
    name = level_name(COMPARISONS[0], row["g_name"])
    if not may_ask(row) or row["g_region"] == 0 or name in {"brand", "replaced", "other"}:
        return False
    if _vouched(row):
        return True
    against = [c for c in ("representative", "phone", "place") if row[f"g_{c}"] == 0]
    if same_name(row):  # representatives and phones change; towns hardly ever
        # Of two names written out, one with another suffix may be another's: then a place, or the town, has to agree.
        most = 1 if row["g_region"] > 0 and not (row["g_town"] > 0 and row["g_place"] != 0) else 2
        return bool(row["g_town"] != 0) and (same_writing(row) or len(against) <= most)
    if name in {"bare", "lost", "lost_sound", "swapped", "swapped_sound", "trade_slip"}:
        # 牛山 and 牛蹄山, 顺利 and 利顺, 绿草养殖 and 绿草种养殖 may be cooperatives of one town, but in a hundred such pairs
        # with nothing against it hardly two were: linked, and a person is asked (`is_doubtful`).
        return row["g_town"] > 0 and not against
    if row["g_town"] > 0:
        # A registry gives no two names of one sound, nor a trade that is none: people may have changed.
        most = 2 if name in {"sound", "broken"} and row["g_place"] != 0 else 1
        return len(against) <= most
    return row["g_town"] < 0 and not against


def is_doubtful(row: dict[str, Any]) -> bool:
    """Whether a person is asked about a pair although it may be linked: no person, phone or place speaks for it, and the
    name is a slip (得汪 and 得旺 may be two), or written out with another suffix or village while one of them speaks
    against it (金坝专业合作社 and 金坝农民专业合作社); so, too, when both person and phone speak against it, or the person alone
    speaks for a name with a character more or less (王土生养殖 and 王土生种养殖 are both 王土生's)."""
    levels = [row[f"g_{c}"] for c in ("representative", "phone", "place")]
    if same_writing(row):
        return False
    written_out = row["g_region"] > 0 or not same_name(row)
    name = level_name(COMPARISONS[0], row["g_name"])
    if name in {"lost", "lost_sound", "trade_slip"} and levels[0] > 0 and max(levels[1:]) <= 0:
        return True
    if levels[0] == levels[1] == 0 and written_out:
        return True
    return max(levels) <= 0 and (not same_name(row) or (row["g_region"] > 0 and 0 in levels))


PEOPLE_AND_TOWN = ("town", "rep", "phone")


def at_odds(a: Mapping[str, set[str]], b: Mapping[str, set[str]]) -> bool:
    """Whether the towns of two parties (`PEOPLE_AND_TOWN`), or the representatives and not the phones, say two
    cooperatives."""

    def differ(column: str) -> bool:
        return bool(a[column] and b[column] and a[column].isdisjoint(b[column]))

    return differ("town") or (differ("rep") and a["phone"].isdisjoint(b["phone"]))


def may_link_despite_code(row: dict[str, Any]) -> bool:
    """Whether a row whose code belongs to another name may go to the cooperative it is named like: the name is the same,
    a person or phone too, and nothing of them speaks against. A person confirms it all the same."""
    if not may_link(row) or not same_name(row) or row["g_town"] == 0:
        return False
    return bool(
        row["g_phone"] > 0 or row["g_representative"] > 0 or (row["g_place"] > 0 and row["g_representative"] < 0)
    )


def may_be_a_slip_of_the_code(row: dict[str, Any]) -> bool:
    """Whether a row that names nobody and bears another's code may go to the cooperative it is named after, if that one
    is not in the same list already: from there its name cannot have been copied, so that it is the code that was."""
    return may_link(row) and same_name(row) and nothing_against(row)


def may_link_with_own_code(row: dict[str, Any]) -> bool:
    """Whether a row whose code is damaged beyond repair may go to a cooperative: its code may be that of one not known
    yet, so that it takes the very name and a person, phone or place, or the name to the letter and nobody against it."""
    if not may_link(row) or not same_name(row):
        return False
    return _vouched(row) or (same_writing(row) and row["g_representative"] != 0)


def nothing_against(row: dict[str, Any]) -> bool:
    """Whether no person, phone or place speaks against a pair."""
    return all(row[f"g_{c}"] != 0 for c in ("representative", "phone", "town", "place"))


def _vouched(row: dict[str, Any]) -> bool:
    """Whether a person or a phone speaks for a pair, or a place and no person against it."""
    return bool(
        row["g_representative"] > 0 or row["g_phone"] > 0 or (row["g_place"] > 0 and row["g_representative"] != 0)
    )
