"""The cooperative's id: seven characters, opaque, short enough to read out on the phone; the last one is a check.

The alphabet leaves out 0 1 I L O U Z (heard or read as others). 29 is prime, so the check character shows every single
wrong character and every swap of two. Numbers are spread by a multiplication, so that ids given one after the other
look nothing alike and say nothing of age or order; no personal or business fact goes into them.
"""

from __future__ import annotations

from collections.abc import Iterable

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXY"
_BASE = len(ALPHABET)
_BODY = 6
_SPACE = _BASE**_BODY
_SPREAD = 367_539_181  # coprime with 29: a permutation of the whole space
_SHIFT = 214_748_357


def _check(digits: Iterable[int]) -> str:
    return ALPHABET[sum(weight * digit for weight, digit in enumerate(digits, 2)) % _BASE]


def make_coop_id(number: int) -> str:
    """The id with this running number, from 0.

    Raises:
        ValueError: the number is negative or the space of 594,823,321 ids is used up.
    """
    if not 0 <= number < _SPACE:
        raise ValueError("no such id")
    value = (number * _SPREAD + _SHIFT) % _SPACE
    digits = []
    for _ in range(_BODY):
        value, digit = divmod(value, _BASE)
        digits.append(digit)
    digits.reverse()
    return "".join([ALPHABET[d] for d in digits]) + _check(digits)


def is_coop_id(text: str) -> bool:
    """Whether a text is a well-formed id with the right check character."""
    return (
        len(text) == _BODY + 1
        and all(c in ALPHABET for c in text)
        and _check(map(ALPHABET.index, text[:-1])) == text[-1]
    )


def clean_coop_id(text: str) -> str:
    """An id as typed: upper case, without spaces and dashes. Z and U are taken for the 2 and V they were read as."""
    return "".join(c for c in text.upper() if c.isalnum()).replace("Z", "2").replace("U", "V")
