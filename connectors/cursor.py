"""Progress by a cursor column without losing rows: what was delivered, and what of a new query is new.

A plain "greater than the last value" loses rows that share the last value, rows committed late with an earlier value,
and everything after one row dated in the future. So the query always asks again for the last value (and an overlap
before it), rows already delivered are known by their digest, and a value beyond tomorrow never moves the cursor.
"""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Row = Sequence[Any]
# More rows than this at or after the cursor are not remembered: they are sent again rather than lost.
SEEN_LIMIT = 20_000

_DECODE: dict[str, Callable[[str], Any]] = {
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "int": int,
    "float": float,
    "decimal": decimal.Decimal,
    "text": str,
}


def encode(value: Any) -> list[str]:
    """A cursor value as JSON that remembers its type."""
    if isinstance(value, dt.datetime):
        return ["datetime", value.isoformat()]
    if isinstance(value, dt.date):
        return ["date", value.isoformat()]
    for kind, types in (("int", int), ("float", float), ("decimal", decimal.Decimal)):
        if isinstance(value, types):
            return [kind, str(value)]
    return ["text", str(value)]


def decode(told: Sequence[str]) -> Any:
    """The value `encode` was given."""
    return _DECODE[told[0]](told[1])


def before(value: Any, overlap: float) -> Any:
    """A cursor value `overlap` earlier: seconds for times, days begun for dates, units for numbers; text stays."""
    if not overlap or value is None or isinstance(value, str):
        return value
    if isinstance(value, dt.datetime):
        return value - dt.timedelta(seconds=overlap)
    if isinstance(value, dt.date):
        return value - dt.timedelta(days=-(-int(overlap) // 86_400))
    if isinstance(value, decimal.Decimal):
        return value - decimal.Decimal(str(overlap))
    return value - (int(overlap) if isinstance(value, int) else overlap)


def digest(texts: Iterable[str | None]) -> str:
    """A row's digest: 128 bits over its texts, each with its length."""
    hashed = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = b"" if text is None else text.encode("utf-8", "surrogatepass")
        hashed.update((-1 if text is None else len(data)).to_bytes(8, "big", signed=True) + data)
    return hashed.hexdigest()


class Progress:
    """One query from a stored state to the next. Rows come in batches, ordered by the cursor, earliest first.

    Args:
        state: `{last, upto, seen}` as `state()` gave it, or empty.
        at: position of the cursor in a row.
        texts: a row's texts, for its digest.
        latest: a value beyond this is taken but does not move the cursor; None for cursors that are no times.
    """

    def __init__(
        self,
        state: Mapping[str, Any],
        *,
        at: int,
        overlap: float,
        texts: Callable[[Row], Iterable[str | None]],
        latest: Any,
    ) -> None:
        self._at, self._overlap, self._texts, self._latest = at, overlap, texts, latest
        self.last = decode(state["last"]) if state.get("last") else None
        self._upto = decode(state["upto"]) if state.get("upto") else None
        self._seen: Counter[str] = Counter(state.get("seen") or {})
        self._tail: deque[Sequence[Row]] = deque()
        self._held = 0
        self._forgotten_upto: Any = None
        self._forgot_null = False
        self._nulls: list[str] = []

    @property
    def low(self) -> Any:
        """Where the query starts, inclusive; None for everything."""
        return before(self.last, self._overlap)

    def is_new(self, row: Row) -> bool:
        """Whether a row was not delivered yet. Equal rows count: a second one is new."""
        known = digest(self._texts(row))
        if self._seen[known] > 0:
            self._seen[known] -= 1
            return False
        return True

    def fresh_nulls(self, rows: Sequence[Row]) -> list[Row]:
        """Of rows without a cursor value, those not delivered yet."""
        self._forgot_null = self._forgot_null or len(self._nulls) + len(rows) > SEEN_LIMIT
        self._nulls = [] if self._forgot_null else self._nulls + [digest(self._texts(r)) for r in rows]
        return [row for row in rows if self.is_new(row)] if self._seen else list(rows)

    def fresh(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Of rows with a cursor value, those not delivered yet."""
        if not rows:
            return rows
        self._remember(rows)
        beyond = self._upto is None or (not isinstance(self._upto, str) and rows[0][self._at] > self._upto)
        return rows if not self._seen or beyond else [row for row in rows if self.is_new(row)]

    def _remember(self, rows: Sequence[Row]) -> None:
        values = [r[self._at] for r in rows]
        countable = values if self._latest is None else [v for v in values if v <= self._latest]
        if countable:
            self.last = countable[-1]
        self._tail.append(rows)
        self._held += len(rows)
        low = self.low
        while len(self._tail) > 1:
            oldest = self._tail[0][-1][self._at]
            passed = low is not None and not isinstance(low, str) and oldest < low
            if not passed and self._held <= SEEN_LIMIT + len(rows):
                break
            self._held -= len(self._tail.popleft())
            if not passed:
                self._forgotten_upto = oldest

    def state(self) -> dict[str, Any]:
        """What to store once the rows are accepted."""
        low = self.low
        kept = [r for rows in self._tail for r in rows if low is None or isinstance(low, str) or r[self._at] >= low]
        if isinstance(low, str):
            kept = [r for r in kept if r[self._at] == low]
        forgot = self._forgotten_upto is not None and (low is None or self._forgotten_upto >= low)
        if forgot or len(kept) > SEEN_LIMIT:
            kept = []
        seen = Counter([*self._nulls, *(digest(self._texts(r)) for r in kept)])
        return {
            "last": None if self.last is None else encode(self.last),
            "upto": encode(kept[-1][self._at]) if kept else None,
            "seen": dict(sorted(seen.items())),
        }
