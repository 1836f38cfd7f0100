"""How good the links are on whole counties that nobody tuned on: six styles of names, 829 to 2,842 cooperatives, with and without a
registry, with the mess of a real county and up to two and a half times that. `python -m benchmarks counties` takes one seed's
sixteen; `COOP_HUB_SEED` another one's, and `--scale` a share of each county's size.

Before any answer: precision, recall and F1 over pairs of rows, cooperatives that mix two, rows that wait. After answers: as if
every question were answered truly, until none is left (`hub.matching.answering`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from benchmarks.county_rows import Profiles, write_rows
from benchmarks.county_world import STYLES, World, make_world
from benchmarks.frame import Measure, timed
from hub.matching.answering import Round, answer_truly

COUNTIES = 16
SMALLEST, LARGEST = 829, 2842
MESS = (1.0, 1.5, 2.0, 2.5)
SEED = "COOP_HUB_SEED"


@dataclass(frozen=True)
class Case:
    """One county of a seed."""

    number: int
    seed: int

    @property
    def style(self) -> str:
        return list(STYLES)[self.number % len(STYLES)]

    @property
    def mess(self) -> float:
        return MESS[(self.number + self.number // 4) % len(MESS)]

    @property
    def registry(self) -> bool:
        return self.number % 5 in (1, 3)

    @property
    def size(self) -> int:
        step = (LARGEST - SMALLEST) / (COUNTIES - 1)
        return round(SMALLEST + step * (self.number * 7 % COUNTIES))

    @property
    def title(self) -> str:
        return f"{self.style} {self.size} ×{self.mess}{' registry' if self.registry else ''}"

    def make(self, scale: float = 1.0) -> tuple[World, Profiles]:
        """The county and its rows; near names, too, are more with more mess."""
        seed = self.seed * 1000 + self.number
        world = make_world(self.style, seed, max(60, round(self.size * scale)), crowd=self.mess)
        return world, write_rows(world, registry=self.registry, mess=self.mess, seed=seed)


def cases(seed: int) -> list[Case]:
    """The counties of a seed."""
    return [Case(number, seed) for number in range(COUNTIES)]


def measured(case: Case, scale: float = 1.0) -> tuple[Profiles, list[Round]]:
    """A county's rows, and the rounds of matching and answering."""
    world, rows = case.make(scale)
    return rows, answer_truly(rows.table, rows.entities, county=world.county)


def note(rounds: list[Round]) -> str:
    """The figures of a county in one line."""
    first, last = rounds[0].evaluation, rounds[-1].evaluation
    return (
        f"F1 {first.overall.f1:.4f} precision {first.overall.precision:.5f}, mixed {len(first.mixed)}, "
        f"review {first.review_rows / first.overall.rows:.2%}, asked {sum(r.answered for r in rounds)}; "
        f"after answers recall {last.overall.recall:.5f}, mixed {len(last.mixed)}"
    )


def run(scale: float) -> list[Measure]:
    """One measure a county; seconds are those of all its rounds."""
    found = []
    for case in cases(int(os.environ.get(SEED, "1"))):
        seconds, (rows, rounds) = timed(partial(measured, case, scale))
        found.append(Measure(case.title, seconds, rows=rows.rows, note=note(rounds)))
    return found
