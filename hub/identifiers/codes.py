"""Codes of organisations and persons: cleaning, kinds by shape, check digits, repairs. Pure text, no data access.

Sources: GB 32100-2015 (unified social credit code), GB 11714-1997 (organisation code), GB 11643-1999 (citizen's
number, ISO 7064 mod 11-2), GS 15-2006 (business registration number, ISO 7064 mod 11,10). A failed check is a
warning, a passed check weak evidence: 1 random string in 31 passes that of a credit code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUE = {c: i for i, c in enumerate(USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
# Weights with the check character's own: the sum of a right code is a multiple of 31; and their inverses modulo 31.
_USCC_SUM = (*_USCC_WEIGHTS, 1)
_USCC_INVERSE = tuple(pow(w, -1, 31) for w in _USCC_SUM)
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_VALUE = {c: i for i, c in enumerate(_ORGANISATION_ALPHABET)}
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ID_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))
_ID_CHECKS = "10X98765432"

COOPERATIVE_KIND = "93"
# Letters a credit code cannot hold, and what the clerk meant; Q is legal but often a misread 0.
_CONFUSED = {"O": "0", "I": "1", "Z": "2", "S": "5", "V": "U"}
_LEGAL_CONFUSED = {
    "Q": "0",
    "D": "0",
    "0": "DQ",
    "1": "LT7",
    "L": "1",
    "2": "7",
    "5": "6",
    "6": "G5",
    "8": "B3",
    "B": "8",
}
_PROVINCES = frozenset(
    map(
        str,
        [
            *range(11, 16),
            *range(21, 24),
            *range(31, 38),
            *range(41, 47),
            *range(50, 55),
            *range(61, 66),
            71,
            81,
            82,
            83,
        ],
    )
)

_USCC_SHAPE = re.compile(rf"[{USCC_ALPHABET}]{{2}}\d{{6}}[{USCC_ALPHABET}]{{10}}")
_ORGANISATION_SHAPE = re.compile(r"[0-9A-Z]{8}[0-9X]")
_FIFTEEN_SHAPE = re.compile(r"\d{6}[0-9A-Z]{9}")
_COOPERATIVE_REGISTRATION = re.compile(r"\d{6}NA\d{6}[0-9X]")
_ID_SHAPE = re.compile(r"\d{17}[0-9X]")
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d{1,2}")
_FLOAT_TAIL = re.compile(r"(?<=\d)\.0+$")
_REMOVED = re.compile(r"[\s'\"`´’‘“”‚′‵\-‐‑‒–—―_.·,;:、。,;:*#()（）\[\]【】<>《》]+")
# Cyrillic and Greek letters that look Latin: input methods produce them, NFKC leaves them alone.
_LOOK_LATIN = str.maketrans("АВЕКМНОРСТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTXYABEZHIKMNOPTYX")


class CodeKind(StrEnum):
    """What a code is, by its shape. `OTHER` may still hide a credit code with a lost or an extra character."""

    USCC = "uscc"
    ORGANISATION = "organisation"
    TAX15 = "tax15"
    REGISTRATION = "registration"
    ID_CARD = "id_card"
    PERSON_TAX = "person_tax"
    DAMAGED = "damaged"
    OTHER = "other"


def clean_code(text: str | None) -> str:
    """A code as it was meant: NFKC, upper case, without spaces, quotes, separators and invisible characters.
    A code that went through a number in a spreadsheet keeps its `E+17`, so that it shows as damaged."""
    if not text:
        return ""
    value = unicodedata.normalize("NFKC", text).upper().translate(_LOOK_LATIN)
    value = "".join(c for c in value if unicodedata.category(c) not in {"Cf", "Cc", "Mn"} or c.isspace())
    bare = re.sub(r"[\s'’‘]", "", value)
    if _SCIENTIFIC.fullmatch(bare):
        return bare
    return _REMOVED.sub("", _FLOAT_TAIL.sub("", bare))


def uscc_check_character(first17: str) -> str:
    """The 18th character of a credit code (GB 32100-2015).

    The second `% 31` matters: without it a code whose sum is a multiple of 31 (1 in 31) gets no character at all.

    Raises:
        ValueError: not 17 characters of the code's alphabet.
    """
    if len(first17) != 17:
        raise ValueError("17 characters wanted")
    try:
        total = sum(_USCC_VALUE[c] * w for c, w in zip(first17, _USCC_WEIGHTS, strict=True))
    except KeyError as error:
        raise ValueError(f"not in the alphabet of a credit code: {error}") from None
    return USCC_ALPHABET[(31 - total % 31) % 31]


def organisation_check_character(first8: str) -> str:
    """The ninth character of an organisation code (GB 11714-1997): 10 is written X, 11 is written 0.

    Raises:
        ValueError: not 8 digits or capital letters.
    """
    if len(first8) != 8:
        raise ValueError("8 characters wanted")
    try:
        total = sum(_ORGANISATION_VALUE[c] * w for c, w in zip(first8, _ORGANISATION_WEIGHTS, strict=True))
    except KeyError as error:
        raise ValueError(f"not in the alphabet of an organisation code: {error}") from None
    check = 11 - total % 11
    return {10: "X", 11: "0"}.get(check, str(check))


def uscc_check_passes(code: str) -> bool:
    """Whether an 18-character code ends in its check character. False for any other shape."""
    return bool(_USCC_SHAPE.fullmatch(code)) and uscc_check_character(code[:17]) == code[17]


def organisation_check_passes(code9: str) -> bool:
    """Whether a 9-character organisation code ends in its check character. False for any other shape."""
    return bool(_ORGANISATION_SHAPE.fullmatch(code9)) and organisation_check_character(code9[:8]) == code9[8]


def id_card_check_passes(code: str) -> bool:
    """Whether an 18-character citizen's number ends in its check character (GB 11643-1999, mod 11-2)."""
    if not _ID_SHAPE.fullmatch(code):
        return False
    return _ID_CHECKS[sum(int(c) * w for c, w in zip(code[:17], _ID_WEIGHTS, strict=True)) % 11] == code[17]


