"""Numbered copies: what a person really takes away. Each has a number on its cover and in its name, a line in the
ledger, and, where order carries no meaning, an order of rows that only this copy has. Values are never altered.

Second mark: the published order is cut into pairs of neighbours, and a keyed hash of the copy's number decides for
each pair which row goes first. Half a list that turns up somewhere still tells whose copy it was (`tracing`).
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, Row, insert, select

from hub.deployment import Deployment
from hub.errors import HubError, PermissionRefusedError, TransientError
from hub.settings import Settings
from hub.sharing import ledger
from hub.sharing.access import extract_for, parquet_of
from hub.sharing.agreements import Agreement
from hub.sharing.changes import Changes, compare
from hub.sharing.columns import column_from_json
from hub.sharing.digests import Digests, digest_file
from hub.sharing.flat_files import digest_rows, write_csv, write_parquet
from hub.sharing.keys import derive_key
from hub.sharing.masks import pseudonym
from hub.sharing.selection import workspace
from hub.sharing.sql import literal
from hub.sharing.workbook import Cover, write_workbook
from hub.store.tables.sharing import extract, extract_copy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_UNSAFE = re.compile(r'[\\/:*?"<>|\s]+')


@dataclass(frozen=True, slots=True)
class ExtractCopy:
    """A copy ready to go: the file, the name it is given to the person under, its number and digests. The file lies in
    the scratch folder; whoever asked for it calls `discard` when it is sent."""

    path: Path
    name: str
    number: str
    digests: Digests

    def discard(self) -> None:
        """Removes the file; the record of the copy stays."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def order_seed(settings: Settings, number: str) -> str:
    """What decides the order of a copy's rows; without the key nobody can tell or forge it."""
    return pseudonym(derive_key(settings, "copy-order"), number)


def pair_swapped(position: str, seed: str) -> str:
    """DuckDB expression: whether the pair that the row at `position` (from 0) belongs to stands swapped."""
    return f"(md5({literal(seed)} || ({position} // 2)::varchar)[1] >= '8')"


def marked_rows(parquet: Path, seed: str | None) -> str:
    """A published extract's rows as a DuckDB source: in the published order, or in the order of one copy."""
    rows = f"read_parquet({literal(str(parquet))}, file_row_number = true)"
    if seed is None:
        return f"(select * exclude (file_row_number) from {rows} order by file_row_number)"
    side = "file_row_number % 2"
    return (
        f"(select * exclude (file_row_number) from {rows} order by file_row_number // 2, "
        f"case when {pair_swapped('file_row_number', seed)} then 1 - {side} else {side} end)"
    )


def make_copy(
    engine: Engine,
    deployment: Deployment,
    settings: Settings,
    extract_id: int,
    *,
    form: str,
    department: str,
    person: str,
    today: date,
    way: str = "portal",
) -> ExtractCopy:
    """A copy of an extract for one person of a department, recorded before it is handed over.

    Args:
        form: xlsx, csv, parquet or jsonl; one of those the agreement gives.
        person: account name.
        way: portal, sftp or hand.

    Raises:
        PermissionRefusedError: the department may not have it (now); the refusal is in the ledger.
        TransientError: the published file is not there.
    """
    try:
        with engine.connect() as connection:
            row, agreement = extract_for(connection, extract_id, department, today)
            before = connection.execute(select(extract).where(extract.c.extract_id == row.previous_extract)).first()
        if form not in agreement.formats:
            raise PermissionRefusedError(
                f"协议没有约定以 {form} 格式提供“{row.title}”。", next_step=f"可选：{'、'.join(agreement.formats)}。"
            )
    except PermissionRefusedError as refusal:
        _record_refusal(engine, extract_id, department, person, refusal)
        raise
    number = f"{extract_id}-{secrets.token_hex(4).upper()}"
    folder = settings.data / "scratch" / "copies" / number
    folder.mkdir(parents=True)
    holder = f"{deployment.department_by_id[department].name} {person} {today.isoformat()}"
    try:
        name = _UNSAFE.sub("_", f"{row.title}_{row.business_date:%Y%m%d}_{number}.{form}")
        path = folder / f"copy.{form}"
        with workspace(folder) as duck:
            _write(
                duck,
                deployment,
                settings,
                path,
                row=row,
                before=before,
                agreement=agreement,
                number=number,
                holder=holder,
            )
        digests = digest_file(path)
        with engine.begin() as connection:
            connection.execute(
                insert(extract_copy).values(
                    copy_number=number,
                    extract_id=extract_id,
                    department=department,
                    person=person,
                    format=form,
                    way=way,
                    sha256=digests.sha256,
                    sm3=digests.sm3,
                )
            )
            details = {
                "copy": number,
                "format": form,
                "way": way,
                "agreement": row.agreement,
                "agreement_version": row.agreement_version,
                "rows": row.rows,
                "sha256": digests.sha256,
                "sm3": digests.sm3,
            }
            ledger.record(
                connection, "pushing" if way == "sftp" else "downloaded", department, person, extract_id, details
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ExtractCopy(path, name, number, digests)


def _record_refusal(engine: Engine, extract_id: int, department: str, person: str, refusal: HubError) -> None:
    """A refusal is a line of its own; another department's extract is named by number only."""
    with engine.begin() as connection:
        ledger.record(connection, "refused", department, person, None, {"asked": extract_id, "why": refusal.message})


def _write(
    duck: DuckDBPyConnection,
    deployment: Deployment,
    settings: Settings,
    path: Path,
    *,
    row: Row[Any],
    before: Row[Any] | None,
    agreement: Agreement,
    number: str,
    holder: str,
) -> None:
    parquet = settings.data / parquet_of(row.files)
    if not parquet.is_file():
        raise TransientError(
            f"“{row.title}”的文件不在了。", next_step="运行 coop-hub verify 核验，再运行一次夜间同步重新发布。"
        )
    columns = [column_from_json(f) for f in row.fields]
    source = marked_rows(parquet, None if agreement.order_matters else order_seed(settings, number))
    form = path.suffix[1:]
    if form == "parquet":
        write_parquet(duck, columns, source, path)
    elif form == "jsonl":
        digest_rows(duck, columns, source, path)
    elif form == "csv":
        write_csv(duck, columns, source, path, encoding=agreement.csv_encoding)
    else:
        cover = _cover(deployment, row, before, agreement, number=number, holder=holder)
        previous = settings.data / parquet_of(before.files) if before is not None and not row.changes["first"] else None
        compare(duck, columns, marked_rows(parquet, None), previous if previous and previous.is_file() else None)
        write_workbook(duck, columns, source, cover, path)


def _cover(
    deployment: Deployment,
    row: Row[Any],
    before: Row[Any] | None,
    agreement: Agreement,
    *,
    number: str,
    holder: str,
) -> Cover:
    changes: Mapping[str, Any] = row.changes
    names = deployment.department_by_id
    return Cover(
        title=row.title,
        agreement=agreement,
        agreement_version=row.agreement_version,
        dataset_title=row.dataset_title,
        providers="、".join(names[p].name if p in names else p for p in agreement.providers),
        recipient=names[row.department].name if row.department in names else row.department,
        as_of=row.business_date,
        master_version=row.master_version,
        rows=row.rows,
        totals=row.totals,
        sha256=row.rows_digest,
        sm3=row.rows_sm3,
        changes=Changes(**changes),
        previous=f"{before.business_date.isoformat()} 总表第 {before.master_version} 版" if before is not None else "",
        copy_number=number,
        holder=holder,
        past=row.past,
        confirmed_on=row.confirmed_on,
    )
