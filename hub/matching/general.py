"""The general part of the matcher, for lists of organisations that are no cooperatives: no codes, no gazetteer, no Chinese
names; only a name, an address, a postcode and a telephone. The same Fellegi-Sunter levels and scores as
`hub.matching.comparison`, the same rule against chains: the surest pair first, and none joined that something speaks against.

The parameters are set by hand in round numbers and fitted to nothing: how often the same organisation is written this way
(m), and how often two different ones agree by chance (u).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.matching.comparison import Comparison, Level, level_sql
from hub.matching.features import masks
from hub.matching.scoring import open_workspace

if TYPE_CHECKING:
    import pyarrow as pa

_NOT_WORD = re.compile(r"[^0-9A-Z]+")
# How a street's kind and direction are shortened, and words that tell no organisation from another.
_SHORT = {
    "STREET": "ST", "AVENUE": "AVE", "AV": "AVE", "ROAD": "RD", "BOULEVARD": "BLVD", "DRIVE": "DR", "PLACE": "PL",
    "COURT": "CT", "LANE": "LN", "PARKWAY": "PKWY", "TERRACE": "TER", "HIGHWAY": "HWY", "SQUARE": "SQ",
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "SAINT": "ST", "CENTRE": "CENTER", "CTR": "CENTER", "CENT": "CENTER",
}  # fmt: skip
_KINDS = frozenset(["ST", "AVE", "RD", "BLVD", "DR", "PL", "CT", "LN", "PKWY", "TER", "HWY", "SQ", "N", "S", "E", "W"])
_IDLE = frozenset(["THE", "OF", "AND", "A", "INC", "LTD", "LLC", "CO", "CORP", "FOR", "AT"])


def _shared(column: str) -> str:
    """SQL: share of the shorter list's words that the longer has too."""
    both = f"len(list_intersect({{l}}{column}, {{r}}{column}))"
    return f"{both}::double / greatest(least(len({{l}}{column}), len({{r}}{column})), 1)"


def _both(column: str) -> str:
    return f"list_has_any({{l}}{column}, {{r}}{column})"


COMPARISONS: tuple[Comparison, ...] = (
    Comparison(
        "name",
        "名称",
        "(len({l}words) = 0 or len({r}words) = 0)",
        (
            Level("same", "名称完全相同", "{l}name = {r}name"),
            Level("near", "名称只差一两个字母", "jaro_winkler_similarity({l}name, {r}name) >= 0.94"),
            Level(
                "most",
                "名称用词大多相同",
                f"{_shared('words')} >= 0.75 and len(list_intersect({{l}}words, {{r}}words)) >= 2",
            ),
            Level("some", "名称有相同的词", f"{_shared('words')} >= 0.3"),
        ),
        "名称不同",
    ),
    Comparison(
        "address",
        "地址",
        "(len({l}house) = 0 or len({r}house) = 0)",
        (
            Level("same", "门牌和街道相同", f"{_both('house')} and {_both('street')}"),
            Level("house", "门牌相同，街道写法不同", _both("house")),
            Level("street", "街道相同，门牌不同", f"{_both('street')}"),
        ),
        "地址不同",
    ),
    Comparison(
        "postcode",
        "邮编",
        "({l}postcode = '' or {r}postcode = '')",
        (Level("same", "邮编相同", "{l}postcode = {r}postcode"),),
        "邮编不同",
    ),
    Comparison(
        "phone",
        "电话",
        "({l}phone = '' or {r}phone = '')",
        (
            Level("same", "电话相同", "{l}phone = {r}phone"),
            Level("near", "电话只差一位", _both("phone_cut")),
        ),
        "电话不同",
    ),
)
# (m, u) by comparison and level, the lowest level last.
PARAMETERS: dict[str, tuple[tuple[float, float], ...]] = {
    "name": ((0.25, 1e-4), (0.15, 3e-4), (0.25, 2e-3), (0.25, 0.05), (0.1, 0.95)),
    "address": ((0.86, 5e-4), (0.05, 4e-3), (0.04, 0.02), (0.05, 0.975)),
    "postcode": ((0.97, 0.03), (0.03, 0.97)),
    "phone": ((0.7, 5e-4), (0.03, 3e-4), (0.27, 0.999)),
}
LINK = 0.5  # two rows and their chains are cheap to part again here; a county's matcher is far stricter


@dataclass(frozen=True, slots=True)
class Organisation:
    """A row of a list, as written."""

    name: str
    address: str = ""
    postcode: str = ""
    phone: str = ""


