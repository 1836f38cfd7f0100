"""`read_file`: a path in, a `Reading` out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from hub.errors import HubError
from hub.feeds.model import Feed
from hub.intake.columns import guess_feed, match_columns
from hub.intake.reader import words
from hub.intake.reader.grid import Grid
from hub.intake.reader.headers import header_key
from hub.intake.reader.model import Reading, refuse
from hub.intake.reader.pool import read_limited, refusal_in, warm_up
from hub.intake.reader.several import split_several
from hub.intake.reader.wire import unpack_grids, unpack_sheets
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
    settings: Settings | None = None,
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
    from hub.settings import load_settings

    limits = settings or load_settings()
    reading = Reading(path.name)
    try:
        if path.stat().st_size > limits.max_file_mb << 20:
            raise refuse(
                f"文件超过 {limits.max_file_mb} MB。", "请发送方拆分后报送，或由管理员调大 COOP_HUB_MAX_FILE_MB。"
            )
        with tempfile.TemporaryDirectory(prefix="coop-hub-") as out:
            answer = read_limited(
                path,
                Path(out),
                hidden=hidden,
                memory_mb=limits.reader_memory_mb,
                seconds=limits.reader_seconds,
                known=sorted(known_headers()),
            )
            reading.sheets = unpack_sheets(answer.get("sheets", []), Path(out))
        reading.error = refusal_in(answer)
        reading.format, reading.encoding = answer.get("format"), answer.get("encoding")
        reading.encrypted, reading.remarks = answer.get("encrypted", False), answer.get("remarks", [])
    except OSError as error:
        reading.error = refuse("读不到文件。", "检查文件是否存在、有无读取权限。", type(error).__name__)
    except HubError as error:
        reading.error = error
    if reading.error is not None:
        reading.error = reading.error.at(file=path.name, feed=feed.feed if feed else None)
    name_fields(reading, feed, mapping)
    return reading


def read_grids(path: Path, *, settings: Settings | None = None) -> list[Grid]:
    """The sheets of a file as they stand in it: every row and cell as text, titles and notes included.

    Raises:
        FormatError: the file cannot be read.
        OSError: it is not there, or may not be opened.
    """
    from hub.settings import load_settings

    limits = settings or load_settings()
    with tempfile.TemporaryDirectory(prefix="coop-hub-") as out:
        answer = read_limited(
            path,
            Path(out),
            hidden="read",
            memory_mb=limits.reader_memory_mb,
            seconds=limits.reader_seconds,
            known=sorted(known_headers()),
            whole=True,
        )
        refusal = refusal_in(answer)
        if refusal is not None:
            raise refusal
        return unpack_grids(Path(out))


def warm_reader(settings: Settings) -> None:
    """Starts the child process that reads files without waiting for it: its imports run while the caller does other
    things. Harmless when one runs already."""
    warm_up(settings.reader_memory_mb, sorted(known_headers()))


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
