"""What would become of the links if staff answered every open question truly: matched, asked, answered and matched again
until nothing is left to ask. Measures whether the questions are the right ones: what is linked wrongly, or neither
linked nor asked about, stays wrong however diligent the office is. Pure; nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from hub.deployment import County
from hub.matching.evaluation import Evaluation, LinkedRow, evaluate
from hub.matching.matcher import Outcome, match_profiles
from hub.matching.model import Model

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROUNDS = 8


@dataclass(frozen=True)
class Round:
    """One matching. `questions` are open after it; `answered` were answered before it, `same` of them with yes."""

    evaluation: Evaluation
    questions: int
    answered: int = 0
    same: int = 0


def entities_of_profiles(
    connection: Connection, profiles: pa.Table, truth: dict[tuple[str, str, int], tuple[str, bool]]
) -> list[Counter[str]]:
    """Per profile, how many of its live rows are which entity's; empty where the truth knows none. A row whose cell names several
    cooperatives is left out, as in `hub.matching.evaluation`."""
    said: dict[str, Counter[str]] = {}
    rows = connection.execute(
        text(
            """
            select profile_key, file, sheet, "row" from (
              select s.profile_key, d.name as file, s.sheet, s."row",
                     count(*) over (partition by s.delivery_id, s.sheet, s."row") as parts
              from source_row s join delivery d using (delivery_id)
              where s.profile_key is not null and s.superseded_by is null and d.state = 'accepted'
                and s.disposition in ('accepted', 'duplicate')) r
            where parts = 1
            """
        )
    )
    for r in rows:
        found = truth.get((r.file, r.sheet, r.row)) or truth.get((r.file, "", r.row))
        if found and found[1]:
            said.setdefault(r.profile_key, Counter())[found[0]] += 1
    return [said.get(key, Counter()) for key in profiles["profile_key"].to_pylist()]


def answer_truly(
    profiles: pa.Table,
    entities: Sequence[Counter[str]],
    *,
    county: County | None = None,
    model: Model | None = None,
    same: Iterable[tuple[int, int]] = (),
    different: Iterable[tuple[int, int]] = (),
) -> list[Round]:
    """Rounds of matching and answering: the first without an answer, the last without a question not asked before.

    Args:
        profiles: as `match_profiles` takes them.
        entities: per profile, how many of its rows are which entity's. A profile is taken for the entity of most of
            its rows; questions about profiles of unknown entity stay open.
        same, different: decisions that stand already.
    """
    yes, no = list(same), set(different)
    asked = {frozenset(p) for p in (*yes, *no)}
    truly = [main_entity(found) for found in entities]
    rounds: list[Round] = []
    answered = agreed = 0
    while True:
        outcome = match_profiles(profiles, county=county, model=model, same=yes, different=no)
        rounds.append(Round(evaluate(_rows(outcome, profiles, entities)), len(outcome.questions), answered, agreed))
        answered = agreed = 0
        for question in outcome.questions:
            pair = (min(question.a, question.b), max(question.a, question.b))
            if frozenset(pair) in asked or truly[pair[0]] is None or truly[pair[1]] is None:
                continue
            asked.add(frozenset(pair))
            answered += 1
            if truly[pair[0]] == truly[pair[1]]:
                agreed += 1
                yes.append(pair)
            else:
                no.add(pair)
        if not answered or len(rounds) > MOST_ROUNDS:
            return rounds


def main_entity(found: Counter[str]) -> str | None:
    """The entity most rows of a profile are; None without any."""
    return max(found, key=lambda e: (found[e], e)) if found else None


def _rows(outcome: Outcome, profiles: pa.Table, entities: Sequence[Counter[str]]) -> list[LinkedRow]:
    names, feeds = profiles["name"].to_pylist(), profiles["feeds"].to_pylist()
    return [
        LinkedRow(
            feeds[i][0] if feeds[i] else "",
            "",
            "",
            0,
            names[i] or "",
            outcome.link[i] or "new",
            None if outcome.link[i] in {"review", "nothing"} else str(outcome.group[i]),
            entity,
            True,
        )
        for i, found in enumerate(entities)
        for entity, times in sorted(found.items())
        for _ in range(times)
    ]
