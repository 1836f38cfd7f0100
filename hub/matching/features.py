"""Profiles turned into what is compared: lists of texts per profile (`comparison.PARTY_COLUMNS`). Work is done on
distinct values; nothing here decides anything."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hub.matching.characters import look_of, loose_sound_of, simplified, sound_of
from hub.matching.names import BARE, BRANCH, Gazetteer, ParsedName

if TYPE_CHECKING:
    import pyarrow as pa

_EMPTY = frozenset(["", "无", "/", "-", "—", "——", "暂无", "未提供", "不详", "空", "NULL", "N/A", "NONE", "同上"])
_NOT_TEXT = re.compile(r"[\s'\"·.。,,、;;::()（）\-_/\\*]+")
_VILLAGE = re.compile(
    r"^(?:[^村社区]{1,4}(?:片区|办事处|工作片))?([^号路街]{1,8}?(?:村|社区|居委会|居|林场|农场|渔场))"
)
# Endings that offices add to a trade or leave out.
_LOOSE_TRADE = re.compile(r"(?:种养殖|种植|养殖|种养|饲养|产销|购销|加工|服务|生产|经营|农业)+$")
NAME_COLUMNS = (
    "surface",
    "core",
    "sound",
    "look",
    "letters",
    "sound_letters",
    "trade",
    "cut",
    "sound_cut",
    "sound_mask",
    "brand",
    "stem",
    "form",
    "region",
)


def cuts(text: str, shortest: int = 3) -> list[str]:
    """A text with each one of its characters left out; empty for a text shorter than `shortest`. Two texts share a
    cut if one slip (lost, added, replaced, swapped) makes one into the other."""
    if len(text) < shortest:
        return []
    return list(dict.fromkeys(text[:i] + text[i + 1 :] for i in range(len(text))))


def masks(text: str, shortest: int = 3) -> list[str]:
    """A text with each one of its characters masked: two texts share a mask if they differ in one place."""
    if len(text) < shortest:
        return []
    return [text[:i] + "?" + text[i + 1 :] for i in range(len(text))]


def clean_person(text: str | None) -> str:
    """A person's name for comparison; "" when the cell says there is none."""
    value = _NOT_TEXT.sub("", simplified(unicodedata.normalize("NFKC", text or ""))).upper()
    value = "".join(c for c in value if unicodedata.category(c) != "Cf")
    return "" if value in _EMPTY or len(value) < 2 else value


def clean_phone(text: str | None) -> str:
    """The digits of a phone number without country code; "" when there are fewer than seven."""
    digits = re.sub(
        r"\D",
        "",
        unicodedata.normalize("NFKC", (text or "").split("-")[0] if text and text.count("-") > 1 else text or ""),
    )
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    return digits if 7 <= len(digits) <= 13 and len(set(digits)) > 2 else ""


def stem_of(parsed: ParsedName) -> str:
    """The core without endings offices add to a trade or leave out (种植, 养殖…); the core where nothing would be left
    of the trade."""
    stem = _LOOSE_TRADE.sub("", parsed.core)
    return stem if len(stem) > max(len(parsed.brand), 1) else parsed.core


def name_features(parsed: ParsedName) -> dict[str, list[str]]:
    """What a parsed name gives to compare."""
    cores = [c + (f"#{parsed.branch}" if parsed.form == BRANCH else "") for c in parsed.cores if c]
    sounds = [sound_of(c) for c in cores]
    stem = stem_of(parsed)
    counties = [r for r in parsed.regions if r and r[-1] in "县市区旗"]
    return {
        "surface": [parsed.surface] if parsed.surface else [],
        "core": cores,
        "sound": list(dict.fromkeys(sounds)),
        "look": list(dict.fromkeys(f(c) for c in cores for f in (look_of, loose_sound_of))),
        "letters": list(dict.fromkeys("".join(sorted(c)) for c in cores)),
        "sound_letters": list(dict.fromkeys("".join(sorted(s)) for s in sounds)),
        "trade": [parsed.trade] if parsed.trade else [],
        "cut": list(dict.fromkeys(x for c in cores for x in cuts(c))),
        "sound_cut": list(dict.fromkeys(x for s in sounds for x in cuts(s))),
        "sound_mask": list(dict.fromkeys(x for s in sounds for x in masks(s))),
        "brand": [parsed.brand] if len(parsed.brand) >= 2 else [],
        "stem": [stem] if stem else [],
        "form": [] if parsed.form == BARE else [parsed.form],
        "region": list(dict.fromkeys(counties)),
    }


