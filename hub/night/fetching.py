"""Fetching: what each feed's connector has is archived and registered. What cannot be reached costs that feed, tonight: it is told
in an alert, and the night goes on with the others.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text

from expectations import warm_up
from hub.alerts import fix_alert, raise_alert
from hub.errors import AuthenticationError, HostKeyError, HubError
from hub.feeds import feed_catalogue
from hub.intake.archive import store_file
from hub.intake.deliveries import register_delivery
from hub.night.context import Night
from hub.store.tables.alerts import alert
from hub.store.tables.intake import connector_state

log = logging.getLogger(__name__)


@dataclass
class FetchOutcome:
    """What one feed's connector brought."""

    feed: str
    new: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    problem: str | None = None


def fetch_deliveries(night: Night, feeds: Sequence[str]) -> dict[str, FetchOutcome]:
    """Fetches, archives and registers what each feed's connector has; the connector's state moves with the registration."""
    # an inbox holds what happens to be there; only a declared connector can be missing
    wanted = [f for f in feeds if night.inbox is None or (night.inbox / f).is_dir()]
    outcomes = {feed: FetchOutcome(feed) for feed in feeds}
    with night.step("fetch") as note:
        threading.Thread(
            target=warm_up, name="warm-up", daemon=True
        ).start()  # the checks' library takes seconds to load
        # waiting on networks and on files that must stand still, not computing: feeds are fetched side by side
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda feed: _fetch_or_report(night, feed, outcomes[feed]), wanted))
        if night.inbox is not None:
            _report_unknown_folders(night)
        note["files"] = sum(len(o.new) for o in outcomes.values())
    night.note("fetch", {o.feed: asdict(o) for o in outcomes.values()})
    return outcomes


def _fetch_or_report(night: Night, feed: str, outcome: FetchOutcome) -> None:
    title = feed_catalogue()[feed].title.zh
    stranger: HostKeyError | None = None
    try:
        _fetch_feed(night, feed, outcome)
    except HubError as error:
        error.at(feed=title)
        outcome.problem = str(error)
        stranger = error if isinstance(error, HostKeyError) else None
        log.warning("feed %s: %s (%s)", feed, type(error).__name__, error.detail)
    details = {"feed": feed, "department": night.deployment.sender_of(feed), "run_id": night.run_id}
    with night.engine.begin() as connection:
        if stranger is not None:  # not the other side's trouble but perhaps an attack: an alert of its own
            subject = f"{title}：对方服务器的密钥与登记的不符"
            raise_alert(connection, "host_key_changed", feed, subject, str(stranger), details)
        elif outcome.problem:
            raise_alert(connection, "connector_failed", feed, f"{title}：取数失败", outcome.problem, details)
        else:
            fix_alert(connection, "connector_failed", feed)
            fix_alert(connection, "host_key_changed", feed)


def _fetch_feed(night: Night, feed: str, outcome: FetchOutcome) -> None:
    from connectors import open_connector

    declaration = night.connector_of(feed)
    landing = night.settings.data / "landing" / feed
    landing.mkdir(parents=True, exist_ok=True)
    with (
        open_connector(declaration.kind, declaration.options, feed=feed, folder=night.settings.data) as connector,
        tempfile.TemporaryDirectory(dir=landing) as folder,
    ):
        with night.engine.connect() as connection:
            state = connection.scalar(select(connector_state.c.state).where(connector_state.c.feed == feed)) or {}
        listing = connector.list(state)
        state = dict(listing.state)
        outcome.waiting = [f"{w.name}：{w.reason}" for w in listing.waiting]
        outcome.passed_over = [f"{p.name}：{p.reason}" for p in listing.passed_over if p.attention]
        taken = []
        for number, item in enumerate(listing.items):
            try:
                fetched = connector.fetch(item, Path(folder) / f"{number}")
                file = None if fetched.empty else store_file(fetched.path, night.settings.data)
            except (HostKeyError, AuthenticationError):  # the next file would knock at the same door again
                raise
            except HubError as error:  # costs this file, not the feed's others
                outcome.problem = str(error.at(file=item.name))
                log.warning("feed %s: %s (%s)", feed, type(error).__name__, error.detail)
                continue
            if file is None:
                continue
            with night.engine.begin() as connection:
                _, new = register_delivery(
                    connection,
                    feed=feed,
                    department=night.deployment.sender_of(feed),
                    name=item.name,
                    file=file,
                    coverage=night.coverage_of(feed),
                    business_date=night.business_date,
                    run_id=night.run_id,
                    modified_at=item.modified_at,
                )
                state = dict(connector.advance(state, fetched))
                _save_connector_state(connection, feed, state)
            fetched.path.unlink(missing_ok=True)
            taken.append(item)
            (outcome.new if new else outcome.unchanged).append(item.name)
        with night.engine.begin() as connection:
            _save_connector_state(connection, feed, state)
        connector.acknowledge(taken)


def _save_connector_state(connection: Connection, feed: str, state: dict[str, Any]) -> None:
    from sqlalchemy.dialects.postgresql import insert

    statement = insert(connector_state).values(feed=feed, state=state, checked_at=text("now()"))
    connection.execute(
        statement.on_conflict_do_update(index_elements=["feed"], set_={"state": state, "checked_at": text("now()")})
    )


def _report_unknown_folders(night: Night) -> None:
    assert night.inbox is not None  # noqa: S101 -- narrows the type for the caller's branch
    known = {f.feed for f in night.deployment.feeds}
    unknown = sorted(
        p.name for p in night.inbox.iterdir() if p.is_dir() and p.name not in known and not p.name.startswith(".")
    )
    with night.engine.begin() as connection:
        told = connection.scalars(
            select(alert.c.key).where(alert.c.kind == "unknown_feed_folder", alert.c.fixed_at.is_(None))
        )
        for name in set(told) - set(unknown):
            fix_alert(connection, "unknown_feed_folder", name)
        for name in unknown:
            raise_alert(
                connection, "unknown_feed_folder", name, f"收件目录“{name}”不对应任何已启用的数据目录项",
                f"目录“{name}”里的文件没有读取。下一步：把目录改名为下列之一，或在 feeds.yaml 里启用它：{'、'.join(sorted(known))}。",
            )  # fmt: skip
    night.note("unknown_folders", unknown)
