"""The desk for the doubtful few: open questions, the best first, each with both sides, their sources and what speaks for
and against. The command line and the portal show the same."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from hub.errors import ConflictError
from hub.matching.grouping import codes_shown
from hub.matching.reasons import review_reason

SOURCES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Source:
    """A row that says what a side says."""

    feed: str
    delivery: str
    sheet: str
    row: int
    as_of: date


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a question. `phone` is personal: who shows it decides about masking. `coop_id` is the id it bears,
    None while it waits. `rows` counts all its rows; `sources` holds the newest few."""

    profile_key: str
    name: str | None
    former_name: str | None
    codes: tuple[str, ...]
    representative: str | None
    phone: str | None
    town: str | None
    address: str | None
    founded_on: date | None
    coop_id: str | None
    rows: int = 0
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """Are these two one cooperative? `asked` waits for the answer, `other` is who it may be. `items` is the evidence,
    the strongest first: `{field, level, title, weight}`. `kind`: `model`, `conflict` (one code, two names) or `recheck`
    (decided before, facts changed since)."""

    number: str
    kind: str
    probability: float
    rows: int
    sentence: str
    asked: Side
    other: Side
    items: tuple[dict[str, Any], ...] = field(default=())


def question_number(profile_a: str, profile_b: str) -> str:
    """A question's number, the same every night for the same two profiles."""
    pair = "".join(sorted((profile_a, profile_b)))
    return hashlib.sha256(pair.encode()).hexdigest()[:8].upper()


_OPEN = """
    select c.profile_a, c.profile_b, c.kind, c.probability, c.rows, c.evidence
    from candidate c
    where (c.kind = 'recheck' or not exists (
        select 1 from decision d where d.profile_a = c.profile_a and d.profile_b = c.profile_b and d.revoked_at is null))
    order by c.rows desc, c.probability desc, c.profile_a, c.profile_b
"""


def open_questions(connection: Connection, *, town: str | None = None, limit: int | None = None) -> list[OpenQuestion]:
    """Open questions, first the one whose answer settles most rows, then the likelier.

    Args:
        town: only questions with a side in this town.
    """
    rows = connection.execute(text(_OPEN)).all()
    keys = {k for r in rows for k in (r.profile_a, r.profile_b)}
    sides = _sides(connection, keys)
    found = []
    for r in rows:
        asked_key = r.evidence.get("asked", r.profile_a)
        asked, other = sides[asked_key], sides[r.profile_b if asked_key == r.profile_a else r.profile_a]
        if town is not None and town not in {asked.town, other.town}:
            continue
        found.append(
            OpenQuestion(
                question_number(r.profile_a, r.profile_b),
                r.kind,
                float(r.probability),
                int(r.rows),
                review_reason(r.kind, float(r.probability), other.name, r.evidence.get("owner")),
                asked,
                other,
                tuple(r.evidence.get("items", ())),
            )
        )
        if limit is not None and len(found) >= limit:
            break
    return found


def find_question(connection: Connection, number: str) -> OpenQuestion:
    """The open question of this number.

    Raises:
        ConflictError: it is not open (answered, or settled by new rows).
    """
    wanted = number.strip().upper()
    for question in open_questions(connection):
        if question.number == wanted:
            return question
    raise ConflictError(f"待判清单里没有第 {wanted} 号问题。", next_step="它可能已被回答或已无疑问；请刷新清单。")


def _sides(connection: Connection, keys: set[str]) -> dict[str, Side]:
    if not keys:
        return {}
    wanted = {"keys": sorted(keys)}
    sources: dict[str, list[Source]] = defaultdict(list)
    counts: dict[str, int] = {}
    for r in connection.execute(
        text(
            """
            select * from (
                select s.profile_key, s.feed, d.name, s.sheet, s."row", d.as_of, count(*) over w as n,
                       row_number() over (w order by d.as_of desc, d.delivery_id desc, s.row_id) as place
                from source_row s join delivery d using (delivery_id)
                where s.profile_key = any(:keys) and s.disposition in ('accepted', 'duplicate') and d.state = 'accepted'
                window w as (partition by s.profile_key)) x
            where place <= :shown order by profile_key, place
            """
        ),
        wanted | {"shown": SOURCES_SHOWN},
    ):
        sources[r.profile_key].append(Source(r.feed, r.name, r.sheet, r.row, r.as_of))
        counts[r.profile_key] = r.n
    return {
        r.profile_key: Side(
            r.profile_key,
            r.name,
            r.former_name,
            tuple(codes_shown(r.codes)),
            r.representative,
            r.phone,
            r.town,
            r.address,
            r.founded_on,
            r.coop_id,
            counts.get(r.profile_key, 0),
            tuple(sources[r.profile_key]),
        )
        for r in connection.execute(
            text(
                "select p.*, l.coop_id from profile p left join link l using (profile_key) where profile_key = any(:keys)"
            ),
            wanted,
        )
    }
