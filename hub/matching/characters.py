"""Chinese characters as matching sees them: sound and look. Tables only; nothing here knows of names.

Sound is the syllable without tone, one private character a syllable, so that a sound is as long as its text and the
same edits apply to both. A character with several readings counts with its commonest.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SOUND_BASE = 0xE000


def read_words(name: str) -> list[str]:
    """The words of a list in `words/`, one line or many; `#` starts a comment."""
    lines = (Path(__file__).parent / "words" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


@cache  # forty thousand characters share fifteen hundred readings
def _toneless(reading: str) -> str:
    decomposed = unicodedata.normalize("NFD", reading.replace("ü", "v").replace("ǘ", "v").replace("ǚ", "v"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@lru_cache(maxsize=1)
def sound_table() -> dict[int, str]:
    """Character -> the private character of its syllable, for `str.translate`."""
    from pypinyin.pinyin_dict import pinyin_dict

    syllables: dict[str, str] = {}
    table: dict[int, str] = {}
    for code in sorted(pinyin_dict):
        syllable = _toneless(pinyin_dict[code].split(",")[0])
        table[code] = syllables.setdefault(syllable, chr(_SOUND_BASE + len(syllables)))
    return table


@lru_cache(maxsize=1)
def loose_sound_table() -> dict[int, str]:
    """As `sound_table`, with sounds that dialects do not tell apart taken as one: in and ing, z and zh, l and n…"""
    from pypinyin.pinyin_dict import pinyin_dict

    syllables: dict[str, str] = {}
    table: dict[int, str] = {}
    for code in sorted(pinyin_dict):
        syllable = _toneless(pinyin_dict[code].split(",")[0])
        if syllable[:2] in {"zh", "ch", "sh"}:
            syllable = syllable[0] + syllable[2:]
        if syllable[:1] == "n" and len(syllable) > 1:
            syllable = "l" + syllable[1:]
        if syllable.endswith(("ing", "eng")):
            syllable = syllable[:-1]
        table[code] = syllables.setdefault(syllable, chr(_SOUND_BASE + len(syllables)))
    return table


@lru_cache(maxsize=1)
def look_table() -> dict[int, str]:
    """Character -> the first of the characters that look like it, for `str.translate`. Looks do not chain."""
    table: dict[int, str] = {}
    for group in read_words("looks"):
        known = next((table[ord(c)] for c in group if ord(c) in table), group[0])
        for character in group:
            table.setdefault(ord(character), known)
    return table


def sound_of(text: str) -> str:
    """The text's sound, one private character a syllable. Other characters stay."""
    return text.translate(sound_table())


def loose_sound_of(text: str) -> str:
    """The text's sound as dialects hear it. Other characters stay."""
    return text.translate(loose_sound_table())


def look_of(text: str) -> str:
    """The text with every look-alike replaced by the first of its group."""
    return text.translate(look_table())


@cache
def _lookup(table: Callable[[], dict[int, str]]) -> NDArray[np.uint32]:
    """A table as an array over all characters."""
    import numpy as np

    found = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    said = table()
    found[list(said)] = [ord(c) for c in said.values()]
    return found


def translated(texts: Sequence[str], table: Callable[[], dict[int, str]]) -> list[str]:
    """Many texts as `str.translate` would give them by a table (`sound_table`, …) that maps no line break."""
    import numpy as np

    if not texts:
        return []
    letters = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return _lookup(table)[letters].tobytes().decode("utf-32-le", "surrogatepass").split("\n")
