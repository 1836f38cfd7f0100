"""Which deliveries are editions of one list: the series a delivery belongs to, and the edition before it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import PurePath
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from hub.feeds import feed_catalogue
from hub.intake.deliveries import Delivery
from hub.store.tables.intake import delivery

# What changes from month to month in the name of the same list: dates, counters, "final", copies.
_PASSING = re.compile(
    r"截至|截止|更新|最终版?|终稿|定稿|修改稿?|副本|新版|上半年|下半年|第?[一二三四1-4]季度|[〇零一二三四五六七八九十]+(?=[年月日])|final|copy|v(?=\d)",
    re.IGNORECASE,
)
_NOT_WORDS = re.compile(r"[\W\d_]+|(?<![一-鿿])[年月日]|[年月日](?=[\W\d_]|$)")


def file_stem(name: str) -> str:
    """What stays of a file's name from month to month: "…异常名录20261031(1).xls" and "2026年9月…异常名录.xls" are one list."""
    stem = PurePath(name).stem
    stem = re.sub(r"\d+\s*[年月日]", " ", stem)
    return _NOT_WORDS.sub("", _PASSING.sub(" ", stem)).lower()


def series_of(feed: str, department: str, name: str, town: str | None) -> tuple[str, str, str]:
    """Deliveries of one series replace one another: same feed, same sender, same town or same kind of file."""
    if town and feed_catalogue()[feed].per_town:
        return feed, department, town
    return feed, department, file_stem(name)


class Edition(NamedTuple):
    """An accepted delivery of a series: how many rows it has, and the day it speaks of."""

    delivery_id: int
    rows: int
    as_of: date


def edition_before(
    connection: Connection, *, delivery_id: int, feed: str, department: str, name: str, town: str | None
) -> Edition | None:
    """The newest accepted delivery of the same series, this one left out. None for the first."""
    wanted = series_of(feed, department, name, town)
    candidates = connection.execute(
        select(delivery.c.delivery_id, delivery.c.name, delivery.c.town, delivery.c.rows_in, delivery.c.as_of)
        .where(
            delivery.c.feed == feed,
            delivery.c.department == department,
            delivery.c.state == "accepted",
            delivery.c.supersedes.is_(None),
            delivery.c.delivery_id != delivery_id,
        )
        .order_by(delivery.c.as_of.desc(), delivery.c.accepted_at.desc())
    )
    for one in candidates:
        if series_of(feed, department, one.name, one.town) == wanted:
            return Edition(int(one.delivery_id), int(one.rows_in), one.as_of)
    return None


def edition_to_replace(engine: Engine, one: Delivery, town: str | None) -> Edition | None:
    """The edition a delivery would replace. The town is known only once the file has been read."""
    with engine.connect() as connection:
        return edition_before(
            connection,
            delivery_id=one.delivery_id,
            feed=one.feed,
            department=one.department,
            name=one.name,
            town=town,
        )
