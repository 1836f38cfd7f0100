"""The suffix of a cooperative's name, which says its legal form; recognised by sound and with one slip."""

from __future__ import annotations

import re
from functools import lru_cache

from hub.matching.characters import loose_sound_of as sound_of

# Legal forms. A suffix of another form makes another legal person, whatever the rest of the name.
COOP, UNION, SHARE, BRANCH, BARE = "coop", "union", "share", "branch", "bare"
_SUFFIXES: tuple[tuple[str, str], ...] = (
    *(
        (s, COOP)
        for s in (
            "农民专业合作社",
            "农牧民专业合作社",
            "牧民专业合作社",
            "渔民专业合作社",
            "农户专业合作社",
            "农村专业合作社",
            "专业合作社",
            "农民专业社",
            "农民合作社",
            "农牧民合作社",
            "合作社",
            "专业社",
        )
    ),
    *(
        (s, UNION)
        for s in (
            "农民专业合作社联合社",
            "专业合作社联合社",
            "农民专业合作联合社",
            "专业合作联合社",
            "农民专业合作社联社",
            "专业合作社联社",
            "农民专业合作联社",
            "专业合作联社",
            "合作社联合社",
            "合作联合社",
            "合作联社",
            "专业联合社",
            "联合总社",
            "联合社",
        )
    ),
    *((s, SHARE) for s in ("农民专业股份合作社", "专业股份合作社", "股份专业合作社", "股份合作社")),
)
_SHARES = frozenset("股份")
_BRANCH = re.compile(r"社(.{0,8})分社$")
_CUT_OFF = re.compile(r"(?:农民)?(?:专业合作|专业合|专业|专|合作)$")  # by a column too narrow for the name


@lru_cache(maxsize=1)
def _suffix_table() -> tuple[dict[str, str], int]:
    """Sound of a suffix, or of one with a slip -> its form; and the longest such tail."""
    exact = {sound_of(text): form for text, form in _SUFFIXES}
    table = dict(exact)
    ends_of_trades = {sound_of(c) for c in "业农民"}
    named_people = {sound_of(text) for text, _ in _SUFFIXES if set(text) & set("牧渔户村")}
    for sound, form in exact.items():
        if len(sound) < 3 or sound in named_people:
            continue  # 苗木专业合作社 is no 牧民专业合作社 with a lost character
        slips = {sound[:i] + sound[i + 1] + sound[i] + sound[i + 2 :] for i in range(len(sound) - 1)}
        if len(sound) > 3:
            slips |= {sound[:i] + sound[i + 1 :] for i in range(len(sound))}
        for slip in slips:
            # 业合作社 is no 专业合作社 with a lost character but the end of 茶叶合作社; so for 果农, 渔民.
            if not any(slip.endswith(whole) and slip[: -len(whole)] in ends_of_trades for whole in exact):
                table.setdefault(slip, form)
    return table, max(map(len, table))


@lru_cache(maxsize=1)
def _swapped_table() -> dict[str, str]:
    """Sound of a suffix -> its form, for suffixes that may be found with their first character swapped with the one before."""
    table, _ = _suffix_table()
    longest_first = sorted(((sound_of(text), form) for text, form in _SUFFIXES), key=lambda p: -len(p[0]))
    return {sound: form for sound, form in reversed(longest_first) if sound[1:] not in table}


@lru_cache(maxsize=1)
def _ends() -> frozenset[str]:
    """Whatever a suffix by its sound may end with."""
    table, _ = _suffix_table()
    return frozenset(sound[at:] for sound in table for at in range(len(sound)))


def take_suffix(surface: str) -> tuple[str, str, str, str]:
    """(body, form, suffix, branch) of a plain name."""
    if surface.endswith("分社") and (found := _BRANCH.search(surface)):
        body, _, suffix, _ = take_suffix(surface[: found.start() + 1])
        return body, BRANCH, suffix, found[1]
    table, longest = _suffix_table()
    swapped = _swapped_table()
    ends = _ends()
    size = len(surface)
    sound = sound_of(surface[-longest - 1 :])
    known = 1
    while known < longest and sound[-known:] in ends:
        known += 1  # from here on nothing but a swap of its first character can be a suffix
    for length in range(min(known, size - 1), 1, -1):
        form = table.get(sound[-length:])
        if form == SHARE and not _SHARES & set(surface[-length:]):
            continue  # 蜜蜂专业合作社 sounds like 股份专业合作社 with a lost character
        if form is not None:
            return surface[:-length], form, surface[-length:], ""
        if size > length + 2:  # the suffix's first character swapped with the one before
            form = swapped.get(sound[-length - 1] + sound[-length + 1 :])
            if form is not None:
                return surface[: -length - 1] + surface[-length], form, surface[-length - 1 :], ""
    if size > 3 and surface[-1] == "社":
        return surface[:-1], BARE, surface[-1:], ""
    found = _CUT_OFF.search(surface)
    if found and found.start() > 1:
        return surface[: found.start()], BARE, found[0], ""
    return surface, BARE, "", ""