def words_of(text: str) -> list[str]:
    """Words in capitals, shortened as street signs do, without marks."""
    plain = unicodedata.normalize("NFKD", text.upper().replace("'", ""))
    found = _NOT_WORD.sub(" ", "".join(c for c in plain if not unicodedata.combining(c))).split()
    return [_SHORT.get(w, w) for w in found]


def _features(rows: Sequence[Organisation]) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, list[object]] = {
        c: [] for c in ("row", "name", "words", "house", "street", "postcode", "phone", "phone_cut")
    }
    for number, row in enumerate(rows):
        name, address = words_of(row.name), words_of(row.address)
        telling = list(dict.fromkeys(w for w in name if w not in _IDLE))
        digits = re.sub(r"\D", "", row.phone)[-7:]
        house = next((re.sub(r"\D.*", "", w) for w in address[:1] if w[0].isdigit()), "")
        street = next((w for w in address[1:] if w not in _KINDS), "")
        columns["row"].append(number)
        columns["name"].append(" ".join(telling))
        columns["words"].append(telling)
        columns["house"].append([house] if house else [])
        columns["street"].append([street] if street else [])
        columns["postcode"].append(re.sub(r"\D", "", row.postcode)[:5])
        columns["phone"].append(digits if len(digits) == 7 else "")
        columns["phone_cut"].append(masks(digits) if len(digits) == 7 else [])
    text, texts = pa.string(), pa.list_(pa.string())
    kinds = {"row": pa.int32(), "name": text, "postcode": text, "phone": text}
    return pa.table({c: pa.array(v, kinds.get(c, texts)) for c, v in columns.items()})


def score_organisations(rows: Sequence[Organisation]) -> list[tuple[int, int, float]]:
    """(row, row, chance of one organisation) for every pair that shares a phone, a house in a street, or a name's words."""
    import math

    connection = open_workspace()
    try:
        connection.register("features", _features(rows))
        connection.execute("create table organisation as select * from features")
        connection.execute(
            """create table candidate as
               with keys as (
                 select row, 'P' || phone as key from organisation where phone <> ''
                 union all select row, 'A' || house[1] || ' ' || street[1] from organisation where len(house) > 0 and len(street) > 0
                 union all select row, 'H' || house[1] || ' ' || word from (select row, house, unnest(words) as word from organisation)
                   where len(house) > 0
                 union all select row, 'N' || name from organisation where name <> ''
                 union all select row, 'C' || unnest(phone_cut) from organisation),
               few as (select key from keys group by key having count(*) between 2 and 200)
               select distinct x.row as a, y.row as b from keys x join keys y using (key) semi join few using (key)
               where x.row < y.row"""
        )
        weights = {
            c.name: {n: math.log2(m / u) for n, (m, u) in zip(_numbers(c), PARAMETERS[c.name], strict=True)}
            for c in COMPARISONS
        }
        levels = ", ".join(f"{level_sql(c)} as g_{c.name}" for c in COMPARISONS)
        total = " + ".join(
            f"case g_{c.name} when -1 then 0 {' '.join(f'when {n} then {w:.9f}' for n, w in weights[c.name].items())} end"
            for c in COMPARISONS
        )
        prior = math.log2(2.0 / max(len(rows), 2))  # a row has about two others of its organisation
        scored = connection.execute(
            f"""select a, b, 1 / (1 + power(2, -({total} + {prior!r}))) as chance from (
                  select a, b, {levels} from candidate c join organisation l on l.row = c.a join organisation r on r.row = c.b)
                order by chance desc, a, b"""
        ).fetchall()
    finally:
        connection.close()
    return [(int(a), int(b), float(chance)) for a, b, chance in scored]


def _numbers(comparison: Comparison) -> list[int]:
    return list(range(len(comparison.levels), -1, -1))


def group_organisations(rows: Sequence[Organisation], *, link: float = LINK) -> list[int]:
    """Per row the smallest row of its organisation. Two groups join by their surest pair if on average their pairs are
    likelier one organisation than two; pairs that share nothing count as unlikely."""
    group = list(range(len(rows)))
    members: dict[int, list[int]] = {i: [i] for i in group}
    scored = score_organisations(rows)
    chance = {(a, b): p for a, b, p in scored}
    for a, b, p in scored:
        if p < link:
            break
        x, y = sorted((group[a], group[b]))
        if x == y:
            continue
        pairs = [(min(i, j), max(i, j)) for i in members[x] for j in members[y]]
        if sum(chance.get(pair, 0.0) for pair in pairs) < link * len(pairs):
            continue
        for i in members[y]:
            group[i] = x
        members[x] += members.pop(y)
    return group
