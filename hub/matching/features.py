"""Profiles turned into what is compared: lists of texts per profile (`comparison.FEATURE_COLUMNS`). Work is done on
distinct values; nothing here decides anything."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from hub.matching.characters import look_table, loose_sound_table, sound_table, translated
from hub.matching.comparison import FEATURE_COLUMNS, LONGEST_WITH_SLIPS
from hub.matching.names import COUNTY_ENDS, PREFECTURE_ENDS, Gazetteer, ParsedName
from hub.matching.suffixes import BARE, BRANCH
from hub.simplified import simplified

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")
_EMPTY = frozenset(["", "无", "/", "-", "—", "——", "暂无", "未提供", "不详", "空", "NULL", "N/A", "NONE", "同上"])
_HAN = re.compile("[\u4e00-\u9fff]+")
_NOT_TEXT = re.compile(r"[\s'\"·.。,,、;;::()（）\-_/\\*]+")
_VILLAGE = re.compile(
    r"^(?:[^村社区]{1,4}(?:片区|办事处|工作片))?([^号路街]{1,8}?(?:村|社区|居委会|居|林场|农场|渔场))"
)
# Endings that offices add to a trade or leave out.
_LOOSE_TRADES = ("种养殖", "种植", "养殖", "种养", "饲养", "产销", "购销", "加工", "服务", "生产", "经营", "农业")
_LOOSE_TRADE = re.compile(rf"(?:{'|'.join(_LOOSE_TRADES)})+$")
_LOOSE_ENDS = frozenset(t[-1] for t in _LOOSE_TRADES)
_REGION_ENDS = frozenset(COUNTY_ENDS + PREFECTURE_ENDS)


def cuts(text: str, shortest: int = 3) -> list[str]:
    """A text with each one of its characters left out; empty for a text shorter than `shortest` or longer than any name. Two
    texts share a cut if one slip (lost, added, replaced, swapped) makes one into the other."""
    if not shortest <= len(text) <= LONGEST_WITH_SLIPS:
        return []
    return list(dict.fromkeys(text[:i] + text[i + 1 :] for i in range(len(text))))


def masks(text: str, shortest: int = 3) -> list[str]:
    """A text with each one of its characters masked: two texts share a mask if they differ in one place."""
    if not shortest <= len(text) <= LONGEST_WITH_SLIPS:
        return []
    return [text[:i] + "?" + text[i + 1 :] for i in range(len(text))]


def clean_person(text: str | None) -> str:
    """A person's name for comparison; "" when the cell says there is none."""
    if text and _HAN.fullmatch(text):  # nearly all: nothing but characters to simplify
        value = simplified(text)
    else:
        value = _NOT_TEXT.sub("", simplified(unicodedata.normalize("NFKC", text or ""))).upper()
        value = "".join(c for c in value if unicodedata.category(c) != "Cf")
    return "" if value in _EMPTY or not 2 <= len(value) <= LONGEST_WITH_SLIPS else value


def clean_phone(text: str | None) -> str:
    """The digits of a phone number without country code; "" when there are fewer than seven."""
    if text and text.isascii() and text.isdigit():
        digits = text
    else:
        said = (text or "").split("-")[0] if text and text.count("-") > 1 else text or ""
        digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", said))
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    return digits if 7 <= len(digits) <= 13 and len(set(digits)) > 2 else ""


def stem_of(parsed: ParsedName) -> str:
    """The core without endings offices add to a trade or leave out (种植, 养殖…); the core where nothing would be left
    of the trade."""
    stem = _LOOSE_TRADE.sub("", parsed.core) if parsed.core[-1:] in _LOOSE_ENDS else parsed.core
    return stem if len(stem) > max(len(parsed.brand), 1) else parsed.core


def _village(rest: str) -> str:
    found = _VILLAGE.match(rest)
    return str(found[1]) if found else ""


def _distinct(values: Sequence[str]) -> list[str]:
    given = [v for v in values if v]
    return given if len(given) < 2 else list(dict.fromkeys(given))


