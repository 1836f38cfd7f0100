"""The demo county: deliveries of a fictional county as real departments would send them, with the truth beside them.

Everything follows from (seed, night): the same files, byte for byte. People, organisations, codes and phones are
invented. May import identifiers, feeds, deployment and errors; nothing of the hub imports it but the command line.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from hub.deployment import County
from hub.errors import ConfigurationError

if TYPE_CHECKING:
    from hub.demo.sheet import Truth
    from hub.demo.world import World

SEED = 20261031
COOPERATIVES = 600
OFFICE_LIMIT = 20_000  # more rows than people send in spreadsheets; see hub.demo.scale


@dataclass(frozen=True, slots=True)
class DemoNight:
    """One night's deliveries. `files` and `truth` hold everything that lies in the inbox, old files too."""

    night: int
    business_date: date
    files: tuple[Path, ...]
    truth: tuple[Truth, ...]


def business_date(night: int) -> date:
    """The date a demonstration night pretends to be: month ends from 2026-10-31 on."""
    from hub.demo.world import night_date

    return night_date(night)


def write_night(
    inbox: Path,
    *,
    night: int = 1,
    seed: int = SEED,
    cooperatives: int = COOPERATIVES,
    county: County,
    progress: Callable[[str], None] | None = None,
) -> DemoNight:
    """Writes the county's deliveries of a night to `inbox/<feed>/<file>`, and `truth.csv` and `entities.csv` beside the inbox.

    Night 1 is everything; each later night is a month on: some files new, some as they were to the byte, some
    changed. A file that is right already is not touched, so its time of change stays. Other files are left alone.

    Args:
        inbox: folder that gets a folder a feed.
        night: from 1.
        seed: equal seeds give equal files.
        cooperatives: how many on the first night, up to OFFICE_LIMIT.
        county: names, codes and towns; the towns need villages for good names.
        progress: told each file's name after it is written.

    Raises:
        ConfigurationError: night below 1, a number of cooperatives out of range, or a county without towns.
    """
    from hub.demo.books import books_of_night
    from hub.demo.books.edition import Edition
    from hub.demo.build import build_world
    from hub.demo.clerk import NameBook
    from hub.demo.months import next_month
    from hub.demo.writers import book_bytes

    if night < 1 or cooperatives < 1 or not county.towns:
        raise ConfigurationError(
            "演示数据的夜次和合作社数须不小于 1，县须有乡镇。",
            next_step="检查 --night、--cooperatives 和 county.yaml。",
        )
    worlds: list[World] = [build_world(county, seed, cooperatives)]
    for n in range(2, night + 1):
        worlds.append(next_month(worlds[-1], n))
    editions = [Edition(world, NameBook(world), n) for n, world in enumerate(worlds, 1)]
    files: list[Path] = []
    truth: list[Truth] = []
    for book in books_of_night(lambda n: editions[n - 1], night, len(county.towns)):
        path = inbox / book.feed / book.file
        path.parent.mkdir(parents=True, exist_ok=True)
        content = book_bytes(book)
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)
        files.append(path)
        truth.extend(book.truth())
        if progress:
            progress(book.file)
    _write_truth(inbox.parent, worlds[-1], truth)
    return DemoNight(night, worlds[-1].date, tuple(files), tuple(truth))


def _write_truth(folder: Path, world: World, truth: list[Truth]) -> None:
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("source", "file", "sheet", "row", "entity", "kind"))
        writer.writerows(truth)
    with (folder / "entities.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("entity", "name", "uscc", "legal_rep", "town", "level", "condition", "deregistered", "former_names")
        )
        for c in world.cooperatives:
            levels = "、".join(dict.fromkeys(t.level for t in c.titles))
            gone = int(c.ended is not None)
            former = "、".join(c.former_names)
            writer.writerow((c.uscc, c.name, c.uscc, c.representative, c.town.name, levels, c.condition, gone, former))
