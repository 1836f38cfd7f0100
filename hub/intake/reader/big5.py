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
    taiwan, mainland = _shares(data)
    if taiwan is None or taiwan < 0.9:
        return False
    return mainland is None or taiwan - mainland > _CLEAR


def choice_remark(data: bytes, taken: str) -> str | None:
    """What is said about text taken for one of the two, in Chinese: that it is Big5, which few expect, and which was taken
    and why where the bytes leave it open. None when nothing needs to be said."""
    taiwan, mainland = _shares(data)
    if taiwan is None or mainland is None:
        return "文件是繁体中文（Big5）编码，已按它读取。" if taken == BIG5 else None
    shares = f"按 Big5 读有 {taiwan:.0%} 是常用字，按 GB18030 读有 {mainland:.0%}"
    if taken == BIG5:
        return f"文件按 Big5 和 GB18030 编码都读得通：{shares}，已按繁体中文（Big5）读取。"
    if mainland - taiwan > _CLEAR:
        return None
    return (
        f"分不清文件是 GB18030 还是 Big5 编码，两种都读得通：{shares}。已按内地通行的 GB18030 读取；"
        "如果出现乱码，请发送方另存为 UTF-8 编码或 .xlsx 后重新报送。"
    )


def _shares(data: bytes) -> tuple[float | None, float | None]:
    """Which share of the text beyond ASCII is frequent, read as Big5 and read as GB18030."""
    sample = data if len(data) <= _SAMPLE else data[: data.rfind(b"\n", 0, _SAMPLE) + 1]
    return (
        _frequent(sample, BIG5, lambda b: 0xA1 <= b[0] <= 0xC6),
        _frequent(sample, "gb18030", lambda b: b[0] in {*range(0xA1, 0xA4), *range(0xB0, 0xD8)} and b[1] >= 0xA1),
    )


def _frequent(data: bytes, encoding: str, is_frequent: Callable[[bytes], bool]) -> float | None:
    """Which share of the letters beyond ASCII is frequent; None when the bytes are no such text, or have none."""
    try:
        letters = Counter(data.decode(encoding))
    except UnicodeDecodeError:
        return None
    beyond = {letter: n for letter, n in letters.items() if letter > "\x7f"}
    total = sum(beyond.values())
    return sum(n for letter, n in beyond.items() if is_frequent(letter.encode(encoding))) / total if total else None