def _name_columns(parts: Sequence[ParsedName]) -> dict[str, list[str]]:
    """What the names of one profile (its present and former one) give to compare, but sounds and looks."""
    return {
        "surface": _distinct([p.surface for p in parts]),
        "core": _distinct([c for p in parts for c in (_branch_cores(p) if p.form == BRANCH else p.cores)]),
        "trade": _distinct([p.trade for p in parts]),
        "brand": _distinct([p.brand for p in parts if len(p.brand) >= 2]),
        "stem": _distinct([stem_of(p) for p in parts]),
        "form": _distinct([p.form for p in parts if p.form != BARE]),
        "region": _distinct([r for p in parts for r in p.regions if r[-1:] in _REGION_ENDS]),
    }


def _is_plain(parts: Sequence[ParsedName]) -> bool:
    """Whether `_plain_columns` may be used: one name with one reading."""
    return len(parts) == 1 and len(parts[0].cores) == 1 and len(parts[0].regions) < 2 and parts[0].form != BRANCH


def _plain_columns(names: Sequence[ParsedName]) -> dict[str, list[str]]:
    """`_name_columns` of many profiles that are plain, each value at most once: "" where there is none."""
    return {
        "surface": [n.surface for n in names],
        "core": [n.core for n in names],
        "trade": [n.trade for n in names],
        "brand": [n.brand if len(n.brand) >= 2 else "" for n in names],
        "stem": [stem_of(n) for n in names],
        "form": [n.form if n.form != BARE else "" for n in names],
        "region": [r[0] if (r := n.regions) and r[0][-1:] in _REGION_ENDS else "" for n in names],
    }


def _branch_cores(parsed: ParsedName) -> list[str]:
    """What a branch (分社) is called, and of whom."""
    return [f"{c}#{parsed.branch}" for c in parsed.cores if c]


def _translated_lists(values: Sequence[Sequence[str]], table: Callable[[], dict[int, str]]) -> list[list[str]]:
    """`translated` for lists of texts."""
    flat = iter(translated([v for inside in values for v in inside], table))
    return [[next(flat) for _ in inside] for inside in values]


def _lists_of_one(texts: Sequence[str] | pa.StringArray) -> pa.ListArray:
    """Lists of the one text given, or of none where it is ""."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    values = texts if isinstance(texts, pa.StringArray) else pa.array(texts, pa.string())
    said = pc.not_equal(values, "")
    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum(said.to_numpy(zero_copy_only=False), out=ends[1:])
    return pa.ListArray.from_arrays(pa.array(ends), values.filter(said))


def _lists_of_each(*columns: pa.StringArray) -> pa.ListArray:
    """Lists of what several columns say in a row, each text once, nothing for "". In nearly all rows they say one thing."""
    from functools import reduce

    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    first = reduce(lambda one, other: pc.if_else(pc.not_equal(one, ""), one, other), columns)
    one = reduce(pc.and_, (pc.or_(pc.equal(c, ""), pc.equal(c, first)) for c in columns))
    rest = pc.invert(one)
    others = list(zip(*(c.filter(rest).to_pylist() for c in columns), strict=True))
    lists = pa.concat_arrays([_lists_of_one(first), pa.array(list(map(_distinct, others)), _texts())])
    places = np.arange(len(first))
    places[rest.to_numpy(zero_copy_only=False)] = np.arange(len(first), len(first) + len(others))
    return lists.take(pa.array(places))


def _texts() -> pa.ListType:
    import pyarrow as pa

    return pa.list_(pa.string())


def _by_value(column: pa.ChunkedArray, make: Callable[[Any], _T]) -> tuple[list[_T], pa.Int32Array]:
    """`make` applied once per distinct value: what it made, and for each row which of it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_null(values.type):
        values = values.cast(pa.string())
    encoded = pc.dictionary_encode(values, null_encoding="encode")
    return list(map(make, encoded.dictionary.to_pylist())), encoded.indices


