"""Extracts: what a department may look at and take away. Every look and every download is authorised anew by
`hub.sharing`; a download is a numbered copy, in the ledger and the audit log before its first byte leaves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import quote

from sqlalchemy import RowMapping, select
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from hub.alerts import raise_alert
from hub.errors import ConflictError, HubError, PermissionRefusedError
from hub.portal.access import DEPARTMENTS, Page
from hub.portal.audit import record_event
from hub.portal.visit import Visit
from hub.sharing.access import extract_for, parquet_of
from hub.sharing.copies import make_copy
from hub.sharing.digests import digest_file
from hub.sharing.handover import heads_handed
from hub.sharing.nights import past_nights
from hub.sharing.recall import acknowledge, open_copies
from hub.sharing.retention import is_cleared
from hub.store.tables.sharing import extract
from hub.store.tables.sharing import ledger as ledger_table

TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_BLOCK = 1 << 20
_ROWS_A_PAGE = 50


def list_page(visit: Visit) -> Response:
    """The newest version of each agreement's extract; older ones behind it; recalled copies to answer for."""
    department = visit.person.department
    with visit.read() as connection:
        mine = select(extract).where(extract.c.department == department).order_by(extract.c.extract_id.desc())
        rows = connection.execute(mine).mappings().all()
        taken = set(
            connection.scalars(
                select(ledger_table.c.extract_id).where(
                    ledger_table.c.department == department, ledger_table.c.event == "downloaded"
                )
            )
        )
        recalled = open_copies(connection, department=department)
        keeps_heads = bool(heads_handed(connection, department=department, limit=1))
    newest: dict[str, RowMapping] = {}
    for row in rows:
        if not row["past"]:
            newest.setdefault(row["agreement"], row)
    older = [r for r in rows if r["past"] or r is not newest[r["agreement"]]]
    return visit.page(
        "extracts.html",
        newest=list(newest.values()),
        older=older[:100],
        taken=taken,
        recalled=recalled,
        keeps_heads=keeps_heads,
    )


def _mine(visit: Visit) -> RowMapping:
    """The extract asked for, if it is this department's; else not found, and the attempt is recorded."""
    number = visit.number("extract_id")
    with visit.read() as connection:
        row = connection.execute(select(extract).where(extract.c.extract_id == number)).mappings().one_or_none()
    if row is None or row["department"] != visit.person.department:
        with visit.begin() as connection:
            exists = connection.scalar(select(extract.c.extract_id).where(extract.c.extract_id == number))
        raise visit.refuse("extract") if exists else HTTPException(404)
    return row


def detail_page(visit: Visit) -> Response:
    row = _mine(visit)
    with visit.read() as connection:
        receipts = (
            connection.execute(
                select(ledger_table)
                .where(ledger_table.c.extract_id == row["extract_id"])
                .order_by(ledger_table.c.seq.desc())
                .limit(50)
            )
            .mappings()
            .all()
        )
        try:
            extract_for(connection, row["extract_id"], visit.person.department, visit.hub.today())
            barred = ""
        except PermissionRefusedError as refusal:
            barred = visit.fault(refusal)
    return visit.page("extract.html", row=row, receipts=receipts, barred=barred)


def nights_page(visit: Visit) -> Response:
    """What the same agreement gave this department on each past night, each to be downloaded like any other extract."""
    row = _mine(visit)
    with visit.read() as connection:
        nights = past_nights(connection, row["agreement"], visit.person.department, today=visit.hub.today())
    return visit.page("extract_nights.html", row=row, nights=nights)


def proven_parquet(visit: Visit, row: RowMapping) -> Path:
    """The published rows of an extract as a file proven to be what was published.

    Raises:
        HubError: the file was cleared after its years; or it is gone or was changed, and the office is alerted.
    """
    folder = visit.settings.data.resolve()
    entry = next(f for f in row["files"] if f["format"] == "parquet")
    with visit.read() as connection:
        if is_cleared(connection, row["extract_id"]):
            raise HubError("这份数据摘录已过保存期，文件已清理。", next_step="需要以往的数据，请与领导小组办公室联系。")
    path = (folder / parquet_of(row["files"])).resolve()
    if path.is_relative_to(folder) and path.is_file() and digest_file(path).sha256 == entry["sha256"]:
        return path
    with visit.begin() as connection:
        raise_alert(
            connection,
            "ledger_broken",
            f"extract:{row['extract_id']}",
            f"数据摘录 {row['extract_id']}",
            f"数据摘录 {row['extract_id']}（{row['title']}）的文件不在了，或与发布时的摘要值不一致，已停止下载。",
            {"department": row["department"]},
        )
    raise HubError("这份数据摘录的文件核验不通过，已停止下载。", next_step="已通知办公室；请等待重新发布。")


