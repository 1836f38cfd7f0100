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
    (decided before, facts changed since). `others` are the next candidates with their probabilities."""

    number: str
    kind: str
    probability: float
    rows: int
    sentence: str
    asked: Side
    other: Side
    items: tuple[dict[str, Any], ...] = field(default=())
    others: tuple[tuple[Side, float], ...] = field(default=())


def question_number(profile_a: str, profile_b: str) -> str:
    """A question's number, the same every night for the same two profiles."""
    pair = "".join(sorted((profile_a, profile_b)))
    return hashlib.sha256(pair.encode()).hexdigest()[:8].upper()


_ORDER = "order by c.rows desc, c.probability desc, c.profile_a, c.profile_b"
# The number as `question_number` computes it, so that one question is found without reading all.
_NUMBER = "upper(left(encode(sha256(convert_to(c.profile_a || c.profile_b, 'UTF8')), 'hex'), 8))"
_OPEN = f"""
    from candidate c join profile a on a.profile_key = c.profile_a join profile b on b.profile_key = c.profile_b
    where (c.kind = 'recheck' or not exists (
        select 1 from decision d where d.profile_a = c.profile_a and d.profile_b = c.profile_b and d.revoked_at is null))
      and (cast(:town as text) is null or :town in (a.town, b.town))
      and (cast(:kind as text) is null or c.kind = :kind)
      and (cast(:number as text) is null or {_NUMBER} = :number)
"""


def count_open(connection: Connection, *, town: str | None = None, kind: str | None = None) -> int:
    """How many questions are open."""
    wanted = {"town": town, "kind": kind, "number": None}
    return int(connection.execute(text(f"select count(*) {_OPEN}"), wanted).scalar_one())


def open_questions(
    connection: Connection,
    *,
    town: str | None = None,
    kind: str | None = None,
    number: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[OpenQuestion]:
    """Open questions, first the one whose answer settles most rows, then the likelier.

    Args:
        town: only questions with a side in this town.
        kind: only `model`, `conflict` or `recheck`.
        number: only the one of this number.
    """
    rows = connection.execute(
        text(
            f"select c.profile_a, c.profile_b, c.kind, c.probability, c.rows, c.evidence {_OPEN} "
            f"{_ORDER} limit :limit offset :offset"
        ),
        {"town": town, "kind": kind, "number": number, "limit": limit, "offset": offset},
    ).all()
    others = {o["profile_key"] for r in rows for o in r.evidence.get("others", ())}
    sides = _sides(connection, {k for r in rows for k in (r.profile_a, r.profile_b)} | others)
    return [_question(r, sides) for r in rows]


def next_number(connection: Connection, after: str) -> str | None:
    """The number of the open question after this one; the first when this one is the last or not open."""
    rows = connection.execute(
        text(
            f"select number, following, first from (select {_NUMBER} as number, lead({_NUMBER}) over w as following, "
            f"first_value({_NUMBER}) over w as first {_OPEN} window w as ({_ORDER})) q where number = :after"
        ),
        {"town": None, "kind": None, "number": None, "after": after},
    ).one_or_none()
    if rows is not None:
        found = rows.following or rows.first
        return str(found) if found != after else None
    first = open_questions(connection, limit=1)
    return first[0].number if first else None


def _question(row: Any, sides: dict[str, Side]) -> OpenQuestion:
    asked_key = row.evidence.get("asked", row.profile_a)
    asked, other = sides[asked_key], sides[row.profile_b if asked_key == row.profile_a else row.profile_a]
    return OpenQuestion(
        question_number(row.profile_a, row.profile_b),
        row.kind,
        float(row.probability),
        int(row.rows),
        review_reason(row.kind, float(row.probability), other.name, row.evidence.get("owner")),
        asked,
        other,
        tuple(row.evidence.get("items", ())),
        tuple(
            (sides[o["profile_key"]], float(o["probability"]))
            for o in row.evidence.get("others", ())
            if o["profile_key"] in sides
        ),
    )


def find_question(connection: Connection, number: str) -> OpenQuestion:
    """The open question of this number.

    Raises:
        ConflictError: it is not open (answered, or settled by new rows).
    """
    wanted = number.strip().upper()
    if found := open_questions(connection, number=wanted, limit=1):
        return found[0]
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
