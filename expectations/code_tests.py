"""Kinds of whole columns of codes. A million codes are told apart in a second: those that are beyond doubt (93…, check
character right) by arithmetic on all of them at once, the rest one by one with `hub.identifiers.codes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.identifiers.codes import (
    COOPERATIVE_KIND,
    USCC_ALPHABET,
    CodeKind,
    classify_code,
    organisation_code_of,
    uscc_check_passes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

BAD_CHECK = "bad_check"
"""Verdict of a credit code whose check character is wrong; other verdicts are the values of `CodeKind`."""


def proven(codes: Sequence[str]) -> NDArray[np.bool_]:
    """Which of these are cooperatives' credit codes (93…) whose check character is right."""
    import numpy as np
    import pandas as pd

    series = pd.Series(codes, dtype="str")
    shaped = series.str.fullmatch(rf"{COOPERATIVE_KIND}[0-9]{{6}}[{USCC_ALPHABET}]{{10}}").to_numpy(dtype=bool)
    result = np.zeros(len(series), dtype=bool)
    if not shaped.any():
        return result
    letters = series[shaped].to_numpy(dtype="S18").view("S1").reshape(-1, 18).view("uint8")
    value = np.zeros(128, dtype="int64")
    value[np.frombuffer(USCC_ALPHABET.encode(), dtype="uint8")] = np.arange(31)
    weights = np.array([pow(3, i, 31) for i in range(17)])
    digits = value[letters]
    result[shaped] = (31 - digits[:, :17] @ weights % 31) % 31 == digits[:, 17]
    return result


def verdicts(codes: Sequence[str]) -> list[str]:
    """For each code its `CodeKind`, or BAD_CHECK."""
    sure = proven(codes)
    right = CodeKind.USCC.value
    return [right if good else _verdict(code) for code, good in zip(codes, sure.tolist(), strict=True)]


def _verdict(code: str) -> str:
    kind = classify_code(code)
    if kind is CodeKind.USCC and not uscc_check_passes(code):
        return BAD_CHECK
    return kind.value


def same_organisation(one: str, other: str) -> bool:
    """Whether two codes may be of one organisation: equal, or the same organisation code, or no way to compare."""
    if one == other:
        return True
    a, b = organisation_code_of(one), organisation_code_of(other)
    return a is None or b is None or a == b
