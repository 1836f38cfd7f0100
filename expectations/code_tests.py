"""Kinds of whole columns of codes. A million codes are told apart in a second: those that are beyond doubt (93…, check
character right) by arithmetic on all of them at once, the rest one by one with `hub.identifiers.codes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.columns import matching
from hub.identifiers.codes import (
    COOPERATIVE_KIND,
    USCC_ALPHABET,
    CodeKind,
    classify_code,
    credit_checks_pass,
    organisation_code_of,
    uscc_check_passes,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BAD_CHECK = "bad_check"
"""Verdict of a credit code whose check character is wrong; other verdicts are the values of `CodeKind`."""
VERDICTS = (*(k.value for k in CodeKind), BAD_CHECK)
_SHAPE = rf"^{COOPERATIVE_KIND}[0-9]{{6}}[{USCC_ALPHABET}]{{10}}$"
# Codes whose organisation code needs no closer look: credit codes (18 digits with three zeros at the end may be damaged),
# and cooperatives' registration numbers, which hold none.
_PLAIN = rf"^{COOPERATIVE_KIND}[0-9]{{6}}[{USCC_ALPHABET}]{{8}}[0-9X][{USCC_ALPHABET[1:]}]$"
_NONE = r"^[0-9]{6}NA[0-9]{6}[0-9X]$"


def proven(codes: pa.Array) -> NDArray[np.bool_]:
    """Which of these are cooperatives' credit codes (93…) whose check character is right."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    result = np.zeros(len(codes), dtype=bool)
    if not pa.types.is_string(codes.type):
        return result
    shaped = pc.match_substring_regex(codes, _SHAPE).to_numpy(zero_copy_only=False)
    if not shaped.any():
        return result
    some = codes.filter(shaped)
    first = np.frombuffer(some.buffers()[1], dtype="int32")[some.offset]
    letters = np.frombuffer(some.buffers()[2], dtype="uint8")[first : first + 18 * len(some)]
    result[shaped] = credit_checks_pass(letters.reshape(-1, 18))
    return result


def verdicts(codes: pa.Array) -> NDArray[np.int8]:
    """For each code the place in `VERDICTS` of its `CodeKind`, or of BAD_CHECK."""
    import numpy as np

    sure = proven(codes)
    found = np.full(len(codes), VERDICTS.index(CodeKind.USCC.value), dtype="int8")
    if sure.all():
        return found
    numbered = matching(codes, _NONE)
    found[numbered] = VERDICTS.index(CodeKind.REGISTRATION.value)
    rest = codes.filter(~(sure | numbered)).to_numpy(zero_copy_only=False).tolist()
    found[~(sure | numbered)] = [VERDICTS.index(_verdict(c)) for c in rest]
    return found


def credit_codes(codes: pa.Array) -> NDArray[np.bool_]:
    """Which of these are credit codes (`CodeKind.USCC`), whatever their check character."""
    import numpy as np

    coded = codes.dictionary_encode()
    wanted = [VERDICTS.index(CodeKind.USCC.value), VERDICTS.index(BAD_CHECK)]
    found: NDArray[np.bool_] = np.isin(verdicts(coded.dictionary), wanted)[coded.indices.to_numpy()]
    return found


def _verdict(code: str) -> str:
    kind = classify_code(code)
    if kind is CodeKind.USCC and not uscc_check_passes(code):
        return BAD_CHECK
    return kind.value


def organisation_codes(codes: pa.Array) -> pa.Array:
    """`organisation_code_of` each of these codes, null where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.match_substring_regex(codes, _PLAIN)
    found = pc.if_else(plain, pc.utf8_slice_codeunits(codes, 8, 17), pa.scalar(None, pa.string()))
    asked = pc.invert(pc.or_(plain, pc.match_substring_regex(codes, _NONE)))
    if not pc.any(asked).as_py():
        return found
    rest = codes.filter(asked).to_numpy(zero_copy_only=False).tolist()
    return pc.replace_with_mask(found, asked, pa.array(map(organisation_code_of, rest), pa.string()))


def other_organisations(ones: pa.Array, others: pa.Array) -> pa.Array:
    """Which pairs of codes are of two organisations for certain: unlike codes that hold unlike organisation codes."""
    import pyarrow.compute as pc

    a, b = ones.dictionary_encode(), others.dictionary_encode()
    first = organisation_codes(a.dictionary).take(a.indices)
    second = organisation_codes(b.dictionary).take(b.indices)
    return pc.and_(pc.not_equal(ones, others), pc.fill_null(pc.not_equal(first, second), False))
