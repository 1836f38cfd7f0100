"""Masks as DuckDB expressions, and keyed pseudonyms. A mask only hides: it never invents, and null stays null.

Beside the mask an agreement names, every code field is guarded: a citizen's number (GB 11643) that somebody typed
where an organisation's code belongs does not leave in the clear. Nobody agreed to share that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, hmac

from hub.feeds import Kind
from hub.sharing.agreements import Mask
from hub.sharing.sql import name

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = r"(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
_ID_18 = rf"[1-8]\d{{5}}(18|19|20)\d{{2}}{_DAY}\d{{3}}[\dXx]"
_ID_15 = rf"[1-8]\d{{5}}\d{{2}}{_DAY}\d{{3}}"
# Persons' tax numbers: a citizen's number and two digits more (17 or 20 characters).
_PERSON_TAX = rf"({_ID_18}\d{{2}}|{_ID_15}\d{{2}}|L{_ID_18})"
_MOBILE = r"(1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})"
_LANDLINE = r"(0\d{2,3})[- ]\d{3,4}(\d{4})"
PSEUDONYM_LENGTH = 32  # hex digits: 128 bits of the SM3-HMAC


def _id_card(v: str) -> str:
    return (
        f"case when length({v}) in (15, 18) then left({v}, 6) || repeat('*', length({v}) - 10) || right({v}, 4) "
        f"else repeat('*', length({v})) end"
    )


def _phone(v: str) -> str:
    return f"case when length({v}) >= 11 then left({v}, 3) || repeat('*', length({v}) - 7) || right({v}, 4) else repeat('*', length({v})) end"


def _subject_code(v: str) -> str:
    """The tail of 18 is a USCC (digit 9 or a letter in front: kept), or a person's number, perhaps padded with zeros.
    What is neither is hidden but for four characters: a code that cannot be told from a person's is a person's."""
    tail = f"right({v}, 18)"
    organisation = f"length({v}) >= 18 and regexp_full_match({tail}, '[9A-Y][0-9A-Z]{{17}}')"
    person = f"length({v}) >= 18 and regexp_full_match({tail}, '\\d{{17}}[\\dXx]')"
    hidden = f"left({v}, length({v}) - 18) || left({tail}, 6) || '********' || right({v}, 4)"
    return (
        f"case when {organisation} then {v} when {person} then {hidden} "
        f"when length({v}) < 15 and not regexp_matches({v}, '\\d{{8}}') then {v} "
        f"else repeat('*', greatest(length({v}) - 4, 0)) || right({v}, 4) end"
    )


def _text(v: str) -> str:
    whole = r"([1-8]\d{5})(?:18|19|20)\d{6}(\d{3}[\dXx])"
    masked = f"regexp_replace({v}, '{whole}', '\\1********\\2', 'g')"
    masked = f"regexp_replace({masked}, '{_MOBILE}', '\\1****\\2', 'g')"
    return f"regexp_replace({masked}, '{_LANDLINE}', '\\1-****\\2', 'g')"


def guard_code(v: str) -> str:
    """A code as it may leave: persons' numbers 6+4, all other codes untouched."""
    return (
        f"case when regexp_full_match({v}, '{_ID_18}|{_PERSON_TAX}') "
        f"then left({v}, 6) || repeat('*', length({v}) - 10) || right({v}, 4) else {v} end"
    )


def mask_expression(field: str, kind: Kind, mask: Mask) -> str:
    """DuckDB expression of a field as it leaves under this mask. Pseudonyms are put into the column beforehand."""
    v = name(field)
    if mask is Mask.NAME:
        return f"{v}[1] || repeat('*', greatest(length({v}) - 1, 1))"
    if mask is Mask.PHONE:
        return _phone(v)
    if mask is Mask.ID_CARD:
        return _id_card(v)
    if mask is Mask.SUBJECT_CODE:
        return _subject_code(v)
    if mask is Mask.TEXT:
        return _text(v)
    if mask is Mask.CLEAR and kind is Kind.CODE:
        return guard_code(v)
    return v


def pseudonym(key: bytes, value: str) -> str:
    """SM3-HMAC (GB/T 32905-2016, RFC 2104) of a value, 32 hex digits: equal values meet, nobody without the key
    finds a value back by trying them all."""
    code = hmac.HMAC(key, hashes.SM3())
    code.update(value.encode())
    return code.finalize().hex()[:PSEUDONYM_LENGTH]


def pseudonyms(values: pa.Array, key: bytes) -> pa.Array:
    """The pseudonyms of texts, in their order; null stays null."""
    import pyarrow as pa

    return pa.array([None if v is None else pseudonym(key, v) for v in values.to_pylist()], pa.string())
