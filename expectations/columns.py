"""The normalised rows of one delivery as the rules see them: whole columns, worked on by distinct value, each derived
column computed once. No rules here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hub.feeds import Feed, Role

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

NO_DAY = -1


@dataclass(frozen=True, slots=True)
class Days:
    """The day a delivery speaks of, that of the edition before it (None: the first), and how many days lie between two at most
    (None: no rhythm is agreed)."""

    as_of: date
    before: date | None = None
    every: int | None = None


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

    def coded(self, name: str) -> tuple[NDArray[Any], pa.Array]:
        """A column as (position in the array of distinct values, or -1 where empty; the distinct values)."""

        def compute() -> tuple[Any, pa.Array]:
            import pyarrow as pa
            import pyarrow.compute as pc

            coded = _in_arrow(self.rows[name]).dictionary_encode()
            values = coded.dictionary
            if pa.types.is_large_string(values.type):
                values = values.cast(pa.string())
            return pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False), values

        found: tuple[NDArray[Any], pa.Array] = self.once(("coded", name), compute)
        return found

    def distinct(self, name: str) -> tuple[NDArray[Any], list[Any]]:
        """The same with the distinct values as a list."""
        codes, values = self.coded(name)
        listed: list[Any] = self.once(
            ("distinct", name), lambda: values.to_numpy(zero_copy_only=False).tolist()
        )  # to_pylist makes a scalar of each first, and takes ten times as long
        return codes, listed

    def where(self, name: str, test: Callable[[Any], bool], *, yes: str = "", no: str = "") -> Mask:
        """Rows whose value passes `test`, asked once for each distinct value; empty cells never pass. `yes` and `no` are
        patterns (RE2) of texts that are known to pass or to fail: only the others are asked, so that the common case of
        a million distinct texts takes no Python call each."""
        import numpy as np

        codes, values = self.coded(name)
        verdict, asked = np.zeros(len(values), dtype=bool), np.ones(len(values), dtype=bool)
        if yes:
            verdict |= matching(values, yes)
            asked &= ~verdict
        if no:
            asked &= ~matching(values, no)
        if asked.any():
            some = values.filter(asked) if yes or no else values
            texts = some.to_numpy(zero_copy_only=False).tolist()
            verdict[asked] = np.fromiter((test(v) for v in texts), dtype=bool, count=len(texts))
        found: Mask = np.append(verdict, False)[codes]  # position -1 takes the last: empty
        return found

    def where_all(self, name: str, test: Callable[[pa.Array], Any]) -> Mask:
        """The same with one vectorised test of all distinct values (as an Arrow array of strings)."""
        import numpy as np
        import pyarrow as pa

        codes, values = self.coded(name)
        verdict = np.asarray(test(values), dtype=bool) if len(values) else np.zeros(0, dtype=bool)
        if pa.types.is_null(values.type):
            return self.none()
        found: Mask = np.append(verdict, False)[codes]
        return found

    def texts(self, name: str, chosen: Mask) -> pa.Array:
        """The values of a text column in the rows chosen, none of them empty."""
        import pyarrow as pa

        codes, values = self.coded(name)
        if pa.types.is_null(values.type):
            values = values.cast(pa.string())
        return values.take(pa.array(codes[chosen]))

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
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        codes, there = self.coded(name)
        if pa.types.is_null(there.type) or not values:
            return self.none()
        verdict = pc.is_in(there, value_set=pa.array(values, there.type)).to_numpy(zero_copy_only=False)
        found: Mask = np.append(verdict, False)[codes]
        return found

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

        return pd.DataFrame({n: self.coded(n)[0] for n in names})

    def repeated(self, names: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(positions of the rows whose values in these columns stand in another row, too, ascending; a number for each,
        equal where all of these columns are equal, and two empty cells are). A column is looked at only in the rows
        that those before it leave: for most keys, one tells all rows apart."""

        def compute() -> tuple[Any, Any]:
            import numpy as np
            import pandas as pd

            rows = np.arange(len(self.rows))
            numbers, span = np.zeros(len(rows), dtype="int64"), 1
            for name in names:
                codes, width = self._codes_in(name, rows)
                if span * width >= 1 << 62:  # the numbers so far, counted anew, fit again
                    numbers, distinct = pd.factorize(numbers)
                    span = max(len(distinct), 1)
                numbers, span = numbers * width + codes, span * width
                if span <= 2 * len(rows) + 2:
                    twice = np.bincount(numbers, minlength=1)[numbers] > 1
                else:
                    twice = pd.Series(numbers).duplicated(keep=False).to_numpy(dtype=bool)
                rows, numbers = rows[twice], numbers[twice]
            return rows, numbers

        found: tuple[Any, Any] = self.once(("repeated", *names), compute)
        return found

    def _codes_in(self, name: str, rows: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
        """Numbers of a column's values in some rows, 0 where empty, and how many numbers there are."""
        import pyarrow.compute as pc

        if ("coded", name) in self._cache or len(rows) * 2 > len(self.rows):
            codes, values = self.coded(name)
            return codes[rows].astype("int64") + 1, len(values) + 1
        some = _in_arrow(self.rows[name].iloc[rows]).dictionary_encode()
        return pc.fill_null(some.indices, -1).to_numpy(zero_copy_only=False).astype("int64") + 1, len(
            some.dictionary
        ) + 1

    def standing_twice(self, names: tuple[str, ...]) -> Mask:
        """Rows whose values in these columns stand in another row, too."""
        mask = self.none()
        mask[self.repeated(names)[0]] = True
        return mask

    def fields_of(self, role: Role) -> tuple[str, ...]:
        return tuple(f.name for f in self.feed.with_role(role))


def _in_arrow(column: pd.Series) -> pa.Array:
    import pyarrow as pa

    found = pa.array(column, from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def matching(values: pa.Array, pattern: str) -> Mask:
    """Which texts a pattern (RE2) is found in."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(values.type):
        return np.zeros(len(values), dtype=bool)
    found: Mask = pc.match_substring_regex(values, pattern).to_numpy(zero_copy_only=False)
    return found


def _ordinal(text: Any) -> int:
    try:
        return date.fromisoformat(text).toordinal()
    except (TypeError, ValueError):
        return NO_DAY
