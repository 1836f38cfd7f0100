"""Figures of a version: how many cooperatives, and how many of each answer, level and state. Trends and prints read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.feeds import feed_catalogue
from hub.master.rules import rules

if TYPE_CHECKING:
    import duckdb


def figures_of(duck: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Counts over `answers`: `cooperatives`, `current`, `answers` {rule: {yes, no, unknown}} (also `among_standing`,
    `among_demonstration`), `levels` (cooperatives that hold a
    valid title of that level), `tax_status`, `towns` (cooperatives a town), `feeds` {feed: live rows}, and the newest `as_of` a feed."""
    row = duck.execute("select count(*), count(*) filter (where in_current_lists) from answers").fetchall()[0]
    total = int(row[0])
    levels = {
        c.value: duck.execute(
            "select count(*) from answers where contains(demonstration_levels, ?)", [c.title.zh]
        ).fetchall()[0][0]
        for c in feed_catalogue()["demonstration"].by_name["level"].choices
    }
    return {
        "cooperatives": total,
        "current": int(row[1]),
        "answers": _answers(duck, "true"),
        "levels": levels,
        "among_standing": _answers(duck, "not coalesce(ended, false)"),
        "among_demonstration": _answers(duck, "demonstration_now"),
        "standing": _count(duck, "not coalesce(ended, false)"),
        "tax_status": _pairs(
            duck, "select tax_status, count(*) from answers where tax_status is not null group by 1 order by 1"
        ),
        "towns": _pairs(duck, "select coalesce(town, ''), count(*) from answers group by 1 order by 1"),
        "feeds": {f: duck.execute(f"select count(*) from now_{f}").fetchall()[0][0] for f in feed_catalogue()},
        "as_of": _pairs(duck, "select feed, max(as_of)::varchar from source where live group by 1 order by 1"),
    }


def _answers(duck: duckdb.DuckDBPyConnection, among: str) -> dict[str, dict[str, int]]:
    """rule -> yes, no, unknown, among the cooperatives a condition picks."""
    counts = ", ".join(f"count(*) filter (where {r.name}), count(*) filter (where not {r.name})" for r in rules())
    row = duck.execute(f"select count(*), {counts} from answers where {among}").fetchall()[0]
    total = int(row[0])
    return {
        r.name: {"yes": row[1 + 2 * i], "no": row[2 + 2 * i], "unknown": total - row[1 + 2 * i] - row[2 + 2 * i]}
        for i, r in enumerate(rules())
    }


def _count(duck: duckdb.DuckDBPyConnection, condition: str) -> int:
    return int(duck.execute(f"select count(*) from answers where {condition}").fetchall()[0][0])


def _pairs(duck: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    return dict(duck.execute(query).fetchall())
