"""Figures of a version: how many cooperatives, and how many of each answer, level and state. Trends and prints read them. They
are sums over cooperatives, so a night can move them by the cooperatives it computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.feeds import feed_catalogue
from hub.master.rules import rules

if TYPE_CHECKING:
    import duckdb


def figures_of(duck: duckdb.DuckDBPyConnection, table: str = "answers") -> dict[str, Any]:
    """Counts over `answers`: `cooperatives`, `current`, `answers` {rule: {yes, no, unknown}} (also `among_standing`,
    `among_demonstration`), `levels` (cooperatives that hold a valid title of that level), `standing`, `tax_status`, `towns`
    (cooperatives a town), `feeds` (cooperatives a feed speaks of now), and the newest `as_of` a feed."""
    row = duck.execute(
        f"select count(*), count(*) filter (where in_current_lists), count(*) filter (where not coalesce(ended, false)) from {table}"
    ).fetchall()[0]
    answers = _answers(duck, table)
    levels = [(c.value, c.title.zh) for c in feed_catalogue()["demonstration"].by_name["level"].choices]
    return {
        "cooperatives": int(row[0]),
        "current": int(row[1]),
        "answers": _told(answers),
        "levels": _holding(duck, table, "demonstration_levels", levels),
        "among_standing": _told([a for a in answers if a[0]]),
        "among_demonstration": _told([a for a in answers if a[1]]),
        "standing": int(row[2]),
        "tax_status": _pairs(
            duck, f"select tax_status, count(*) from {table} where tax_status is not null group by 1 order by 1"
        ),
        "towns": _pairs(duck, f"select coalesce(town, ''), count(*) from {table} group by 1 order by 1"),
        "feeds": _holding(duck, table, "feeds", [(f.feed, f.title.zh) for f in feed_catalogue().values()]),
        "as_of": newest_as_of(duck),
    }


def newest_as_of(duck: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """feed -> the newest day a live delivery of it speaks of."""
    return _pairs(duck, "select feed, max(as_of)::varchar from source where live group by 1 order by 1")


def figures_of_kept(duck: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The same over `kept`: what the projected cooperatives were before."""
    texts = ("demonstration_levels", "tax_status", "town", "feeds")
    shape = (
        ", ".join(f'"{n}": "VARCHAR"' for n in (*texts, *(r.name for r in rules()))) + ', "in_current_lists": "BOOLEAN"'
    )
    answers = ", ".join(f"f.{r.name} = 'yes' as {r.name}" for r in rules())
    duck.execute(
        f"""create or replace temp table answers_kept as
            select f.in_current_lists, {", ".join(f"f.{n}" for n in texts)}, {answers}
            from (select from_json(fields, '{{{shape}}}') as f from kept)"""
    )
    return figures_of(duck, "answers_kept")


def add_figures(all_before: dict[str, Any], after: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Figures of all, from what they were, and what those computed now are and were. Counts by name forget names that none has."""
    found: dict[str, Any] = {}
    for key in after.keys() | all_before.keys():
        if key == "as_of":
            found[key] = after[key]
        elif isinstance(after.get(key, before.get(key)), dict):
            found[key] = add_figures(all_before.get(key, {}), after.get(key, {}), before.get(key, {}))
            if key in ("tax_status", "towns"):
                found[key] = {k: v for k, v in sorted(found[key].items()) if v}
        else:
            found[key] = all_before.get(key, 0) + after.get(key, 0) - before.get(key, 0)
    return {k: found[k] for k in [*after, *sorted(found.keys() - after.keys())]}


def _answers(duck: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    """(standing, demonstration, cooperatives, and of each rule yes and no): one pass over the table for all that is asked."""
    counts = ", ".join(f"count(*) filter (where {r.name}), count(*) filter (where not {r.name})" for r in rules())
    return duck.execute(
        f"select not coalesce(ended, false), coalesce(demonstration_now, false), count(*), {counts} from {table} group by 1, 2"
    ).fetchall()


def _told(answers: list[tuple[Any, ...]]) -> dict[str, dict[str, int]]:
    """rule -> yes, no, unknown, over these groups of cooperatives."""
    sums = [sum(column) for column in zip(*answers, strict=True)][2:] or [0] * (1 + 2 * len(rules()))
    return {
        r.name: {"yes": sums[1 + 2 * i], "no": sums[2 + 2 * i], "unknown": sums[0] - sums[1 + 2 * i] - sums[2 + 2 * i]}
        for i, r in enumerate(rules())
    }


def _holding(duck: duckdb.DuckDBPyConnection, table: str, column: str, titles: list[tuple[str, str]]) -> dict[str, int]:
    """How many cooperatives a text of titles joined by 、 names each of these for."""
    counts = ", ".join(f"count(*) filter (where contains('、' || {column} || '、', '、{t}、'))" for _, t in titles)
    row = duck.execute(f"select {counts} from {table}").fetchall()[0]
    return {name: int(n) for (name, _), n in zip(titles, row, strict=True)}


def _pairs(duck: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    return dict(duck.execute(query).fetchall())
