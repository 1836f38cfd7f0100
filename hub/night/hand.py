"""Files handed in by a person: on the command line, or uploaded in the portal. Archived and registered at once; the next
night (or `coop-hub sync`) reads, checks and accepts them like any other delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from hub.deployment import Deployment
from hub.errors import ConfigurationError, FormatError, Where
from hub.feeds import get_feed
from hub.intake.archive import store_file
from hub.intake.deliveries import register_delivery
from hub.night.context import business_date
from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class HandedIn:
    """One file taken. `new` is false when this feed already had the same content."""

    delivery_id: int
    name: str
    new: bool


def check_file(settings: Settings, deployment: Deployment, feed: str, path: Path, *, name: str | None = None) -> None:
    """Whether a file could be taken for a feed; nothing is. For callers with several files: all of them are looked at before the
    first is taken.

    Raises:
        ConfigurationError: the feed does not exist here, or the file does not.
        FormatError: the file is empty or larger than the settings allow.
    """
    title = get_feed(feed).title.zh
    if feed not in deployment.feed_by_name:
        raise ConfigurationError(
            f"本县没有启用“{title}”。",
            next_step=f"在 feeds.yaml 里启用，或改用：{'、'.join(sorted(deployment.feed_by_name))}。",
        )
    where = Where(feed=title, file=name or path.name)
    if not path.is_file():
        raise ConfigurationError("文件不存在。", next_step="检查路径后重试。", where=where)
    size = path.stat().st_size
    if size == 0:
        raise FormatError("文件是空的。", next_step="请重新导出后再交。", where=where)
    if size > settings.max_file_mb << 20:
        raise FormatError(
            f"文件有 {size >> 20} MiB，超过上限 {settings.max_file_mb} MiB。", next_step="请拆分后再交。", where=where
        )


def hand_in(
    engine: Engine,
    settings: Settings,
    deployment: Deployment,
    feed: str,
    path: Path,
    *,
    name: str | None = None,
    department: str | None = None,
) -> HandedIn:
    """Takes one file for a feed.

    Args:
        name: what the sender called it, when `path` is a temporary file.
        department: who hands it in; the feed's declared sender by default.

    Raises:
        ConfigurationError: the feed does not exist here, or the file does not.
        FormatError: the file is empty or larger than the settings allow.
    """
    shown = name or path.name
    check_file(settings, deployment, feed, path, name=shown)
    file = store_file(path, settings.data)
    with engine.begin() as connection:
        delivery_id, new = register_delivery(
            connection,
            feed=feed,
            department=department or deployment.sender_of(feed),
            name=shown,
            file=file,
            coverage=deployment.coverage_of(feed),
            business_date=business_date(settings),
            run_id=None,
            modified_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        )
    return HandedIn(delivery_id, shown, new)
