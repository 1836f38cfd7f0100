"""How good the links are, measured against a truth file: precision, recall and F1 over pairs of rows, by kind of link and
by feed, how well probabilities keep their word, and the errors themselves.

A truth file is CSV: `file, sheet, row, entity` and, where known, `source` (the feed) and `kind` (`coop`, anything else
is no cooperative). A row under review counts as linked to nothing: it costs recall, never precision. A row whose cell
names several cooperatives is left out, because the truth names one of them.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from sqlalchemy import Connection, text

from hub.errors import FormatError, Where

_BINS = (0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 0.995, 1.0)


@dataclass(frozen=True, slots=True)
class LinkedRow:
    """A row of the truth, with what the hub made of it. `group` is None while it waits or is out of scope."""

    feed: str
    file: str
    sheet: str
    row: int
    name: str
    link: str
    group: str | None
    entity: str
    cooperative: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A probability the hub gave, and whether it was so."""

    probability: float
    true: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Over pairs of rows. `rows` is how many rows they come from."""

    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True)
class Bin:
    """Probabilities from `low` to `high`: how many, their mean, and the share that was so."""

    low: float
    high: float
    count: int
    mean: float
    true_share: float


@dataclass
class Evaluation:
    """The whole measurement. `mixed` are cooperatives with rows of several entities, `split` entities over several
    cooperatives, `foreign` rows of no cooperative that were taken in, each with readable lines."""

    overall: Figures
    by_link: dict[str, Figures]
    by_feed: dict[str, Figures]
    review_rows: int
    unknown_rows: int
    calibration: list[Bin]
    mixed: dict[str, list[str]] = field(default_factory=dict)
    split: dict[str, list[str]] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)


def read_truth(path: Path) -> dict[tuple[str, str, int], tuple[str, bool]]:
    """(file, sheet, row) -> (entity, whether it is a cooperative).

    Raises:
        FormatError: a column is missing or a row number is no number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {
            (r["file"], r.get("sheet") or "", int(r["row"])): (r["entity"], (r.get("kind") or "coop") == "coop")
            for r in rows
        }
    except (OSError, KeyError, ValueError, UnicodeDecodeError) as error:
        raise FormatError(
            "读不了真值文件。",
            next_step="用 CSV（UTF-8），列名 file、sheet、row、entity，可加 kind。",
            where=Where(file=path.name),
            detail=repr(error),
        ) from None


def read_linked(
    connection: Connection, truth: dict[tuple[str, str, int], tuple[str, bool]]
) -> tuple[list[LinkedRow], int]:
    """Rows of the database the truth knows, and how many of its rows the database does not have."""
    found: list[LinkedRow] = []
    seen: set[tuple[str, str, int]] = set()
    rows = connection.execute(
        text(
            """
            select s.feed, d.name as file, s.sheet, s."row", coalesce(p.name, '') as name, coalesce(l.link, '') as link,
                   case when s.disposition in ('accepted', 'duplicate') and l.link is distinct from 'review'
                        then l.coop_id end as coop_id,
                   count(*) over (partition by s.delivery_id, s.sheet, s."row") > 1 as several
            from source_row s join delivery d using (delivery_id) left join profile p using (profile_key)
                 left join link l using (profile_key)
            where s.superseded_by is null order by s.row_id
            """
        )
    )
    for r in rows:
        key = (r.file, r.sheet, r.row)
        if key not in truth:
            key = (r.file, "", r.row)
        if key in truth and key not in seen:
            seen.add(key)
            if r.several:
                continue
            entity, is_coop = truth[key]
            found.append(LinkedRow(r.feed, r.file, r.sheet, r.row, r.name, r.link, r.coop_id, entity, is_coop))
    return found, len(truth) - len(seen)


def read_judged(connection: Connection, rows: Sequence[LinkedRow]) -> list[Judged]:
    """Every probability the hub gave about two profiles whose truth is known: links by comparison, open questions."""
    places = {(r.file, r.sheet, r.row): r.entity for r in rows if r.cooperative}
    entity: dict[str, str] = {}
    for r in connection.execute(
        text(
            'select s.profile_key, d.name as file, s.sheet, s."row" from source_row s join delivery d using (delivery_id) '
            "where s.profile_key is not null order by s.row_id"
        )
    ):
        if (r.file, r.sheet, r.row) in places:
            entity.setdefault(r.profile_key, places[r.file, r.sheet, r.row])
    pairs = connection.execute(
        text(
            "select profile_key, evidence ->> 'partner', score from link where link in ('name', 'model') and score is not null "
            "union all select profile_a, profile_b, probability from candidate where kind = 'model'"
        )
    )
    return [
        Judged(float(p), entity[a] == entity[b]) for a, b, p in pairs if b is not None and a in entity and b in entity
    ]


