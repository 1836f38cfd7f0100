"""One extract from selection to record: select, compare with the one before, write every format, register. What is published,
and when, is `publishing`.

Files are written under other names, synced and renamed; only then one transaction registers the extract, its
cooperatives and the ledger's line. A run killed before that leaves files nobody refers to, and the next run writes the
same bytes over them. An extract whose rows are those of the one before is not published again: it is confirmed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from hub.deployment import Department, Deployment
from hub.feeds import Kind
from hub.settings import Settings
from hub.sharing import ledger
from hub.sharing.access import parquet_of
from hub.sharing.approvals import AgreementState
from hub.sharing.changes import Changes, compare
from hub.sharing.columns import ExtractColumn, Form
from hub.sharing.contents import record_cooperatives, record_cooperatives_once
from hub.sharing.delivery import queue_push
from hub.sharing.digests import digest_file
from hub.sharing.disputes import flagged_disputes
from hub.sharing.flat_files import digest_rows, write_csv, write_parquet
from hub.sharing.keys import derive_key
from hub.sharing.notices import tell_published
from hub.sharing.selection import Selector
from hub.sharing.sql import name, one_row
from hub.sharing.workbook import Cover, write_workbook
from hub.store.tables.sharing import extract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

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
class State:
    """What everything in one run is made from: a master version, and the day its content speaks of. `person` asked for it,
    when it is `past`: made on request for another day than the newest night's."""

    version: int
    business_date: date
    past: bool = False
    person: str = ledger.HUB


class Publisher:
    """One run's publishing: what stays the same from extract to extract."""

    def __init__(  # noqa: PLR0917 -- made in one place
        self,
        engine: Engine,
        deployment: Deployment,
        settings: Settings,
        run_id: int | None,
        state: State,
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
            before = None if self._state.past else _newest_extract(connection, agreement.id, recipient.id)
            disputes = flagged_disputes(connection, agreement.dataset)
        selection = self._selector.select(
            agreement, recipient, disputes, lambda: derive_key(self._settings, "pseudonym", recipient.id)
        )
        made = self._scratch / "rows.parquet"
        write_parquet(self._duck, selection.columns, "selected", made)
        digests = digest_rows(self._duck, selection.columns, "selected").digests()
        if before is not None and self._same(before, state.version, digests.sha256):
            return self._confirm(before)
        if self._state.past and (made_before := self._made_before(state, recipient, digests.sha256)) is not None:
            return self._summary(made_before)
        previous = self._settings.data / parquet_of(before.files) if before is not None else None
        if previous is not None and not previous.is_file():
            previous = None
        changes = compare(self._duck, selection.columns, "selected", previous)
        cooperatives = self._selector.cooperatives()
        totals = self._totals(selection.columns, len(cooperatives))
        title = agreement.title
        if self._state.past:
            title = f"{title}（回溯至 {self._state.business_date.isoformat()}）"
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
            past=self._state.past,
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
        return self._summary(before)

    def _summary(self, row: Row[Any]) -> ExtractSummary:
        """An extract that stands already."""
        return ExtractSummary(
            row.extract_id,
            row.department,
            row.agreement,
            row.title,
            row.rows,
            tuple(self._settings.data / f["path"] for f in row.files if f["given"]),
            Changes(),
            published=False,
        )

    def _made_before(self, state: AgreementState, recipient: Department, rows_digest: str) -> Row[Any] | None:
        """The same past extract, asked for earlier."""
        with self._engine.connect() as connection:
            row = connection.execute(
                select(extract).where(
                    extract.c.past,
                    extract.c.agreement == state.agreement.id,
                    extract.c.agreement_version == state.version,
                    extract.c.department == recipient.id,
                    extract.c.master_version == self._state.version,
                    extract.c.business_date == self._state.business_date,
                    extract.c.rows_digest == rows_digest,
                    extract.c.recalled_at.is_(None),
                )
            ).first()
        there = row is not None and all((self._settings.data / f["path"]).is_file() for f in row.files)
        return row if there else None

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
        past = "-past" if self._state.past else ""
        stem = f"{agreement.id}-v{state.version}-m{self._state.version}-{cover.sha256[:8]}{past}"
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
                        past=self._state.past,
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
            note = record_cooperatives_once if self._state.past else record_cooperatives
            note(connection, agreement.id, recipient.id, extract_id, cooperatives)
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
            if self._state.past:
                details["past_day"] = self._state.business_date.isoformat()
            ledger.record(connection, "published", recipient.id, self._state.person, extract_id, details)
            if not self._state.past:
                queue_push(connection, agreement, recipient.id, extract_id)
            tell_published(
                connection, self._deployment, self._settings, recipient.id, extract_id=extract_id, title=cover.title
            )
        return extract_id


def _newest_extract(connection: Connection, agreement: str, department: str) -> Row[Any] | None:
    query = (
        select(extract)
        .where(extract.c.agreement == agreement, extract.c.department == department, ~extract.c.past)
        .order_by(extract.c.extract_id.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def _settle(temporary: Path, final: Path) -> None:
    """Syncs a finished file and gives it its name."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(final)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
