"""What asking of known cooperatives gives: an answer with its reason and further candidates. Nothing in it is personal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from hub.matching.comparison import COMPARISONS, level_name
from hub.matching.model import Model
from hub.matching.reasons import review_reason

# A code with its check digits and an agreeing name has no probability of its own: it is shown as this much and no more.
CODE_AND_NAME = 0.999
CODE_ALONE = 0.99
CONFLICT = 0.5
SHOWN_FROM = 0.01  # candidates less likely than this are not worth a look


class Verdict(StrEnum):
    """What became of a row."""

    MATCHED = "matched"
    DOUBTFUL = "doubtful"
    NOT_FOUND = "not_found"
    NOT_A_COOPERATIVE = "not_a_cooperative"


@dataclass(frozen=True, slots=True)
class KnownCooperative:
    """What an answer tells of a cooperative: nothing personal."""

    coop_id: str
    name: str
    uscc: str
    town: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cooperative a row may be; `confidence` from 0 to 1, `levels` by comparison where names and people were compared."""

    cooperative: KnownCooperative
    confidence: float
    levels: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One row's answer. `best` only when matched; `next` are the other candidates, the likeliest first (of a doubtful
    row: all of them). `reason` is one Chinese sentence without any personal value."""

    verdict: Verdict
    reason: str
    best: Candidate | None = None
    next: tuple[Candidate, ...] = ()


def worth_showing(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Those likely enough to be shown, each once, the likeliest first."""
    return ranked(c for c in found if c.confidence >= SHOWN_FROM)


def ranked(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Each cooperative once, the likeliest first."""
    best: dict[str, Candidate] = {}
    for candidate in found:
        kept = best.get(candidate.cooperative.coop_id)
        if kept is None or candidate.confidence > kept.confidence:
            best[candidate.cooperative.coop_id] = candidate
    return tuple(sorted(best.values(), key=lambda c: (-c.confidence, c.cooperative.coop_id)))


def copied_code(owner: KnownCooperative, found: Iterable[Candidate]) -> Answer:
    """The answer for a row whose code is one cooperative's and whose name is not: the code may be the line's above."""
    others = [c for c in found if c.cooperative is not owner and c.confidence >= SHOWN_FROM]
    reason = review_reason("conflict", CONFLICT, owner.name)
    return Answer(Verdict.DOUBTFUL, reason, next=ranked([Candidate(owner, CONFLICT), *others]))


def matched(best: Candidate, reason: str, found: Iterable[Candidate]) -> Answer:
    """The answer for a row that is `best`, with the others of `found` beside."""
    others = worth_showing(c for c in found if c.cooperative is not best.cooperative)
    return Answer(Verdict.MATCHED, reason, best, others)


def evidence_features(candidate: Candidate, model: Model) -> list[tuple[str, float]]:
    """What was compared and its weight, log2(m/u): above 0 speaks for."""
    return [
        (c.name, round(model.weights(c)[candidate.levels[c.name]], 2))
        for c in COMPARISONS
        if candidate.levels.get(c.name, -1) >= 0 and level_name(c, candidate.levels[c.name]) != "missing"
    ]
