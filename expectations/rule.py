"""What a rule is: a name, how grave it is, words for people, and a test of whole columns. No rules here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from expectations.columns import Columns

Severity = Literal["critical", "hold", "row", "warning"]
"""critical: the file fails. hold: a person must look at the file first. row: the row is quarantined. warning: said, no more."""

Failing = Callable[["Columns"], "NDArray[np.bool_]"]


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one feed.

    `failing` tells for every row whether it breaks the rule; it is None for rules about the file as a whole, which the
    suite expresses with Great Expectations' own table expectations. `message` is for the sender and says what to correct;
    `{field}` in it stands for that column's header as the sender wrote it.
    """

    name: str
    severity: Severity
    field: str | None
    description_zh: str
    description_en: str
    message: str
    failing: Failing | None = dataclasses.field(default=None, compare=False, repr=False)
    reads: tuple[str, ...] = ()  # the columns it looks at, the first one being `field` where there is one

    @property
    def about_file(self) -> bool:
        return self.failing is None
