"""Cleaning whole columns of text: invisible characters, blanks, full-width forms, line breaks, words for "empty".

The common case is text that needs none of it. So each step first looks at the column's bytes as one block (a few
milliseconds a million cells) and only then runs over the cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.intake.reader.words import word_list

if TYPE_CHECKING:
    import pyarrow as pa

EMPTY_WORDS = word_list(
    "无 / // ／ - -- --- — —— ——— – ─ ── _ . 。 、 * \\ 空 无此项 未办理 未提供 未填 未填写 未填报 暂无 暂缺 暂未提供 不详 不明 未知 缺 缺失 无数据 没有 "
    "null NULL Null none None NONE n/a N/A N／A #N/A #n/a #VALUE! #REF! #NAME? #DIV/0! #NULL! nan NaN NAN nil <NA> (空) （空） (无) （无） … ..."
)
_INVISIBLE = r"[\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2064}\x{feff}\x{00ad}\x{0000}-\x{0008}\x{000e}-\x{001f}"
_INVISIBLE += r"\x{007f}-\x{009f}\x{fffe}\x{ffff}]"  # controls, and what is no character at all
# \s of this engine leaves out the vertical tab, Word's line break
_OUTER = r"^[\s\x{000b}\x{3000}\x{00a0}'’`]+|[\s\x{000b}\x{3000}\x{00a0}]+$"
_BLANKS = r"[\s\x{000b}\x{3000}\x{00a0}\x{2000}-\x{200a}]+"
# Bytes of UTF-8 that no step below cares about: letters, digits, most signs, the common ideographs (lead bytes E4 to
# E9) and all continuation bytes. What is left of a column without them tells which steps it needs.
_PLAIN_BYTES = bytes(b for b in range(256) if chr(b).isalnum() and b < 128) + bytes(
    b for b in range(256) if chr(b) in "!#$%&()*+,-./:;<=>?@[]^_{|}~" or 0x80 <= b < 0xC0 or 0xE4 <= b <= 0xE9
)
_CONTROLS = frozenset({*range(9), *range(14, 32), 127})
_BREAKS = frozenset({9, 10, 11, 12, 13})
_BLANK = frozenset({9, 10, 11, 12, 13, 0x20, 0x27, 0x60, 0xC2, 0xE2, 0xE3})
_HIDDEN = _CONTROLS | {0xC2, 0xE2, 0xEF}
_COMPATIBLE = frozenset({*range(0xC2, 0xE4), *range(0xEA, 0xF5)})
ESCAPED = frozenset({*range(32), 0x22, 0x5C})  # what JSON escapes


def odd_bytes(column: pa.Array | pa.ChunkedArray) -> frozenset[int]:
    """The bytes in a string column's text that some step may have to act on: found in one pass over its buffer."""
    import numpy as np
    import pyarrow as pa

    found: set[int] = set()
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else (column,):
        data = chunk.buffers()[2]
        if data is None or not len(chunk):
            continue
        offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)
        first, last = int(offsets[chunk.offset]), int(offsets[chunk.offset + len(chunk)])
        found |= set(data.slice(first, last - first).to_pybytes().translate(None, _PLAIN_BYTES))
    return frozenset(found)


def _where(text: pa.Array, wanted: frozenset[int], step: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """`step` done to the texts that hold one of these bytes, which must be all it could change. Few of a column's texts
    usually do, and finding them takes a tenth of a regular expression run over all."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    offsets = np.frombuffer(text.buffers()[1], dtype=np.int32)[text.offset : text.offset + len(text) + 1]
    data = np.frombuffer(text.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]
    meant = np.zeros(256, dtype=bool)
    meant[list(wanted)] = True
    hits = np.flatnonzero(meant[data])
    if len(hits) > len(text):
        return step(text)
    mask = np.zeros(len(text), dtype=bool)
    mask[np.searchsorted(offsets, hits + offsets[0], side="right") - 1] = True
    return pc.replace_with_mask(text, mask, step(text.filter(pa.array(mask))))


def distinct_cells(cells: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """(values, places): the distinct values with the place of each cell's value, when that saves work; else the cells
    themselves and None."""
    sample = cells.slice(0, 5000)
    if len(cells) < 20_000 or len(sample.unique()) > len(sample) * 0.5:
        return cells, None
    coded = cells.dictionary_encode()
    return coded.dictionary, coded.indices


def null_if_blank(text: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    blank = pc.equal(text, "")
    return pc.if_else(blank, pa.scalar(None, text.type), text) if pc.any(blank).as_py() else text


def without_empty_words(text: pa.Array) -> pa.Array:
    """Null where the cell says 无, /, ——, 未提供, NULL…"""
    import pyarrow as pa
    import pyarrow.compute as pc

    empty = pc.is_in(text, value_set=pa.array(EMPTY_WORDS, pa.string()))
    return pc.if_else(empty, pa.scalar(None, text.type), text) if pc.any(empty).as_py() else text


def visible(cells: pa.Array) -> pa.Array:
    """Cells without invisible characters, outer blanks and leading apostrophes; null where nothing is left."""
    import pyarrow.compute as pc

    text, odd = cells, odd_bytes(cells)
    if odd & _HIDDEN:
        text = _where(text, odd & _HIDDEN, lambda t: pc.replace_substring_regex(t, _INVISIBLE, ""))
    if odd & _BLANK:
        text = _where(text, odd & _BLANK, lambda t: pc.replace_substring_regex(t, _OUTER, ""))
    return null_if_blank(text)


def one_line(text: pa.Array, line_break: str) -> pa.Array:
    """Line breaks and tabs replaced."""
    import pyarrow.compute as pc

    odd = odd_bytes(text) & _BREAKS
    return (
        _where(text, odd, lambda t: pc.replace_substring_regex(t, r"\s*[\r\n\t\x{000b}\x{000c}]+\s*", line_break))
        if odd
        else text
    )


def normal_text(cells: pa.Array, *, line_break: str = " ") -> pa.Array:
    """Visible NFKC text, line breaks replaced, empty words null."""
    import pyarrow.compute as pc

    text = visible(cells)
    odd = odd_bytes(text)
    if odd & _COMPATIBLE:
        text = _normalised(text, odd)
    if odd & (_BREAKS | _COMPATIBLE):
        text = null_if_blank(pc.utf8_trim_whitespace(one_line(text, line_break)))
    return without_empty_words(text)


def squeezed(cells: pa.Array) -> pa.Array:
    """NFKC without any white space or invisible character: how profiles are compared."""
    import pyarrow.compute as pc

    text = visible(cells)
    odd = odd_bytes(text)
    if odd & _COMPATIBLE:
        text = _normalised(text, odd)
    if odd & (_BLANK | _COMPATIBLE):
        odd = odd_bytes(text)  # normalising makes plain blanks of others
        if odd & _BLANK:
            text = _where(text, odd & _BLANK, lambda t: pc.replace_substring_regex(t, _BLANKS, ""))
        text = null_if_blank(text)
    return without_empty_words(text)


def _normalised(text: pa.Array, odd: frozenset[int]) -> pa.Array:
    import pyarrow.compute as pc

    return _where(text, odd & _COMPATIBLE, lambda t: pc.utf8_normalize(t, form="NFKC"))
