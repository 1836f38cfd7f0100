"""Publishing: for every agreement in force, the rows it lets out, every night; and one extract for a past day, on request.
Safe to kill and run again. How one extract is made is `publisher`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, Engine, select, text

from hub.deployment import Department, Deployment
from hub.errors import ConfigurationError, ConflictError, PermissionRefusedError
from hub.settings import Settings
from hub.sharing.agreement_watch import watch_agreements
from hub.sharing.agreements import Agreement, load_agreements, recipients_of
from hub.sharing.approvals import STANDING_TITLES, agreement_states
from hub.sharing.corrections import overdue, settle_corrected
from hub.sharing.publisher import ExtractSummary, Publisher, State
from hub.sharing.selection import Selector, datasets_needed, workspace
from hub.sharing.sources import DatasetSource, MasterDatasets
from hub.sharing.working_days import watch_calendar
from hub.store.tables.master import master_version

_LOCK = 0x_C00B_0003  # advisory lock: two publishing runs at once would write the same files


def newest_master(connection: Connection, known_at: date | None = None) -> tuple[int, date] | None:
    """Number and date of the newest master version (by the end of the night `known_at`), or None if there is none."""
    query = select(master_version.c.version, master_version.c.business_date)
    if known_at is not None:
        query = query.where(master_version.c.business_date <= known_at)
    row = connection.execute(query.order_by(master_version.c.version.desc()).limit(1)).first()
    return (int(row.version), row.business_date) if row else None


@contextmanager
def _only_one(engine: Engine) -> Iterator[None]:
    """Holds the publishing lock on a connection of its own.

    Raises:
        ConflictError: another process publishes right now.
    """
    with engine.connect() as connection:
        if not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": _LOCK}):
            raise ConflictError("另一个进程正在发布摘录。", next_step="等它结束后重试。")
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK})


def publish(
    engine: Engine,
    deployment: Deployment,
    settings: Settings,
    run_id: int | None,
    *,
    source: DatasetSource | None = None,
    today: date | None = None,
) -> list[ExtractSummary]:
    """Publishes every extract that agreements in force on `today` (default: the master version's date) allow, from the
    newest master version. No agreement, no extract. Returns one summary per agreement and recipient, in that order.

    Raises:
        ConfigurationError: an agreement is wrong; nothing is published then.
        ConflictError: another process is publishing.
    """
    source = source or MasterDatasets()
    datasets = dict(source.datasets())
    agreements = load_agreements(deployment, datasets)
    with _only_one(engine), engine.connect() as connection:
        newest = newest_master(connection)
        if newest is None:
            return []
        state = State(*newest)
        with engine.begin() as recording:
            day = today or state.business_date
            states = agreement_states(recording, agreements, day)
            watch_agreements(recording, states.values(), day)
            watch_calendar(recording, deployment, day)
            overdue(recording, today=day)
        scratch = settings.data / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        _clear_after_a_kill(settings, state.business_date)
        folder = Path(tempfile.mkdtemp(prefix="publish-", dir=scratch))
        try:
            in_force = [s.agreement for s in states.values() if s.in_force]
            with workspace(folder) as duck:
                reader = Selector(
                    duck, deployment, datasets, lambda n: source.read(connection, n), state.business_date, folder
                )
                for name, rows in source.stream(connection, datasets_needed(in_force, deployment, datasets)):
                    reader.keep(name, rows)
                with engine.begin() as recording:
                    settle_corrected(recording, reader.table, today=day)
                publisher = Publisher(engine, deployment, settings, run_id, state, duck, reader, folder)
                return [
                    publisher.publish(agreement_state, recipient)
                    for agreement_state in states.values()
                    if agreement_state.in_force
                    for recipient in recipients_of(agreement_state.agreement, deployment)
                ]
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def publish_past(
    engine: Engine,
    deployment: Deployment,
    settings: Settings,
    agreement: str,
    department: str | None = None,
    *,
    as_of: date | None = None,
    known_at: date | None = None,
    person: str,
    today: date,
    source: DatasetSource | None = None,
) -> ExtractSummary:
    """An extract of an agreement for another day than the newest night's, on request: what was true on `as_of`, as the hub
    knew it at the end of the night `known_at`. The agreement must be in force today, and its fields and masks of today
    hold. It is registered and in the ledger like any other, but never the newest of its agreement, and no change list is
    made from it. Asked for twice, the first one is given again.

    Args:
        department: the recipient, where the agreement has several.
        person: who asks.
        source: tests hand in rows of their own, already of that moment.

    Raises:
        PermissionRefusedError: the agreement is not in force, or the department is not its recipient.
        ConfigurationError: no such agreement, or nothing was published by then.
        ConflictError: another process is publishing.
    """
    agreements = load_agreements(deployment, None if source is None else dict(source.datasets()))
    if agreement not in agreements:
        raise ConfigurationError(
            f"没有编号为“{agreement}”的协议。", next_step="用 coop-hub agreements list 查看协议的编号。"
        )
    recipient = _recipient(agreements[agreement], deployment, department)
    with _only_one(engine), engine.connect() as connection:
        known = newest_master(connection, known_at)
        if known is None:
            raise ConfigurationError(
                f"到 {known_at} 为止还没有发布过总表。" if known_at else "还没有发布过总表。",
                next_step="换一个更晚的日期，或先运行一次夜间同步。",
            )
        version, night = known
        day = min(as_of, night) if as_of else night
        source = source or MasterDatasets(as_of=day if day < night else None, known_at=version)
        datasets = dict(source.datasets())
        with engine.begin() as recording:
            state = agreement_states(recording, {agreement: agreements[agreement]}, today)[agreement]
        if not state.in_force:
            raise PermissionRefusedError(
                f"协议“{state.agreement.title}”{STANDING_TITLES[state.standing]}，不能提取。",
                next_step="协议批准或续期后再提取。",
            )
        scratch = settings.data / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="publish-", dir=scratch))
        try:
            with workspace(folder) as duck:
                reader = Selector(duck, deployment, datasets, lambda n: source.read(connection, n), day, folder)
                for name, rows in source.stream(connection, datasets_needed([state.agreement], deployment, datasets)):
                    reader.keep(name, rows)
                past = State(version, day, past=True, person=person)
                return Publisher(engine, deployment, settings, None, past, duck, reader, folder).publish(
                    state, recipient
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _recipient(agreement: Agreement, deployment: Deployment, department: str | None) -> Department:
    receiving = {d.id: d for d in recipients_of(agreement, deployment)}
    if department is None and len(receiving) == 1:
        return next(iter(receiving.values()))
    if department not in receiving:
        raise PermissionRefusedError(
            f"“{agreement.title}”的接收部门里没有“{department or '（未写明）'}”。",
            next_step=f"用 --department 写明，可选：{'、'.join(receiving)}。",
        )
    return receiving[department]


def _clear_after_a_kill(settings: Settings, business_date: date) -> None:
    """Removes what a killed run left: nobody else publishes now, so unfinished files are nobody's."""
    for folder in (settings.data / "scratch").glob("publish-*"):
        shutil.rmtree(folder, ignore_errors=True)
    for temporary in (settings.data / "extracts").glob(f"*/{business_date.isoformat()}/.*.tmp*"):
        temporary.unlink(missing_ok=True)
