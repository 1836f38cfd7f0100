"""`read_file`: a path in, a `Reading` out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from hub.errors import HubError
from hub.feeds.model import Feed
from hub.intake.columns import guess_feed, match_columns
from hub.intake.reader import words
from hub.intake.reader.assemble import sheet_readings
from hub.intake.reader.headers import header_key
from hub.intake.reader.model import Reading, refuse
from hub.intake.reader.parse import parse
from hub.intake.reader.several import split_several
from hub.settings import Settings


@cache
def known_headers() -> frozenset[str]:
    """Header keys of every feed's fields and of government tables in general."""
    from hub.feeds import feed_catalogue

    terms = {header_key(t) for f in feed_catalogue().values() for x in f.fields for t in (x.title.zh, *x.synonyms)}
    return frozenset(terms | {header_key(w) for w in words.HEADER_WORDS})


def read_file(
    path: Path,
    *,
    feed: Feed | None = None,
    mapping: Mapping[str, str | None] | None = None,
    hidden: str = "read",
    settings: Settings | None = None,  # noqa: ARG001
) -> Reading:
    """Reads a file of any kind.

    Args:
        path: the file.
        feed: what it should be; without it, the columns' fields are guessed when one feed clearly fits.
        mapping: headers confirmed for this sender: header -> field, or None for "of no interest".
        hidden: "read" hidden rows and sheets like all others, or "report" them only.
        settings: limits of the child process; the environment's when left out.

    Returns:
        A `Reading`; an unreadable file has `error` and `refusal` set, and no sheets. Nothing is raised.
    """
    reading = Reading(path.name)
    try:
        data = path.read_bytes()
        parsed = parse(data)
        reading.format, reading.encoding, reading.encrypted = parsed.format, parsed.encoding, parsed.encrypted
        reading.remarks = parsed.remarks
        for grid in parsed.grids:
            reading.sheets += sheet_readings(grid, known_headers(), hidden=hidden)
        if not any(s.data_rows or s.header_rows for s in reading.sheets):
            raise refuse("文件里没有表格。", "请发送方确认报送的是数据表，检查后重新报送。")
    except OSError as error:
        reading.error = refuse("读不到文件。", "检查文件是否存在、有无读取权限。", type(error).__name__)
    except HubError as error:
        reading.error = error
    if reading.error is not None:
        reading.error = reading.error.at(file=path.name, feed=feed.feed if feed else None)
    name_fields(reading, feed, mapping)
    return reading


def name_fields(reading: Reading, feed: Feed | None, mapping: Mapping[str, str | None] | None) -> None:
    """Gives the columns of every sheet their fields, by the feed or by the one that clearly fits."""
    from hub.feeds import feed_catalogue

    reading.feed = feed.feed if feed else None
    for sheet in reading.sheets:
        chosen = feed or guess_feed(sheet.columns, feed_catalogue().values())
        if chosen is not None:
            sheet.columns = list(match_columns(sheet.columns, chosen, mapping).columns)
        if feed is not None:
            split_several(sheet, feed)
