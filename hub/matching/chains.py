"""A chain: parties that hang together by bonds, what is matched together. What is known of it before and after, and the
questions it leaves to a person. Nothing here decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from hub.matching.clusters import Clusters

TWIN = (
    0.3  # chance shown for one name under two codes and two persons: a copied code, or a new cooperative of that name
)


@dataclass(frozen=True, slots=True)
class Question:
    """A doubtful pair for a person: two profiles that stand for their parties. `others` are the next candidates."""

    a: int
    b: int
    probability: float
    levels: dict[str, int]
    kind: str = "model"  # or "conflict": one code, two names
    others: tuple[tuple[int, float], ...] = ()
    waits: bool = True  # whether the rows of `a` wait for the answer, or stand as they are meanwhile


def twin_question(a: int, b: int) -> Question:
    """Two parties of one name, each with a code of its own and another representative: both stand, and a person is asked."""
    return Question(a, b, TWIN, {}, waits=False)


class Bond(NamedTuple):
    """Two parties (by position) that may be one; how likely, if it is known already (`hub.matching.bonds`)."""

    a: int
    b: int
    weight: float | None = None
    levels: Sequence[int] | None = None


@dataclass
class Chain:
    """What is matched together: profiles by position, in the order of their keys, with what they are by codes (`clusters`,
    `link`, `partner`, `conflicts`: position -> owner, as a number of `profiles`) and their parties' bonds. `coded` are the
    positions that bear their party's code themselves, `unplaced` those whose code is damaged and fits nowhere."""

    profiles: list[int]
    clusters: Clusters
    link: list[str]
    partner: dict[int, int]
    conflicts: dict[int, int]
    cores: list[str]
    n_rows: list[int]
    bonds: list[Bond]
    feeds: list[list[str]]
    coded: frozenset[int] = frozenset()
    unplaced: frozenset[int] = frozenset()
    score: list[float | None] = field(default_factory=list)
    levels: dict[int, dict[str, int]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)

    @cached_property
    def place(self) -> dict[int, int]:
        """Position by profile."""
        return {profile: i for i, profile in enumerate(self.profiles)}

    def spokesman(self, party: int) -> int:
        """The member a question names: one with the party's code, if it has one, which no later link can take from it."""
        return min((i for i in self.clusters.members(party) if i in self.coded), default=party)

    def rows(self, party: int) -> int:
        """How many rows a party has."""
        return sum(self.n_rows[i] for i in self.clusters.members(party))

    def held(self) -> set[int]:
        """The parties with a code that belongs to another name."""
        return {self.clusters.find(i) for i in self.conflicts}