def evaluate(rows: Sequence[LinkedRow], judged: Sequence[Judged] = (), *, unknown: int = 0) -> Evaluation:
    """Measures. Pairs of rows of one cooperative are right when both are of one entity."""
    coops = [r for r in rows if r.cooperative]
    groups = _groups(coops)
    by_group: dict[str, Counter[str]] = defaultdict(Counter)
    by_entity: dict[str, Counter[str]] = defaultdict(Counter)
    for r, group in zip(coops, groups, strict=True):
        by_group[group][r.entity] += 1
        by_entity[r.entity][group] += 1
    mixed = {g for g, entities in by_group.items() if len(entities) > 1}
    split = {e for e, found in by_entity.items() if len(found) > 1}
    lines: dict[str, list[str]] = defaultdict(list)
    for r, group in zip(coops, groups, strict=True):
        line = f"{r.name}（{r.file} {r.sheet} 第 {r.row} 行，{r.link or '未关联'}）"
        if group in mixed:
            lines[f"m{group}"].append(f"{line} 应为 {r.entity}")
        if r.entity in split:
            lines[f"s{r.entity}"].append(f"{line} 现为 {r.group or '待判'}")
    return Evaluation(
        _figures(coops, groups),
        {kind: _share(coops, groups, [r.link == kind for r in coops]) for kind in sorted({r.link for r in coops})},
        {feed: _share(coops, groups, [r.feed == feed for r in coops]) for feed in sorted({r.feed for r in coops})},
        sum(r.link == "review" for r in coops),
        unknown,
        _calibration(judged),
        {g: lines[f"m{g}"] for g in sorted(mixed)},
        {e: lines[f"s{e}"] for e in sorted(split)},
        [
            f"{r.name}（{r.file} {r.sheet} 第 {r.row} 行）现为 {r.group}"
            for r in rows
            if not r.cooperative and r.group is not None
        ],
    )


def _groups(rows: Sequence[LinkedRow]) -> list[str]:
    return [r.group if r.group is not None else f"alone {n}" for n, r in enumerate(rows)]


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _figures(rows: Sequence[LinkedRow], groups: Sequence[str]) -> Figures:
    both = Counter(zip(groups, (r.entity for r in rows), strict=True))
    right = sum(_pairs(n) for n in both.values())
    made = sum(_pairs(n) for n in Counter(groups).values())
    wanted = sum(_pairs(n) for n in Counter(r.entity for r in rows).values())
    return _ratio(right, made, wanted, len(rows))


def _share(rows: Sequence[LinkedRow], groups: Sequence[str], chosen: Sequence[bool]) -> Figures:
    """The same over pairs with at least one chosen row."""

    def touching(keys: Iterable[object]) -> int:
        whole: Counter[object] = Counter()
        rest: Counter[object] = Counter()
        for key, inside in zip(keys, chosen, strict=True):
            whole[key] += 1
            rest[key] += not inside
        return sum(_pairs(n) - _pairs(rest[key]) for key, n in whole.items())

    entities = [r.entity for r in rows]
    return _ratio(touching(zip(groups, entities, strict=True)), touching(groups), touching(entities), sum(chosen))


def _ratio(right: int, made: int, wanted: int, rows: int) -> Figures:
    precision = right / made if made else 1.0
    recall = right / wanted if wanted else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Figures(precision, recall, f1, rows)


def _calibration(judged: Sequence[Judged]) -> list[Bin]:
    bins = []
    for low, high in pairwise(_BINS):
        inside = [j for j in judged if low <= j.probability < high or (high == 1.0 and j.probability == 1.0)]
        if inside:
            bins.append(
                Bin(
                    low,
                    high,
                    len(inside),
                    sum(j.probability for j in inside) / len(inside),
                    sum(j.true for j in inside) / len(inside),
                )
            )
    return bins


def draw_calibration(bins: Sequence[Bin], path: Path) -> None:
    """The calibration plot as .png or .svg: probability given against the share that was so; a point's size tells how
    many."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    axes.scatter(
        [b.mean for b in bins],
        [b.true_share for b in bins],
        s=[20 + 6 * b.count**0.5 for b in bins],
        color="#1f5fa8",
        zorder=3,
    )
    for b in bins:
        axes.annotate(str(b.count), (b.mean, b.true_share), textcoords="offset points", xytext=(6, -10), fontsize=8)
    axes.set_xlabel("probability given")
    axes.set_ylabel("share that was so")
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