def registration_check_passes(code: str) -> bool:
    """Whether 15 digits end in the check digit of a business registration number (GS 15-2006, mod 11,10)."""
    if not (len(code) == 15 and code.isdigit() and code.isascii()):
        return False
    p = 10
    for digit in code[:14]:
        s = (p + int(digit)) % 10
        p = ((s or 10) * 2) % 11
    return (p + int(code[14])) % 10 == 1


def is_cooperative_uscc(code: str) -> bool:
    """Whether a code has the shape of a credit code and says 93: farmers' professional cooperative. The check
    character is not asked (real codes with bad checks exist)."""
    return code.startswith(COOPERATIVE_KIND) and bool(_USCC_SHAPE.fullmatch(code))


def make_uscc(region6: str, organisation9: str, kind: str = COOPERATIVE_KIND) -> str:
    """The credit code of a registering region (six digits) and an organisation code (nine characters)."""
    first17 = kind + region6 + organisation9
    return first17 + uscc_check_character(first17)


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def looks_like_id_card(code: str) -> bool:
    """18 characters with a province and a day of birth where a citizen's number has them, or 15 in the old way."""
    if code[:2] not in _PROVINCES:
        return False
    if _ID_SHAPE.fullmatch(code):
        return code[6:8] in {"18", "19", "20"} and _is_day(code[6:10], code[10:12], code[12:14])
    return len(code) == 15 and code.isdigit() and _is_day("19" + code[6:8], code[8:10], code[10:12])


@lru_cache(maxsize=65536)
def classify_code(code: str) -> CodeKind:
    """What a cleaned code is, by shape and, where two shapes fit, by check digits.

    A citizen's number wins over a credit code of the same shape unless only the credit code's checks pass: to take a
    person's number for an organisation's would spread it. 15 characters with an organisation code's check are an old
    tax number (six of region, nine of organisation code), otherwise a registration number.
    """
    if not code:
        return CodeKind.OTHER
    if "." in code or "+" in code or _SCIENTIFIC.fullmatch(code):
        return CodeKind.DAMAGED
    length = len(code)
    if length == 18:
        credit = bool(_USCC_SHAPE.fullmatch(code))
        if looks_like_id_card(code) and (id_card_check_passes(code) or not (credit and uscc_check_passes(code))):
            return CodeKind.ID_CARD
        if (
            code.isdigit()
            and code.endswith("000")
            and not (uscc_check_passes(code) and organisation_check_passes(code[8:17]))
        ):
            return CodeKind.DAMAGED  # a spreadsheet keeps 15 digits of a number and writes zeros for the rest
        return CodeKind.USCC if credit else CodeKind.OTHER
    if length == 15 and _COOPERATIVE_REGISTRATION.fullmatch(code):
        return CodeKind.REGISTRATION  # one in eleven passes as an organisation code, too; tax numbers are older than NA
    if length == 15 and _FIFTEEN_SHAPE.fullmatch(code):
        if organisation_check_passes(code[6:]):
            return CodeKind.TAX15
        if not registration_check_passes(code) and looks_like_id_card(code) and code[6] in "3456789":
            return CodeKind.ID_CARD
        return CodeKind.REGISTRATION
    if length == 9 and _ORGANISATION_SHAPE.fullmatch(code):
        return CodeKind.ORGANISATION
    if (length == 20 and looks_like_id_card(code[:18])) or (
        length == 17 and code.isdigit() and looks_like_id_card(code[:15])
    ):
        return CodeKind.PERSON_TAX
    if length == 13 and code.isdigit():
        return CodeKind.REGISTRATION  # numbers from before 2007
    return CodeKind.OTHER


