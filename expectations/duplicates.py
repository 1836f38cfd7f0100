"""Rows that say again, within one delivery, exactly what an earlier row said."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from hub.feeds import Feed, Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from expectations.columns import Columns


def duplicate_positions(feed: Feed, rows: pd.DataFrame) -> NDArray[np.int64]:
    """Positions (from 0, ascending) of rows equal to an earlier row in every field of the feed but the running number.
    The first of each stays. Rows that say nothing at all are no duplicates: each is its own problem."""
    from expectations.columns import Columns

    return repeated_rows(Columns(feed, rows, date.min))


def repeated_rows(columns: Columns) -> NDArray[np.int64]:
    """The same, of rows whose columns are being looked at anyway.

    The key narrows it down first: comparing all columns is done only for rows whose key stands twice.
    """
    import numpy as np

    feed, rows = columns.feed, columns.rows
    fields = [f.name for f in feed.fields if f.kind is not Kind.SERIAL and f.name in rows.columns]
    key = tuple(n for n in feed.key if n in rows.columns)
    if not fields or not key:
        return np.zeros(0, dtype=np.int64)
    suspects, _ = columns.repeated(key)
    if not len(suspects):
        return np.zeros(0, dtype=np.int64)
    some = rows.iloc[suspects][fields]
    again = some.duplicated(keep="first").to_numpy(dtype=bool) & some.notna().any(axis=1).to_numpy(dtype=bool)
    return suspects[again].astype(np.int64)
