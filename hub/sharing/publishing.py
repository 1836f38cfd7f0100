"""Publishing: for every agreement in force, the rows it lets out, as files and as lines of record. Safe to kill and run again.

Files are written under other names, synced and renamed; only then one transaction registers the extract, its
cooperatives and the ledger's line. A run killed before that leaves files nobody refers to, and the next run writes the
same bytes over them. An extract whose rows are those of the one before is not published again: it is confirmed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, insert, select, text, update

from hub.deployment import Department, Deployment
from hub.errors import ConflictError
from hub.feeds import Kind
from hub.settings import Settings
from hub.sharing import ledger
from hub.sharing.access import parquet_of
from hub.sharing.agreement_watch import watch_agreements
from hub.sharing.agreements import load_agreements, recipients_of
from hub.sharing.approvals import AgreementState, agreement_states
from hub.sharing.changes import Changes, compare
from hub.sharing.columns import ExtractColumn, Form
from hub.sharing.contents import record_cooperatives
from hub.sharing.corrections import overdue, settle_corrected
from hub.sharing.delivery import queue_push
from hub.sharing.digests import digest_file
from hub.sharing.disputes import flagged_disputes
from hub.sharing.flat_files import digest_rows, write_csv, write_parquet
from hub.sharing.keys import derive_key
from hub.sharing.notices import tell_published
from hub.sharing.selection import Selector, workspace
from hub.sharing.sources import DatasetSource, MasterDatasets
from hub.sharing.sql import name, one_row
from hub.sharing.workbook import Cover, write_workbook
from hub.store.tables.master import master_version
from hub.store.tables.sharing import extract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LOCK = 0x_C00B_0003  # advisory lock: two publishing runs at once would write the same files
_SUMMED = (Kind.MONEY, Kind.INTEGER, Kind.NUMBER)


@dataclass(frozen=True, slots=True)
class ExtractSummary:
    """One extract of this run. `files` are absolute; `published` is false when the rows are those of the extract
    before, which then stands confirmed."""

    extract_id: int
    department: str
    agreement: str
    title: str
    rows: int
    files: tuple[Path, ...]
    changes: Changes
    published: bool


@dataclass(frozen=True, slots=True)
class _State:
    """The published state everything in one run is made from."""

    version: int
    business_date: date


def newest_master(connection: Connection) -> tuple[int, date] | None:
    """Number and date of the newest master version, or None before the first night."""
    row = connection.execute(
        select(master_version.c.version, master_version.c.business_date)
        .order_by(master_version.c.version.desc())
        .limit(1)
    ).first()
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
        state = _State(*newest)
        with engine.begin() as recording:
            day = today or state.business_date
            states = agreement_states(recording, agreements, day)
            watch_agreements(recording, states.values(), day)
            overdue(recording, today=day)
        scratch = settings.data / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        _clear_after_a_kill(settings, state.business_date)
        folder = Path(tempfile.mkdtemp(prefix="publish-", dir=scratch))
        try:
            with workspace(folder) as duck:
                reader = Selector(duck, deployment, datasets, lambda n: source.read(connection, n), state.business_date)
                with engine.begin() as recording:
                    settle_corrected(recording, reader.table, today=day)
                publisher = _Publisher(engine, deployment, settings, run_id, state, duck, reader, folder)
                return [
                    publisher.publish(agreement_state, recipient)
                    for agreement_state in states.values()
                    if agreement_state.in_force
                    for recipient in recipients_of(agreement_state.agreement, deployment)
                ]
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class _Publisher:
    """One run's publishing: what stays the same from extract to extract."""

    def __init__(  # noqa: PLR0917 -- made in one place
        self,
        engine: Engine,
        deployment: Deployment,
        settings: Settings,
        run_id: int | None,
        state: _State,
        duck: DuckDBPyConnection,
        selector: Selector,
        scratch: Path,
    ) -> None:
        self._engine, self._deployment, self._settings, self._run_id = engine, deployment, settings, run_id
        self._state, self._duck, self._selector, self._scratch = state, duck, selector, scratch

    def publish(self, state: AgreementState, recipient: Department) -> ExtractSummary:
        """One extract: select, compare with the one before, write, register."""
        agreement = state.agreement
        with self._engine.connect() as connection:
            before = _newest_extract(connection, agreement.id, recipient.id)
            disputes = flagged_disputes(connection, agreement.dataset)
        selection = self._selector.select(
            agreement, recipient, disputes, lambda: derive_key(self._settings, "pseudonym", recipient.id)
        )
        made = self._scratch / "rows.parquet"
        write_parquet(self._duck, selection.columns, "selected", made)
        digests = digest_rows(self._duck, selection.columns, "selected").digests()
        if before is not None and self._same(before, state.version, digests.sha256):
            return self._confirm(before)
        previous = self._settings.data / parquet_of(before.files) if before is not None else None
        if previous is not None and not previous.is_file():
            previous = None
        changes = compare(self._duck, selection.columns, "selected", previous)
        cooperatives = self._selector.cooperatives()
        totals = self._totals(selection.columns, len(cooperatives))
        title = agreement.title
        cover = Cover(
            title=title,
            agreement=agreement,
            agreement_version=state.version,
            dataset_title=self._selector.title(agreement.dataset),
            providers="、".join(self._deployment.department_by_id[p].name for p in agreement.providers),
            recipient=recipient.name,
            as_of=self._state.business_date,
            master_version=self._state.version,
            rows=selection.rows,
            totals=totals,
            sha256=digests.sha256,
            sm3=digests.sm3,
            changes=changes,
            previous=f"{before.business_date.isoformat()} 总表第 {before.master_version} 版"
            if before is not None
            else "",
        )
        files = self._write(state, recipient, selection.columns, cover, made)
        extract_id = self._register(state, recipient, selection.columns, cover, files, before, cooperatives)
        return ExtractSummary(
            extract_id,
            recipient.id,
            agreement.id,
            title,
            selection.rows,
            tuple(self._settings.data / f["path"] for f in files if f["given"]),
            changes,
            published=True,
        )

    def _same(self, before: Row[Any], version: int, rows_digest: str) -> bool:
        """Whether the extract before still says all there is to say, and its files are there."""
        there = all((self._settings.data / f["path"]).is_file() for f in before.files)
        same = before.agreement_version == version and before.rows_digest == rows_digest
        return same and there and before.recalled_at is None

    def _confirm(self, before: Row[Any]) -> ExtractSummary:
        if before.confirmed_version < self._state.version:
            with self._engine.begin() as connection:
                connection.execute(
                    update(extract)
                    .where(extract.c.extract_id == before.extract_id)
                    .values(confirmed_version=self._state.version, confirmed_on=self._state.business_date)
                )
                details = {"agreement": before.agreement, "master_version": self._state.version}
                ledger.record(connection, "confirmed", before.department, ledger.HUB, before.extract_id, details)
        return ExtractSummary(
            before.extract_id,
            before.department,
            before.agreement,
            before.title,
            before.rows,
            tuple(self._settings.data / f["path"] for f in before.files if f["given"]),
            Changes(),
            published=False,
        )

    def _totals(self, columns: Sequence[ExtractColumn], cooperatives: int) -> dict[str, int | float]:
        """Control totals: cooperatives, and the sum of every amount."""
        totals: dict[str, int | float] = {"合作社": cooperatives}
        summed = [c for c in columns if c.kind in _SUMMED and c.form in (Form.INTEGER, Form.NUMBER)]
        if summed:
            parts = [f"coalesce(sum(cast({name(c.name)} as decimal(38, 4))), 0)" for c in summed]
            sums = one_row(self._duck, f"select {', '.join(parts)} from selected")
            for c, total in zip(summed, sums, strict=True):
                totals[f"{c.title}合计"] = int(total) if c.form is Form.INTEGER else round(float(total), 2)
        return totals

    def _write(
        self,
        state: AgreementState,
        recipient: Department,
        columns: Sequence[ExtractColumn],
        cover: Cover,
        parquet: Path,
    ) -> list[dict[str, Any]]:
        """Writes all formats below `extracts/<department>/<date>/`, each complete before it gets its name."""
        agreement = state.agreement
        folder = self._settings.data / "extracts" / recipient.id / self._state.business_date.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        # the first characters of the rows' digest tell apart what one master version gave before and after a dispute
        stem = f"{agreement.id}-v{state.version}-m{self._state.version}-{cover.sha256[:8]}"
        files = []
        for form in dict.fromkeys((*agreement.formats, "parquet")):
            temporary = folder / f".{stem}.{form}.tmp"
            if form == "parquet":
                shutil.copyfile(parquet, temporary)
            elif form == "jsonl":
                digest_rows(self._duck, columns, "selected", temporary)
            elif form == "csv":
                write_csv(self._duck, columns, "selected", temporary, encoding=agreement.csv_encoding)
            else:
                write_workbook(self._duck, columns, "selected", cover, temporary)
            final = folder / f"{stem}.{form}"
            _settle(temporary, final)
            digests = digest_file(final)
            files.append(
                {
                    "format": form,
                    "path": str(final.relative_to(self._settings.data)),
                    "size": digests.size,
                    "sha256": digests.sha256,
                    "sm3": digests.sm3,
                    "given": form in agreement.formats,
                }
            )
        _sync_folder(folder)
        return files

    def _register(  # noqa: PLR0917 -- called in one place
        self,
        state: AgreementState,
        recipient: Department,
        columns: Sequence[ExtractColumn],
        cover: Cover,
        files: Sequence[Mapping[str, Any]],
        before: Row[Any] | None,
        cooperatives: Sequence[str],
    ) -> int:
        """The extract, its cooperatives and its line of the ledger, in one transaction."""
        agreement = state.agreement
        with self._engine.begin() as connection:
            extract_id = int(
                connection.scalar(
                    insert(extract)
                    .values(
                        agreement=agreement.id,
                        agreement_version=state.version,
                        department=recipient.id,
                        dataset=agreement.dataset,
                        dataset_title=cover.dataset_title,
                        master_version=self._state.version,
                        run_id=self._run_id,
                        business_date=self._state.business_date,
                        title=cover.title,
                        rows=cover.rows,
                        fields=[c.as_json() for c in columns],
                        totals=dict(cover.totals),
                        rows_digest=cover.sha256,
                        rows_sm3=cover.sm3,
                        files=list(files),
                        changes=cover.changes.as_json(),
                        previous_extract=before.extract_id if before is not None else None,
                        confirmed_version=self._state.version,
                        confirmed_on=self._state.business_date,
                    )
                    .returning(extract.c.extract_id)
                )
                or 0
            )
            record_cooperatives(connection, agreement.id, recipient.id, extract_id, cooperatives)
            details = {
                "agreement": agreement.id,
                "agreement_version": state.version,
                "agreement_digest": agreement.digest,
                "master_version": self._state.version,
                "rows": cover.rows,
                "rows_sha256": cover.sha256,
                "rows_sm3": cover.sm3,
                "fields": [c.name for c in columns],
                "files": {f["format"]: {"sha256": f["sha256"], "sm3": f["sm3"], "size": f["size"]} for f in files},
            }
            ledger.record(connection, "published", recipient.id, ledger.HUB, extract_id, details)
            queue_push(connection, agreement, recipient.id, extract_id)
            tell_published(
                connection, self._deployment, self._settings, recipient.id, extract_id=extract_id, title=cover.title
            )
        return extract_id


def _newest_extract(connection: Connection, agreement: str, department: str) -> Row[Any] | None:
    query = (
        select(extract)
        .where(extract.c.agreement == agreement, extract.c.department == department)
        .order_by(extract.c.extract_id.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def _settle(temporary: Path, final: Path) -> None:
    """Syncs a finished file and gives it its name."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(final)


def _clear_after_a_kill(settings: Settings, business_date: date) -> None:
    """Removes what a killed run left: nobody else publishes now, so unfinished files are nobody's."""
    for folder in (settings.data / "scratch").glob("publish-*"):
        shutil.rmtree(folder, ignore_errors=True)
    for temporary in (settings.data / "extracts").glob(f"*/{business_date.isoformat()}/.*.tmp*"):
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
