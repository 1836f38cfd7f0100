"""Rows waiting for their sender: how many, whose, since when. A quarantined row is open until its corrected row arrives
(`superseded_by`) or, for full lists, until a newer list of the same sender is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

_OPEN = """
with current as (
    select d.* from delivery d
    where d.state = 'accepted' and d.rows_quarantined > 0 and not exists (
        select 1 from delivery newer
        where d.coverage = 'full' and newer.coverage = 'full' and newer.state = 'accepted' and newer.feed = d.feed
          and newer.department = d.department and coalesce(newer.town, '') = coalesce(d.town, '')
          and newer.supersedes is distinct from d.delivery_id and newer.supersedes is null
          and (newer.as_of, newer.accepted_at, newer.delivery_id) > (d.as_of, d.accepted_at, d.delivery_id)
          and (d.town is not null or {same_series}))
), waiting as (
    select c.delivery_id, c.feed, c.department, c.town, c.name, s.row_id,
           cast(least(c.received_at, first.received_at) at time zone 'Asia/Shanghai' as date) as since
    from current c
    join source_row s on s.delivery_id = c.delivery_id and s.disposition = 'quarantined' and s.superseded_by is null
    left join lateral (
        select min(e.received_at) as received_at from source_row x join delivery e using (delivery_id)
        where x.content_key = s.content_key and x.disposition = 'quarantined' and e.feed = c.feed
          and e.department = c.department and cast(s.fields as text) <> '{{}}'
    ) first on true
)
select w.delivery_id, w.feed, w.department, w.town, w.name, count(distinct w.row_id) as rows, min(w.since) as since,
       (select r.message from waiting v join row_reason r using (row_id) where v.delivery_id = w.delivery_id
        group by r.message order by count(*) desc, r.message limit 1) as reason
from waiting w
group by w.delivery_id, w.feed, w.department, w.town, w.name
order by min(w.since), w.delivery_id
"""
# One sender may keep several lists of one feed (a file a level): only a list of the same name replaces a list.
_SAME_SERIES = "regexp_replace(newer.name, '[0-9]', '', 'g') = regexp_replace(d.name, '[0-9]', '', 'g')"


@dataclass(frozen=True, slots=True)
class OpenQuarantine:
    """The open rows of one delivery. `since` is the day the oldest of them was first sent, in the county; the owner is the
    department that sent it."""

    delivery_id: int
    feed: str
    department: str
    town: str | None
    name: str
    rows: int
    since: date
    age_days: int
    reason: str


@dataclass(frozen=True, slots=True)
class DepartmentQuarantine:
    """What one department has to correct, all feeds together."""

    department: str
    town: str | None
    rows: int
    deliveries: tuple[int, ...]
    oldest_days: int


def open_quarantine(connection: Connection, today: date) -> list[OpenQuarantine]:
    """Deliveries with rows that wait for their sender, the oldest first."""
    rows = connection.execute(text(_OPEN.format(same_series=_SAME_SERIES))).mappings()
    return [
        OpenQuarantine(
            delivery_id=r["delivery_id"],
            feed=r["feed"],
            department=r["department"],
            town=r["town"],
            name=r["name"],
            rows=r["rows"],
            since=r["since"],
            age_days=max((today - r["since"]).days, 0),
            reason=r["reason"] or "",
        )
        for r in rows
    ]


def quarantine_by_department(waiting: Iterable[OpenQuarantine]) -> list[DepartmentQuarantine]:
    """The same by owner, the one that waits longest first."""
    groups: dict[tuple[str, str | None], list[OpenQuarantine]] = {}
    for one in waiting:
        groups.setdefault((one.department, one.town), []).append(one)
    found = [
        DepartmentQuarantine(
            department,
            town,
            sum(o.rows for o in group),
            tuple(o.delivery_id for o in group),
            max(o.age_days for o in group),
        )
        for (department, town), group in groups.items()
    ]
    return sorted(found, key=lambda d: (-d.oldest_days, d.department, d.town or ""))
