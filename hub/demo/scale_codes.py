"""Credit codes by the million: the check characters of GB 32100 and GB 11714 over columns of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hub.identifiers.codes import USCC_ALPHABET

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_LETTERS = np.frombuffer(USCC_ALPHABET.encode(), dtype=np.uint8)
_ORGANISATION = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = np.frombuffer(b"0123456789X0", dtype=np.uint8)  # 10 is written X, 11 is written 0


def _values(alphabet: str) -> NDArray[np.int64]:
    table = np.zeros(256, dtype=np.int64)
    for value, character in enumerate(alphabet):
        table[ord(character)] = value
    return table


_USCC_VALUE, _ORGANISATION_VALUE = _values(USCC_ALPHABET), _values(_ORGANISATION)


def credit_codes(kind: str, region: str, numbers: NDArray[np.int64], modern: NDArray[np.bool_]) -> pa.Array:
    """A credit code a number, all different, both checks right. `modern`: the organisation code begins with MA.

    Args:
        kind: the first two characters, 93 for cooperatives.
        region: six digits.
        numbers: whole numbers from 0 below 80 million.
        modern: the same length.
    """
    import pyarrow as pa

    code = np.empty((len(numbers), 18), dtype=np.uint8)
    code[:, :8] = np.frombuffer((kind + region).encode(), dtype=np.uint8)
    digits = (numbers * 61_803_399 + 20_261_031) % 99_999_989  # a prime: no two numbers meet
    letters = (numbers * 548_503_691 + 31_102_620) % 887_503_681  # 31 to the sixth, coprime
    old = np.stack([digits // 10 ** (7 - i) % 10 + ord("0") for i in range(8)], axis=1).astype(np.uint8)
    new = np.stack([_LETTERS[letters // 31 ** (5 - i) % 31] for i in range(6)], axis=1)
    code[:, 8:16] = np.where(modern[:, None], np.concatenate([np.full((len(numbers), 2), (77, 65)), new], axis=1), old)
    total = sum(_ORGANISATION_VALUE[code[:, 8 + i]] * w for i, w in enumerate(_ORGANISATION_WEIGHTS))
    code[:, 16] = _CHECKS[11 - total % 11]
    total = sum(_USCC_VALUE[code[:, i]] * pow(3, i, 31) for i in range(17))
    code[:, 17] = _LETTERS[(31 - total % 31) % 31]
    fixed = pa.Array.from_buffers(pa.binary(18), len(code), [None, pa.py_buffer(code.tobytes())])
    return fixed.cast(pa.binary()).cast(pa.string())
