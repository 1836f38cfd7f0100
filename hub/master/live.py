"""Which deliveries speak, on two axes: what the hub knew (a version), and what was true (a day).

A full list is replaced by the next of its series; increments and problem-only lists add up for ever. A correction (it
`supersedes` a delivery) belongs to the delivery it corrects. Offices rename their files: a newer list under another name
that says at least half of what an older one says replaces it too; parts of one list (a file a level) share nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, and_, or_, select, text

from hub.feeds import Coverage, feed_catalogue
from hub.intake.series import series_of
from hub.store.tables.intake import delivery
from hub.store.tables.master import master_delivery


@dataclass(frozen=True, slots=True)
class Source:
    """A delivery as the projection sees it. `root` is the delivery it corrects (itself, if none); `live` says whether its
    rows are true on the day asked for."""

    delivery_id: int
    feed: str
    department: str
    name: str
    as_of: date
    coverage: Coverage
    town: str | None
    supersedes: int | None
    accepted_at: datetime | None = None
    root: int = 0
    live: bool = True

    @property
    def series(self) -> tuple[str, str, str]:
        """Deliveries of one series replace one another: same feed, same sender, same town or same kind of file."""
        return series_of(self.feed, self.department, self.name, self.town)

    @property
    def rank(self) -> tuple[date, float, int]:
        """Which of two speaks last: the one of the later day; of one day, the one taken in later. Nights take deliveries in by name and
        content, so the order in which files of one night came (which numbers them) decides nothing."""
        return self.as_of, self.accepted_at.timestamp() if self.accepted_at else 0.0, self.delivery_id


def known_deliveries(connection: Connection, version: int | None) -> list[Source]:
    """The accepted deliveries, as of a version of the master, or now (`None`). `live` is not yet decided."""
    query = select(
        delivery.c.delivery_id,
        delivery.c.feed,
        delivery.c.department,
        delivery.c.name,
        delivery.c.as_of,
        delivery.c.coverage,
        delivery.c.town,
        delivery.c.supersedes,
        delivery.c.accepted_at,
    )
    if version is None:
        query = query.where(delivery.c.state == "accepted")
    else:
        query = query.join(master_delivery, master_delivery.c.delivery_id == delivery.c.delivery_id).where(
            and_(
                master_delivery.c.from_version <= version,
                or_(master_delivery.c.to_version.is_(None), master_delivery.c.to_version > version),
            )
        )
    found = {
        r.delivery_id: Source(
            r.delivery_id,
            r.feed,
            r.department,
            r.name,
            r.as_of,
            Coverage(r.coverage),
            r.town,
            r.supersedes,
            r.accepted_at,
        )
        for r in connection.execute(query.order_by(delivery.c.delivery_id))
        if r.feed in feed_catalogue()
    }
    return [replace(s, root=_root(s, found)) for s in found.values()]


def _root(source: Source, found: dict[int, Source]) -> int:
    seen = {source.delivery_id}
    while source.supersedes in found and source.supersedes not in seen:
        seen.add(source.supersedes)
        source = found[source.supersedes]
    return source.delivery_id


RENAMED_SHARE = 0.5
_SHARED = text(
    """select count(*) as said, count(*) filter (where exists (
           select from source_row b where b.content_key = a.content_key and b.delivery_id = :newer)) as again
       from source_row a where a.delivery_id = :older and a.disposition = 'accepted'"""
)


def _says_again(connection: Connection, newer: Source, older: Source) -> bool:
    counts = connection.execute(_SHARED, {"older": older.delivery_id, "newer": newer.delivery_id}).one()
    return bool(counts.said) and counts.again >= RENAMED_SHARE * counts.said


def _standing_lists(connection: Connection, sources: Iterable[Source], as_of: date | None) -> set[int]:
    """The full lists that stand on `as_of`: played through in the order of their days, so that a list once replaced stays so."""
    heads: dict[tuple[str, str], dict[str, Source]] = {}
    lists = [
        s
        for s in sources
        if s.root == s.delivery_id and s.coverage is Coverage.FULL and not (as_of and s.as_of > as_of)
    ]
    for s in sorted(lists, key=lambda s: s.rank):
        feed, department, part = s.series
        mine = heads.setdefault((feed, department), {})
        if not (s.town and feed_catalogue()[feed].per_town):
            for other in [p for p, head in mine.items() if p != part and _says_again(connection, s, head)]:
                del mine[other]
        mine[part] = s
    return {s.delivery_id for mine in heads.values() for s in mine.values()}


def mark_live(connection: Connection, sources: Iterable[Source], as_of: date | None) -> list[Source]:
    """Decides `live`, on `as_of` or, without a day, of all that is known. A day hides the deliveries that speak of later."""
    sources = list(sources)
    by_id = {s.delivery_id: s for s in sources}
    standing = _standing_lists(connection, sources, as_of)

    def speaks(s: Source) -> bool:
        root = by_id[s.root]
        if as_of and root.as_of > as_of:
            return False
        return root.coverage is not Coverage.FULL or root.delivery_id in standing

    return [replace(s, live=speaks(s)) for s in sources]


def complete_feeds(sources: Iterable[Source], day: date, current_for_days: int) -> set[tuple[str, str | None]]:
    """(feed, town) pairs whose live full list is recent enough that "not in it" means "no"; town None: the whole county."""
    oldest = day - timedelta(days=current_for_days)
    return {
        (s.feed, s.town if feed_catalogue()[s.feed].per_town else None)
        for s in sources
        if s.live and s.root == s.delivery_id and s.coverage is Coverage.FULL and s.as_of >= oldest
    }
