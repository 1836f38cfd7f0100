"""Pinyin initials of names, for the search box: character by character, the rare second reading of a character left out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_BETWEEN = "\0"  # stands in no text of PostgreSQL's


def initials_of(names: pa.Array) -> pa.Array:
    """One text a name, of as many characters: letters and digits small, other characters by their first letter. All names are
    one row of code points, and those are looked up in a table: characters are few, names are millions."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(names):
        return pa.array([], pa.string())
    whole = pa.ListArray.from_arrays([0, len(names)], pc.fill_null(names, ""))
    text = pc.binary_join(whole, _BETWEEN)[0].as_py().lower()
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    firsts = np.arange(int(points.max()) + 1, dtype="<u4")
    for point in np.flatnonzero(np.bincount(points)):
        firsts[point] = ord(_first(chr(point)))
    told = pa.array([firsts[points].tobytes().decode("utf-32-le")])
    return pc.split_pattern(told, _BETWEEN).flatten()


@cache
def _first(character: str) -> str:
    """A character that stays itself (a bracket, a rare character without a reading) keeps its place."""
    if character.isascii():
        return character
    from pypinyin import Style, lazy_pinyin

    first = (lazy_pinyin(character, style=Style.FIRST_LETTER) or [" "])[0][:1].lower() or " "
    return first if first.isascii() and first.isalnum() else character
