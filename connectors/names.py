"""Names of files at the sender's: which are temporary, which match, and how a hostile one is shown. No access to files."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from urllib.parse import quote

_TEMPORARY_STARTS = (".", "~$", "~wrl", "#")
_TEMPORARY_ENDS = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", "~", "#")
_CLUTTER = {"thumbs.db", "desktop.ini"}
DONE = ".done"


def is_temporary(name: str) -> bool:
    """Whether a base name is one programs give to files they have not finished (or to their own clutter)."""
    low = name.lower()
    return low.startswith(_TEMPORARY_STARTS) or low.endswith(_TEMPORARY_ENDS) or low in _CLUTTER


def shown(raw: str | bytes) -> str:
    """A name as people and the database may see it: bytes that are no UTF-8 are read as GB18030 (archives unpacked by
    Windows programs), control and direction characters become "�". May collide; use `key_of` to tell files apart."""
    data = raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else raw
    for encoding in ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = data.decode("utf-8", "backslashreplace")
    return "".join("�" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text)[:400]


def key_of(raw: str | bytes) -> str:
    """A name as a key of JSON that PostgreSQL keeps: itself when clean, otherwise percent-escaped bytes."""
    data = raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else raw
    text = data.decode("utf-8", "replace")
    clean = "%" not in text and text.isprintable() and "�" not in text
    return text if clean else "%" + quote(data, safe="/ ._-")


def matcher(pattern: str | None, regex: str | None) -> re.Pattern[str]:
    """One anchored expression for a glob or a regular expression (both match the whole base name).

    Raises:
        ValueError: the expression is wrong.
    """
    if regex is not None:
        try:
            return re.compile(rf"(?s:{regex})\Z")
        except re.error as error:
            raise ValueError(f"正则表达式不对：{error}") from None
    return re.compile(fnmatch.translate(pattern or "*"), re.IGNORECASE)
