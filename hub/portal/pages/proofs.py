"""Proofs for the office, the auditor, and the department that keeps the ledger's heads: is the ledger whole, who received a
cooperative's data, whose copy is a list that turned up."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path, PurePosixPath

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.errors import ConfigurationError, FormatError, HubError
from hub.master.search import resolve_cooperative
from hub.portal.access import ACCOUNTANTS, HEAD_READERS, Page
from hub.portal.audit import record_event
from hub.portal.pages.extracts import attachment
from hub.portal.visit import Visit
from hub.sharing.handover import file_name, head_text, heads_handed
from hub.sharing.ledger import Head, read_head, verify
from hub.sharing.recall import who_received

_SMALL = 64 * 1024


def who_page(visit: Visit) -> Response:
    """Every copy that left with a cooperative in it."""
    wanted, coop_id, rows, fault = visit.asked("coop"), "", [], ""
    if wanted:
        try:
            with visit.begin() as connection:  # the auditor may ask by name or code, and learns the id alone
                coop_id = resolve_cooperative(connection, wanted)
        except ConfigurationError as error:
            fault = visit.fault(error)
        else:
            with visit.read() as connection:
                rows = who_received(connection, coop_id)
            with visit.begin() as connection:
                record_event(
                    connection, "receivers_looked_up", visit.person.account, visit.person.department,
                    coop_id=coop_id, copies=len(rows),
                )  # fmt: skip
    return visit.page("who.html", wanted=wanted, coop_id=coop_id, rows=rows, fault=fault)


def trace_page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    return visit.page("trace.html", status=status, fault=fault, found=None, name="")


def trace(visit: Visit) -> Response:
    """Whose copy an uploaded list is. The list is read and thrown away."""
    from hub.intake.reader import read_file
    from hub.sharing.tracing import trace_list

    files = visit.files("file")
    if not files:
        return trace_page(visit, visit.t("没有选择文件。", "No file was chosen."), 400)
    name = PurePosixPath((files[0].filename or "").replace("\\", "/")).name.replace("\0", "")[-120:] or "list"
    said = visit.said("extract", 18)
    with tempfile.TemporaryDirectory(prefix="coop-hub-trace-") as folder:
        path = Path(folder) / name
        path.write_bytes(b"")
        _keep(files[0], path)
        try:
            reading = read_file(path, settings=visit.settings)
            number = int(said) if said.isascii() and said.isdigit() else None
            found = trace_list(visit.hub.engine, visit.settings, reading, extract_id=number)
        except HubError as error:
            return trace_page(visit, f"{name}：{visit.fault(error)}", 400)
    with visit.begin() as connection:
        record_event(
            connection, "list_traced", visit.person.account, visit.person.department,
            rows=found.rows, copies=[t.copy_number for t in found.certain] + [n.copy_number for n in found.named],
        )  # fmt: skip
    return visit.page("trace.html", fault="", found=found, name=name)


def _keep(sent: UploadFile, path: Path) -> None:
    with path.open("wb") as kept:
        while block := sent.file.read(1 << 20):
            kept.write(block)


def check(visit: Visit) -> Response:
    """Proves the chain from its first line, against heads handed over before where the auditor brings some."""
    heads: list[Head] = []
    try:
        for sent in visit.files("heads"):
            content = sent.file.read(_SMALL)
            with tempfile.NamedTemporaryFile(prefix="coop-hub-head-") as file:
                file.write(content)
                file.flush()
                heads.append(_head(Path(file.name), sent.filename or ""))
    except HubError as error:
        return visit.go("/ledger", visit.fault(error))
    with visit.begin() as connection:
        problems = verify(connection, heads)
        record_event(
            connection, "ledger_checked", visit.person.account, visit.person.department,
            problems=len(problems), heads=len(heads),
        )  # fmt: skip
    return visit.page("ledger_check.html", problems=problems[:200], total=len(problems), heads=len(heads))


def _head(path: Path, called: str) -> Head:
    try:
        return read_head(path)
    except FormatError:
        raise FormatError(
            f"{PurePosixPath(called).name[:80]} 不是交存的台账摘要。", next_step="选择交存时收到的 .json 文件。"
        ) from None


def heads_page(visit: Visit) -> Response:
    """The heads handed over: to the department that keeps them its own (PostgreSQL sees to it), to the office and the auditor
    all."""
    with visit.read() as connection:
        rows = heads_handed(connection)
    return visit.page("heads.html", rows=rows)


def head_file(visit: Visit) -> Response:
    from datetime import date

    number = visit.number("seq")
    with visit.read() as connection:
        row = next((r for r in heads_handed(connection, limit=10_000) if r.seq == number), None)
    if row is None:
        raise HTTPException(404)
    head, day = Head(int(row.details["seq"]), str(row.details["hash"])), date.fromisoformat(row.details["on"])
    content = (head_text(visit.deployment, head, day) + "\n").encode()
    return attachment(io.BytesIO(content), file_name(visit.deployment, head, day), len(content))


PAGES = (
    Page("/ledger/who", who_page, ACCOUNTANTS, title=("数据给过谁", "Who received it"), menu="audit", icon="people"),
    Page("/trace", trace_page, ACCOUNTANTS, title=("追查副本", "Whose copy"), menu="audit", icon="key"),
    Page("/trace", trace, ACCOUNTANTS, method="POST", title=("追查副本", "Whose copy"), upload=True),
    Page("/ledger/check", check, ACCOUNTANTS, method="POST", title=("核验台账", "Prove the ledger")),
    Page("/heads", heads_page, HEAD_READERS, title=("台账摘要", "Heads of the ledger")),
    Page("/heads/{seq:int}/head.json", head_file, HEAD_READERS, title=("台账摘要", "Heads"), download=True),
)