def rows_page(visit: Visit) -> Response:
    """A look at the rows, with a search box: for a single question nobody needs to take the whole file."""
    import duckdb

    row = _mine(visit)
    with visit.begin() as connection:
        extract_for(connection, row["extract_id"], visit.person.department, visit.hub.today())
    path = proven_parquet(visit, row)
    wanted, page = visit.asked("q"), visit.asked_number("page")
    columns: list[dict[str, Any]] = list(row["fields"])
    with duckdb.connect() as duck:
        source = duck.read_parquet(str(path))
        names = source.columns
        like = " or ".join(f"contains(lower({_quoted(n)}::varchar), lower($q))" for n in names)
        found = duck.execute(
            f"select * from source where $q = '' or {like} limit {_ROWS_A_PAGE + 1} offset $o",
            {"q": wanted, "o": (page - 1) * _ROWS_A_PAGE},
        ).fetchall()
    titles = {c["name"]: c["title"] for c in columns}
    words = {c["name"]: {v: visit.t(zh, en) for v, zh, en in c.get("choices") or ()} for c in columns}
    with visit.begin() as connection:
        record_event(
            connection, "extract_viewed", visit.person.account, visit.person.department,
            extract_id=row["extract_id"], rows=min(len(found), _ROWS_A_PAGE),
        )  # fmt: skip
    return visit.page(
        "extract_rows.html",
        row=row,
        headers=[titles.get(n, n) for n in names],
        names=names,
        rows=[
            [words.get(n, {}).get(value, value) for n, value in zip(names, line, strict=True)]
            for line in found[:_ROWS_A_PAGE]
        ],
        wanted=wanted,
        number=page,
        more=len(found) > _ROWS_A_PAGE,
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """An open file piece by piece, closed at the end."""
    with file:
        while block := file.read(_BLOCK):
            yield block


def attachment(file: BinaryIO, name: str, size: int) -> Response:
    """A download of an open file under its own name, which may be Chinese."""
    return StreamingResponse(
        blocks(file),
        media_type=TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream"),
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Content-Length": str(size)},
    )


def written(name: str, write: Callable[[Path], object]) -> Response:
    """A download of a file that is made now; nothing of it stays behind."""
    with tempfile.TemporaryDirectory(prefix="coop-hub-download-") as folder:
        out = Path(folder) / f"file{PurePosixPath(name).suffix}"
        write(out)
        return attachment(out.open("rb"), name, out.stat().st_size)


def download(visit: Visit) -> Response:
    """One format of an extract as a numbered copy: authorise, prove, make, record, send; in this order."""
    person, row = visit.person, _mine(visit)
    form = visit.named("form")
    if form not in {f["format"] for f in row["files"] if f.get("given", True)}:
        raise HTTPException(404)
    try:
        with visit.begin() as connection:
            extract_for(connection, row["extract_id"], person.department, visit.hub.today())
        proven_parquet(visit, row)
        copy = make_copy(
            visit.hub.engine,
            visit.deployment,
            visit.settings,
            row["extract_id"],
            form=form,
            department=person.department,
            person=person.account,
            today=visit.hub.today(),
        )
    except PermissionRefusedError as refusal:
        with visit.begin() as connection:
            record_event(
                connection, "extract_refused", person.account, person.department,
                extract_id=row["extract_id"], reason="recalled" if row["recalled_at"] else refusal.message[:120],
            )  # fmt: skip
        raise
    with visit.begin() as connection:
        record_event(
            connection, "extract_downloaded", person.account, person.department,
            extract_id=row["extract_id"], format=form, copy=copy.number,
        )  # fmt: skip
    file, size = copy.path.open("rb"), copy.path.stat().st_size
    copy.discard()  # the open file stays readable; nothing is left behind even if the reader hangs up
    return attachment(file, copy.name, size)


def acknowledge_recall(visit: Visit) -> Response:
    """The holder's department says that a recalled copy is deleted."""
    number = visit.said("copy", 64)
    try:
        with visit.begin() as connection:
            acknowledge(connection, number, visit.person.department, visit.person.account)
            record_event(connection, "recall_acknowledged", visit.person.account, visit.person.department, copy=number)
    except (PermissionRefusedError, ConflictError) as error:
        return visit.go("/extracts", visit.fault(error))
    return visit.go("/extracts", visit.t("已回执。", "Acknowledged."))


_TITLE = ("数据摘录", "Extracts")
PAGES = (
    Page("/extracts", list_page, DEPARTMENTS, title=_TITLE, menu="sharing", icon="download"),
    Page("/extracts/acknowledge", acknowledge_recall, DEPARTMENTS, method="POST", title=_TITLE),
    Page("/extracts/{extract_id:int}", detail_page, DEPARTMENTS, title=_TITLE),
    Page("/extracts/{extract_id:int}/rows", rows_page, DEPARTMENTS, title=_TITLE),
    Page("/extracts/{extract_id:int}/nights", nights_page, DEPARTMENTS, title=_TITLE),
    Page("/extracts/{extract_id:int}/{form}", download, DEPARTMENTS, title=_TITLE, download=True),
)
