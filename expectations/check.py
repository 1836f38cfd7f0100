"""Checking one delivery: the rules of its feed, run by Great Expectations, told in plain Chinese. Pure: same rows, same report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from expectations.columns import Columns, Days
from expectations.rule import Rule, Severity
from expectations.rules import rules_of
from hub.feeds import Coverage, Feed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule on one delivery. `failed_positions` counts rows from 0 in the order they were given, ascending; it is
    empty for rules about the file. `message` tells the sender what to correct."""

    rule: str
    severity: Severity
    field: str | None
    passed: bool
    failed_positions: NDArray[np.int64]
    message: str

    @property
    def rows_failed(self) -> int:
        return len(self.failed_positions)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checks say about one delivery, gravest rules first."""

    feed: str
    rows: int
    results: tuple[RuleResult, ...]
    repeated: NDArray[np.int64]  # `duplicate_positions`: rows that say exactly what an earlier row said

    def failed(self, severity: Severity) -> tuple[RuleResult, ...]:
        """The failed rules of one severity."""
        return tuple(r for r in self.results if r.severity == severity and not r.passed)

    @property
    def quarantined(self) -> NDArray[np.bool_]:
        """Which rows break a rule that costs the row."""
        import numpy as np

        mask = np.zeros(self.rows, dtype=bool)
        for result in self.failed("row"):
            mask[result.failed_positions] = True
        return mask


def warm_up() -> None:
    """Loads the library ahead of the first check (two to three seconds); safe to call often and from any thread."""
    import expectations.great  # noqa: F401


def check_rows(
    feed: Feed,
    rows: pd.DataFrame,
    *,
    previous_rows: int | None,
    hold_below: float,
    coverage: Coverage,
    headers: dict[str, str] | None = None,
    today: date | None = None,
    days: Days | None = None,
) -> CheckReport:
    """Checks the normalised rows of one delivery.

    Args:
        feed: whose rules apply.
        rows: one column per field in its normal form, `notes` beside them, as `hub.intake.normalise` makes them.
        previous_rows: rows of the last accepted delivery this one replaces; None if there is none.
        hold_below: a full list with fewer rows than this share of `previous_rows` is held.
        coverage: only a full list can be truncated.
        headers: field -> header as the sender wrote it, for the messages; titles of the catalogue otherwise. Fields
            not in it are taken for columns the sender's table does not have.
        today: the business date; default the date in China.
        days: which day the delivery speaks of; None asks nothing of it.

    Raises:
        HubError: a rule could not be run (a fault of ours, never of the sender).
    """
    import numpy as np

    from expectations.duplicates import repeated_rows
    from expectations.great import run_suite

    watched = coverage is Coverage.FULL and previous_rows is not None
    least_rows = math.ceil(hold_below * (previous_rows or 0)) if watched else 0
    today = today or datetime.now(CHINA).date()
    columns = Columns(feed, rows.reset_index(drop=True), today, headers)
    dated = days if days is not None and coverage is Coverage.FULL else Days(today)
    since = {
        "as_of_not_before_last": dated.before,
        "as_of_recent": today - timedelta(days=dated.every) if dated.every is not None else None,
    }
    passed, broken = run_suite(feed, columns, least_rows=least_rows, as_of=dated.as_of, since=since)
    words = {f.name: (headers or {}).get(f.name) or f.title.zh for f in feed.fields} | {
        "missing": "、".join(f.title.zh for f in feed.fields if f.name not in rows.columns),
        "rows": str(len(rows)),
        "previous_rows": str(previous_rows),
        "share": f"{hold_below:.0%}",
        "as_of": str(dated.as_of),
        "as_of_before": str(dated.before),
        "age": str((today - dated.as_of).days),
        "every": str(dated.every),
    }
    nowhere = np.zeros(0, dtype=np.int64)
    return CheckReport(
        feed=feed.feed,
        rows=len(rows),
        repeated=repeated_rows(columns) if passed["columns_present"] else nowhere,
        results=tuple(
            RuleResult(
                rule=rule.name,
                severity=rule.severity,
                field=rule.field,
                passed=passed[rule.name],
                failed_positions=broken[rule.name].nonzero()[0].astype(np.int64) if rule.name in broken else nowhere,
                message=_message(rule, words),
            )
            for rule in rules_of(feed)
            if rule.name in passed
        ),
    )


def _message(rule: Rule, words: dict[str, str]) -> str:
    return rule.message.format_map(words)