def organisation_code_of(code: str) -> str | None:
    """The nine characters of the organisation code inside a credit code, an old tax number or a bare organisation
    code; None when the code holds none. Its own check is not asked."""
    kind = classify_code(code)
    if kind is CodeKind.USCC:
        return code[8:17] if _ORGANISATION_SHAPE.fullmatch(code[8:17]) else None
    if kind is CodeKind.TAX15:
        return code[6:]
    return code if kind is CodeKind.ORGANISATION else None


def _proven(code: str) -> bool:
    return is_cooperative_uscc(code) and organisation_check_passes(code[8:17]) and uscc_check_passes(code)


def credit_checks_pass(letters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """For many codes, each a line of 18 ASCII letters of a credit code's alphabet, whether it ends in its check character."""
    import numpy as np

    value = np.zeros(256, dtype=np.int16)
    value[np.frombuffer(USCC_ALPHABET.encode(), np.uint8)] = np.arange(31)
    total = np.zeros(len(letters), dtype=np.int16)  # of 18 numbers below 31
    for place, weight in enumerate(_USCC_SUM):
        total += (value * weight % 31)[letters[:, place]]
    passes: NDArray[np.bool_] = total % 31 == 0
    return passes


def proven_codes(codes: Sequence[str]) -> NDArray[np.bool_]:
    """For many cleaned codes at once, whether each is a cooperative's credit code that passes both checks."""
    import numpy as np

    def table(alphabet: str) -> NDArray[np.int64]:
        found = np.full(256, -1)
        found[list(alphabet.encode())] = range(len(alphabet))
        return found

    odd = "?" * 18
    letters = np.frombuffer("".join(c if len(c) == 18 and c.isascii() else odd for c in codes).encode(), np.uint8)
    letters = letters.reshape(len(codes), 18)
    credit, organisation = table(USCC_ALPHABET)[letters], table(_ORGANISATION_ALPHABET)[letters[:, 8:17]]
    check = 11 - organisation[:, :8] @ np.array(_ORGANISATION_WEIGHTS) % 11
    written = np.where(organisation[:, 8] == _ORGANISATION_VALUE["X"], 10, organisation[:, 8])
    proven: NDArray[np.bool_] = (
        (letters[:, 0] == ord(COOPERATIVE_KIND[0]))
        & (letters[:, 1] == ord(COOPERATIVE_KIND[1]))
        & (credit[:, 2:8] < 10).all(axis=1)
        & (credit >= 0).all(axis=1)
        & credit_checks_pass(letters)
        & (organisation[:, :8] >= 0).all(axis=1)
        & (np.where(check == 11, 0, check) == written)
    )
    return proven


@lru_cache(maxsize=65536)
def suggest_repairs(code: str) -> tuple[str, ...]:
    """Cooperatives' credit codes that this damaged code may have been, likeliest first.

    Tried, in this order: letters that cannot occur (O I Z S V), look-alikes, two neighbours swapped, one wrong
    character, one lost, one too many. Only codes that pass both check digits are given; a caller still needs the name
    to believe one. A code that is right as it stands, and a person's number, give nothing.

    31 is prime: for each place there is one character, and only one, with which the code's check passes.
    """
    if not 16 <= len(code) <= 20 or not code.isascii() or not code.isalnum() or _proven(code):
        return ()
    base = "".join(_CONFUSED.get(c, c) for c in code)
    found: dict[str, None] = {}

    def consider(candidate: str) -> None:
        if candidate != code and _proven(candidate):
            found.setdefault(candidate)

    consider(base)
    values = [_USCC_VALUE.get(c, 0) for c in base]
    wrong = [i for i, c in enumerate(base) if c not in _USCC_VALUE]
    if len(base) == 18 and len(wrong) < 2:
        total = sum(v * w for v, w in zip(values, _USCC_SUM, strict=True))
        right = {i: USCC_ALPHABET[(values[i] - total * _USCC_INVERSE[i]) % 31] for i in wrong or range(18)}
        for i, other in right.items():
            if other in _LEGAL_CONFUSED.get(base[i], ""):
                consider(base[:i] + other + base[i + 1 :])
        for i in range(17):
            if not (total + (values[i + 1] - values[i]) * (_USCC_SUM[i] - _USCC_SUM[i + 1])) % 31:
                consider(base[:i] + base[i + 1] + base[i] + base[i + 2 :])
        for i, other in right.items():
            consider(base[:i] + other + base[i + 1 :])
    elif len(base) == 17 and not wrong:
        for i in range(18):
            weights = _USCC_SUM[:i] + _USCC_SUM[i + 1 :]
            total = sum(v * w for v, w in zip(values, weights, strict=True))
            consider(base[:i] + USCC_ALPHABET[-total * _USCC_INVERSE[i] % 31] + base[i:])
    elif len(base) == 19:
        for i in range(19):
            consider(base[:i] + base[i + 1 :])
    return tuple(found)