def _by_pair(left: pa.Int32Array, right: pa.Int32Array) -> tuple[list[tuple[int, int]], pa.Array]:
    """Distinct pairs of two columns of places, and for each row which of them."""
    import numpy as np
    import pyarrow as pa

    a, b = (side.to_numpy().astype(np.int64) for side in (left, right))
    span = int(b.max(initial=0)) + 1
    pairs, places = np.unique(a * span + b, return_inverse=True)
    return list(zip((pairs // span).tolist(), (pairs % span).tolist(), strict=True)), pa.array(places)


def profile_features(profiles: pa.Table, gazetteer: Gazetteer) -> pa.Table:
    """One row a profile, in the profiles' order: `profile` (0, 1, …) and the lists of `FEATURE_COLUMNS`."""
    import pyarrow as pa

    made: dict[str, pa.Array] = {}

    def add(columns: dict[str, pa.ListArray], places: pa.Array) -> None:
        made.update({c: values.take(places) for c, values in columns.items()})

    def texts(values: Iterable[str], places: pa.Array) -> pa.StringArray:
        return pa.array(values, pa.string()).take(places)

    names, of_name = _by_value(profiles["name"], gazetteer.parse)
    formers, of_former = _by_value(profiles["former_name"], gazetteer.parse)
    pairs, places = _by_pair(of_name, of_former)
    found, order = _compared_names([[p for p in (names[n], formers[f]) if p.core] for n, f in pairs])
    add(found, order.take(places))
    reps, places = _by_value(profiles["representative"], clean_person)
    add({"rep": _lists_of_one(reps), "rep_sound": _lists_of_one(translated(reps, sound_table))}, places)
    phones, places = _by_value(profiles["phone"], clean_phone)
    add({"phone": _lists_of_one(phones)}, places)
    founded, places = _by_value(profiles["founded_on"], lambda f: str(f) if f else "")
    add({"founded": _lists_of_one(founded)}, places)
    addresses, at = _by_value(profiles["address"], lambda a: _address(gazetteer, a))
    add({"place": _lists_of_one([a.place for a in addresses])}, at)
    towns, of_town = _by_value(profiles["town"], gazetteer.town_of)
    made["town"] = _lists_of_each(
        texts(towns, of_town), texts([a.town for a in addresses], at), texts([n.town for n in names], of_name)
    )
    made["village"] = _lists_of_each(
        texts([a.village for a in addresses], at),
        texts([n.village and f"{n.town}{n.village}" for n in names], of_name),
    )
    numbers = pa.array(range(profiles.num_rows), pa.int32())
    return pa.table({"profile": numbers} | {c: made[c] for c in FEATURE_COLUMNS})


def _compared_names(found: Sequence[Sequence[ParsedName]]) -> tuple[dict[str, pa.ListArray], pa.Array]:
    """The columns of names for distinct pairs of names, the plain ones first, and where in them each pair is."""
    import pyarrow as pa

    is_plain = list(map(_is_plain, found))
    plain = [parts[0] for parts, single in zip(found, is_plain, strict=True) if single]
    several = [_name_columns(parts) for parts, single in zip(found, is_plain, strict=True) if not single]
    number_of_plain, number_of_other = count(), count(len(plain))
    order = [next(number_of_plain if single else number_of_other) for single in is_plain]
    single = _plain_columns(plain)
    lists = {c: [f[c] for f in several] for c in single}
    cores = single["core"]
    loose = translated(cores, loose_sound_table)
    looks = [[a] if a == b else [a, b] for a, b in zip(translated(cores, look_table), loose, strict=True)]
    single["sound"] = translated(cores, sound_table)
    cores_of_several = lists["core"]
    lists["sound"] = list(map(_distinct, _translated_lists(cores_of_several, sound_table)))
    loose_of_several = _translated_lists(cores_of_several, loose_sound_table)
    looks += [
        _distinct([*a, *b])
        for a, b in zip(_translated_lists(cores_of_several, look_table), loose_of_several, strict=True)
    ]
    columns = {
        c: pa.concat_arrays([_lists_of_one(values), pa.array(lists[c], _texts())]) for c, values in single.items()
    }
    columns["look"] = pa.array(looks, _texts())
    return columns, pa.array(order, pa.int64())


class _Address(NamedTuple):
    """An address as what is compared: town, town and village, and what is more than a village."""

    town: str
    village: str
    place: str


def _address(gazetteer: Gazetteer, text: str | None) -> _Address:
    town, rest = gazetteer.address_of(text)
    village = _village(rest)
    return _Address(
        town, f"{town}{village}" if village else "", rest if len(rest) > len(village) and len(rest) >= 4 else ""
    )
