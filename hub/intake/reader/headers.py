"""Headers as they are compared: NFKC, in simplified characters, without spaces, brackets and line breaks; and the unit a
header names.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from hub.simplified import simplified

_DROP = re.compile(
    r"[\s\u200b-\u200f\u2028-\u202f\u2060\ufeff()（）\[\]【】〔〕<>《》{}\"'“”‘’`*※★☆#:：、,，;；.。·_\-—/\\|~]+"
)
_TRAILING = re.compile(r"[(（\[【][^()（）\[\]【】]*[)）\]】]\s*$")
_LEADING_NUMBER = re.compile(r"^\s*(\d{1,2}|[一二三四五六七八九十]{1,3})\s*[、.．]\s*")
_UNIT = re.compile(
    r"[(（\[【,，:：]\s*(?:单位\s*[:：]?\s*)?((?:亿|千万|百万|十万|万|千|百)?(?:美?元|人民币元|亩|公顷|公斤|千克|吨|斤|人|户|个|家|头|只|平方米|米))\s*[)）\]】]?"
)


@lru_cache(maxsize=65536)
def header_key(header: str) -> str:
    """A header as it is compared and remembered: NFKC, simplified characters, lower case, no spaces, brackets, quotes or
    line breaks."""
    return _DROP.sub("", simplified(unicodedata.normalize("NFKC", header))).casefold()


@lru_cache(maxsize=65536)
def header_keys(header: str) -> tuple[str, ...]:
    """The header's key, then without what stands in brackets at its end (a unit, a hint), then without its number."""
    plain = simplified(unicodedata.normalize("NFKC", header))
    keys = [header_key(plain)]
    shorter = plain
    for _ in range(2):
        shorter = _TRAILING.sub("", shorter)
        keys.append(header_key(shorter))
    keys.append(header_key(_LEADING_NUMBER.sub("", plain)))
    keys.append(header_key(_LEADING_NUMBER.sub("", shorter)))
    return tuple(dict.fromkeys(k for k in keys if k))


def header_unit(header: str) -> str | None:
    """万元 in 补助金额（万元） and in 補助金額（萬元）; None when the header names no unit."""
    match = _UNIT.search(simplified(unicodedata.normalize("NFKC", header)))
    return match.group(1) if match else None
