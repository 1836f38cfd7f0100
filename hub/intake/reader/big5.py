"""GB18030 or Big5: the mainland's and Taiwan's encodings from before Unicode. Each decodes most texts of the other into
nonsense without an error, and nothing in the bytes says which is meant. What tells them apart is which ideographs come out:
both list the frequent ones in a block of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

BIG5 = "cp950"  # as Windows writes it
_SAMPLE = 1 << 16
_CLEAR = 0.15  # of the ideographs: of texts in GB18030 none comes near, of texts in Big5 the shortest do


def is_big5(data: bytes) -> bool:
    """Whether text that is no UTF-8 is clearly Big5: read so, nearly all of its ideographs are frequent ones, and clearly
    fewer if it is read as GB18030."""
    sample = data if len(data) <= _SAMPLE else data[: data.rfind(b"\n", 0, _SAMPLE) + 1]
    taiwan = _frequent(sample, BIG5, lambda b: 0xA1 <= b[0] <= 0xC6)
    if taiwan is None or taiwan < 0.9:
        return False
    mainland = _frequent(sample, "gb18030", lambda b: b[0] in {*range(0xA1, 0xA4), *range(0xB0, 0xD8)} and b[1] >= 0xA1)
    return mainland is None or taiwan - mainland > _CLEAR


def _frequent(data: bytes, encoding: str, is_frequent: Callable[[bytes], bool]) -> float | None:
    """Which share of the letters beyond ASCII is frequent; None when the bytes are no such text, or have none."""
    try:
        letters = Counter(data.decode(encoding))
    except UnicodeDecodeError:
        return None
    beyond = {letter: n for letter, n in letters.items() if letter > "\x7f"}
    total = sum(beyond.values())
    return sum(n for letter, n in beyond.items() if is_frequent(letter.encode(encoding))) / total if total else None
