"""What may join whom, given what was compared: the rules people can read. Nothing here counts, weighs or keeps state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hub.matching.comparison import COMPARISONS, level_name
from hub.matching.features import cuts


def names_agree(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two names (as features) may be one cooperative's, given that a code says so: equal, alike by one slip,
    same brand, or most characters shared."""
    if set(a["core"]) & set(b["core"]) or set(a["sound"]) & set(b["sound"]) or set(a["brand"]) & set(b["brand"]):
        return True
    if set(a["sound_cut"]) & (set(b["sound_cut"]) | set(b["sound"])) or set(b["sound_cut"]) & set(a["sound"]):
        return True
    for x in map(set, a["sound"]):
        for y in map(set, b["sound"]):
            shared = len(x & y)
            if shared >= 2 and shared >= 0.75 * min(len(x), len(y)):
                return True
    return False


def alike_under_one_code(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two rows (as features) that bear one code may be one cooperative's."""
    if a["form"] and b["form"] and not set(a["form"]) & set(b["form"]):
        return bool(set(a["core"]) & set(b["core"]) and set(a["rep"]) & set(b["rep"]))
    return names_agree(a, b) or bool(set(a["phone"]) & set(b["phone"]) and set(a["rep"]) & set(b["rep"]))


def name_key(row: dict[str, Any]) -> str:
    """A name without region and suffix, with its legal form; "" for none."""
    return f"{row['core'][0]}|{''.join(row['form'])}" if row["core"] else ""


def apart(rows: Sequence[dict[str, Any]], left: Sequence[int], right: Sequence[int], column: str) -> bool:
    """Whether both sides say something in a column and nothing of it is the same."""
    a = {v for i in left for v in rows[i][column]}
    b = {v for i in right for v in rows[i][column]}
    return bool(a and b and not a & b)


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
    return row["g_form"] != 0 and name not in {"other", "missing"}


def may_link(row: dict[str, Any]) -> bool:
    """Names that are no slip of one another never link on people and places alone: one person runs several
    cooperatives at one address, even under one brand."""
    name = level_name(COMPARISONS[0], row["g_name"])
    if not may_ask(row) or row["g_region"] == 0 or name == "brand":
        return False
    person = row["g_representative"] > 0 or row["g_phone"] > 0 or row["g_place"] > 0
    if person or name == "same":
        return True
    against = {c for c in ("representative", "phone", "place", "town") if row[f"g_{c}"] == 0}
    if name in {"core", "stem"}:  # representatives change; towns and phones with them do not
        return "town" not in against and len(against) < 2
    if name in {"sound", "jumbled", "trade_slip"}:  # hardly ever two cooperatives
        return not against
    return False  # 顺利 and 利顺, 牛山 and 牛蹄山 may be cooperatives of one town