def _village(rest: str) -> str:
    found = _VILLAGE.match(rest)
    return str(found[1]) if found else ""


def _joined(parts: Iterable[dict[str, list[str]]]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {c: {} for c in NAME_COLUMNS}
    for part in parts:
        for column, values in part.items():
            found[column].update(dict.fromkeys(values))
    return {c: list(v) for c, v in found.items()}


def _by_value(values: list[Any], make: Callable[[Any], Any]) -> list[Any]:
    """`make` applied once per distinct value."""
    made = {value: make(value) for value in set(values)}
    return [made[value] for value in values]


def profile_features(profiles: pa.Table, gazetteer: Gazetteer) -> pa.Table:
    """One row a profile, in the profiles' order: `profile` (0, 1, …) and the lists of `PARTY_COLUMNS` but `rare_rep`,
    which depends on all of them."""
    import pyarrow as pa

    names: list[str | None] = profiles["name"].to_pylist()
    formers: list[str | None] = profiles["former_name"].to_pylist()
    parsed = {n: gazetteer.parse(n) for n in {*names, *formers} if n}
    features = {n: name_features(p) for n, p in parsed.items()}
    empty = _joined([])

    def of_names(pair: tuple[str | None, str | None]) -> dict[str, list[str]]:
        parts = [features[n] for n in pair if n and parsed[n].core]
        if len(parts) == 1:
            return parts[0]
        return _joined(parts) if parts else empty

    columns: dict[str, list[list[str]]] = {c: [] for c in NAME_COLUMNS}
    for found in _by_value(list(zip(names, formers, strict=True)), of_names):
        for column in NAME_COLUMNS:
            columns[column].append(found[column])
    reps = _by_value(profiles["representative"].to_pylist(), clean_person)
    phones = _by_value(profiles["phone"].to_pylist(), clean_phone)
    addresses = _by_value(profiles["address"].to_pylist(), gazetteer.address_of)
    towns = _by_value(profiles["town"].to_pylist(), gazetteer.town_of)
    founded = [str(f) if f else "" for f in profiles["founded_on"].to_pylist()]
    villages = [_village(rest) for _, rest in addresses]
    named = {n: f"{p.town}{p.village}" if p.village else "" for n, p in parsed.items()}
    columns["rep"] = [[r] if r else [] for r in reps]
    columns["rep_sound"] = _by_value(reps, lambda r: [sound_of(r)] if r else [])
    columns["rep_cut"] = _by_value(reps, masks)
    columns["phone"] = [[p] if p else [] for p in phones]
    columns["phone_cut"] = _by_value(phones, masks)
    columns["town"] = [
        list(dict.fromkeys(t for t in (town, address[0], parsed[name].town if name else "") if t))
        for town, address, name in zip(towns, addresses, names, strict=True)
    ]
    columns["place"] = [
        [rest] if len(rest) > len(village) and len(rest) >= 4 else []
        for (_, rest), village in zip(addresses, villages, strict=True)
    ]
    columns["village"] = [
        list(dict.fromkeys(v for v in (f"{town}{v}" if v else "", named[name] if name else "") if v))
        for (town, _), v, name in zip(addresses, villages, names, strict=True)
    ]
    columns["founded"] = [[f] if f else [] for f in founded]
    text_list = pa.list_(pa.string())
    return pa.table(
        {"profile": pa.array(range(len(names)), pa.int32())}
        | {column: pa.array(values, text_list) for column, values in columns.items()}
    )
