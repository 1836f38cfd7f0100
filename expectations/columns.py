"""The normalised rows of one delivery as the rules see them: whole columns, worked on by distinct value, each derived
column computed once. No rules here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hub.feeds import Feed, Role

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

NO_DAY = -1


class Columns:
    """Rows of a delivery (one DataFrame in `hub.intake.normalise`'s form) with the questions rules ask of them."""

    def __init__(self, feed: Feed, rows: pd.DataFrame, today: date, present: Collection[str] | None = None) -> None:
        self.feed, self.rows, self.today = feed, rows, today
        self._present = None if present is None else frozenset(present)
        self._cache: dict[tuple[str, ...], Any] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def once(self, key: tuple[str, ...], compute: Callable[[], Any]) -> Any:
        """A derived column, computed when first asked for and kept while this delivery is checked."""
        if key not in self._cache:
            self._cache[key] = compute()
        return self._cache[key]

    def sent(self, name: str) -> bool:
        """Whether the sender's table has this column at all, as far as known. To ask for it in every row of a table
        that has no such column would bury what the sender can correct."""
        return self._present is None or name in self._present

    def none(self) -> Mask:
        """No row."""
        import numpy as np

        return np.zeros(len(self.rows), dtype=bool)

    def distinct(self, name: str) -> tuple[NDArray[Any], list[Any]]:
        """A column as (position in the list of distinct values, or -1 where empty; the distinct values)."""

        def compute() -> tuple[Any, list[Any]]:
            import pandas as pd

            codes, values = pd.factorize(self.rows[name], use_na_sentinel=True)
            return codes, list(values)

        found: tuple[NDArray[Any], list[Any]] = self.once(("distinct", name), compute)
        return found

    def where(self, name: str, test: Callable[[Any], bool]) -> Mask:
        """Rows whose value passes `test`, asked once for each distinct value; empty cells never pass."""
        import numpy as np

        codes, values = self.distinct(name)
        verdict = np.fromiter((test(v) for v in values), dtype=bool, count=len(values))
        found: Mask = np.append(verdict, False)[codes]  # position -1 takes the last: empty
        return found

    def where_all(self, name: str, test: Callable[[pd.Series], Any]) -> Mask:
        """The same with one vectorised test of all distinct values (as a string Series)."""
        import numpy as np
        import pandas as pd

        codes, values = self.distinct(name)
        verdict = np.asarray(test(pd.Series(values, dtype="str")), dtype=bool) if values else np.zeros(0, dtype=bool)
        found: Mask = np.append(verdict, False)[codes]
        return found

    def filled(self, name: str) -> Mask:
        """Rows with a value in this column."""

        def compute() -> Mask:
            column = self.rows[name]
            there: Mask = column.notna().to_numpy(dtype=bool)
            return there if column.dtype.kind in "ifb" else there & ~column.eq("").to_numpy(dtype=bool)

        found: Mask = self.once(("filled", name), compute)
        return found

    def is_any(self, name: str, *values: Any) -> Mask:
        """Rows whose value is one of these."""
        wanted = frozenset(values)
        return self.where(name, lambda v: v in wanted)

    def days(self, name: str) -> NDArray[Any]:
        """A date column as day numbers (`date.toordinal`), NO_DAY where empty or not a date."""

        def compute() -> Any:
            import numpy as np

            codes, values = self.distinct(name)
            ordinals = np.array([*map(_ordinal, values), NO_DAY], dtype="int64")
            return ordinals[codes]

        found: NDArray[Any] = self.once(("days", name), compute)
        return found

    def numbers(self, name: str) -> NDArray[Any]:
        """A numeric column as float64, NaN where empty."""

        def compute() -> Any:
            import pandas as pd

            return pd.to_numeric(self.rows[name], errors="coerce").to_numpy(dtype="float64", na_value=float("nan"))

        found: NDArray[Any] = self.once(("numbers", name), compute)
        return found

    @cached_property
    def _notes(self) -> tuple[NDArray[Any], list[list[tuple[str, str]]]]:
        """The reader's notes by distinct text: (position or -1, [(field, code), ...])."""
        import numpy as np

        if "notes" not in self.rows.columns:
            return np.full(len(self.rows), -1), []
        codes, texts = self.distinct("notes")
        parsed = [[(n.get("field") or "", n.get("code") or "") for n in json.loads(t or "[]")] for t in texts]
        return codes, parsed

    def noted(self, name: str, code: str | None = None) -> Mask:
        """Rows where the reader noted something about this column (of this kind): the cell was not empty."""
        import numpy as np

        codes, parsed = self._notes
        verdict = [any(f == name and (code is None or c == code) for f, c in notes) for notes in parsed]
        found: Mask = np.array([*verdict, False], dtype=bool)[codes]
        return found

    def positions_of_distinct(self, names: tuple[str, ...]) -> pd.DataFrame:
        """These columns as positions in their lists of distinct values: compared much faster than text."""
        import pandas as pd

        return pd.DataFrame({n: self.distinct(n)[0] for n in names})

    def fields_of(self, role: Role) -> tuple[str, ...]:
        return tuple(f.name for f in self.feed.with_role(role))


def _ordinal(text: Any) -> int:
    try:
        return date.fromisoformat(text).toordinal()
    except (TypeError, ValueError):
        return NO_DAY
