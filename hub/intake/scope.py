"""Which rows are about something that is not a cooperative. The rule itself is `hub.identifiers.scope`; here it is asked for
whole columns, and only about rows that leave any doubt.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hub.identifiers.codes import COOPERATIVE_KIND, USCC_ALPHABET
from hub.identifiers.scope import out_of_scope_reason

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

# A code that says 93 keeps a row in scope whatever its name.
_SAYS_COOPERATIVE = rf'"{COOPERATIVE_KIND}[0-9]{{6}}[{USCC_ALPHABET}]{{10}}"'
# So does a name that ends like a cooperative's, where no code says otherwise.
_NAMED_COOPERATIVE = r"^[\x{4e00}-\x{9fa5}]*(?:专业|农民|股份)合作社$"


def out_of_scope_reasons(rows: pa.Table) -> dict[int, str]:
    """Position of the row (from 0) -> why it is about no cooperative; rows not in it may be about one.

    Args:
        rows: `profile_name` and `profile_codes` (a JSON list of text), as `hub.intake.normalise` makes them.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    names, codes = rows["profile_name"].combine_chunks(), rows["profile_codes"].combine_chunks()
    doubtful = np.flatnonzero(~_true(pc.match_substring_regex(codes, _SAYS_COOPERATIVE)))
    names, codes = names.take(pa.array(doubtful)), codes.take(pa.array(doubtful))
    still = ~_true(pc.and_(pc.equal(codes, "[]"), pc.match_substring_regex(names, _NAMED_COOPERATIVE)))
    answers: dict[tuple[str | None, str | None], str | None] = {}
    found: dict[int, str] = {}
    asked = (doubtful[still].tolist(), names.filter(still).to_pylist(), codes.filter(still).to_pylist())
    for position, name, listed in zip(*asked, strict=True):
        if (name, listed) not in answers:
            answers[name, listed] = out_of_scope_reason(name or "", json.loads(listed) if listed else ())
        if reason := answers[name, listed]:
            found[position] = reason
    return found


def _true(mask: pa.Array) -> NDArray[np.bool_]:
    import pyarrow.compute as pc

    found: NDArray[np.bool_] = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    return found
