"""Traditional characters to simplified ones, one for one; phrases are not consulted. The one table of it, for every room that
compares words: what is stored stays as it was written."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path


@lru_cache(maxsize=1)
def simplify_table() -> dict[int, str]:
    """Traditional character -> its simplified form, for `str.translate`."""
    package = find_spec("opencc")  # its dictionary only: nothing of it is run
    if package is None or package.origin is None:
        raise ModuleNotFoundError("opencc")
    path = Path(package.origin).parent / "dictionary" / "TSCharacters.txt"
    table: dict[int, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        traditional, _, simplified = line.partition("\t")
        if len(traditional) == 1 and len(simplified) >= 1 and ord(simplified[0]) < 0x20000:
            table[ord(traditional)] = simplified.split(" ")[0]
    return table


def simplified(text: str) -> str:
    """The text in simplified characters."""
    return text if text.isascii() else text.translate(simplify_table())


def in_both_scripts(pattern: str) -> str:
    """A regular expression (no Chinese inside brackets) that takes each of its characters in its traditional forms, too."""
    forms: dict[str, str] = {}
    for traditional, plain in simplify_table().items():
        if plain in pattern and chr(traditional) != plain:
            forms[plain] = forms.get(plain, "") + chr(traditional)
    return "".join(f"[{c}{forms[c]}]" if c in forms else c for c in pattern)
