"""Match one's own list: a department's list in, the same list with each row's cooperative out. Nothing of it is stored: it
lies in a temporary folder while it is read, and the audit log knows counts only. Besides, the own address for OpenRefine."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path, PurePosixPath

from starlette.responses import Response

from hub.errors import HubError, TransientError
from hub.portal.access import DEPARTMENTS, Page
from hub.portal.audit import record_event
from hub.portal.pages.extracts import attachment
from hub.portal.service_tokens import PREFIX, close_service, open_service, service_of
from hub.portal.visit import Visit

_TITLE = ("匹配名单", "Match a list")
_one_at_a_time = threading.BoundedSemaphore(1)  # reading what is known takes memory; two lists at once gain nothing


def page(visit: Visit, fault: str = "", token: str = "", status: int = 200) -> Response:
    with visit.begin() as connection:
        service = service_of(connection, visit.person.account)
    base = (visit.settings.portal_url or str(visit.request.base_url)).rstrip("/")
    return visit.page(
        "own_list.html",
        status=status,
        fault=fault,
        service=service,
        address=f"{base}{PREFIX}/{token}" if token else "",
        limit=visit.settings.max_upload_mb,
    )


def match(visit: Visit) -> Response:
    """The matched workbook, straight away."""
    from hub.intake.reader import read_file
    from hub.matching.answers import Verdict
    from hub.matching.own_list import match_list, write_matched
    from hub.matching.read_known import read_known

    files = visit.files("file")
    if not files:
        return page(visit, visit.t("没有选择文件。", "No file was chosen."), status=400)
    sent = files[0]
    name = PurePosixPath((sent.filename or "").replace("\\", "/")).name.replace("\0", "")[-120:] or "list.xlsx"
    county = visit.deployment.county
    with tempfile.TemporaryDirectory(prefix="coop-hub-match-") as folder:
        path, out = Path(folder) / name, Path(folder) / ".matched.xlsx"
        with path.open("wb") as kept:
            while block := sent.file.read(1 << 20):
                kept.write(block)
        try:
            reading = read_file(path, settings=visit.settings)
            reading.raise_refusal()
            if not _one_at_a_time.acquire(timeout=60):
                raise TransientError("正在匹配别的名单。", next_step="过一两分钟再试。")
            try:
                known = read_known(visit.hub.engine, county)
                try:
                    matched = match_list(reading, known)
                    write_matched(matched, out, county=county.name)
                finally:
                    known.close()
            finally:
                _one_at_a_time.release()
        except HubError as error:
            return page(visit, f"{name}：{visit.fault(error)}", status=400)
        totals = matched.totals
        with visit.begin() as connection:
            record_event(
                connection, "list_matched", visit.person.account, visit.person.department,
                rows=sum(totals.values()), matched=totals[Verdict.MATCHED], doubtful=totals[Verdict.DOUBTFUL],
            )  # fmt: skip
        file, size = out.open("rb"), out.stat().st_size
    return attachment(file, f"{PurePosixPath(name).stem}-匹配结果.xlsx", size)


def get_address(visit: Visit) -> Response:
    """A new address, shown this once."""
    with visit.begin() as connection:
        token = open_service(connection, visit.person)
    return page(visit, token=token)


def close(visit: Visit) -> Response:
    with visit.begin() as connection:
        close_service(connection, visit.person)
    return visit.go("/match", visit.t("接口地址已停用。", "The address is closed."))


PAGES = (
    Page("/match", page, DEPARTMENTS, title=_TITLE, menu="data", icon="link"),
    Page("/match", match, DEPARTMENTS, method="POST", title=_TITLE, upload=True),
    Page("/match/address", get_address, DEPARTMENTS, method="POST", title=_TITLE),
    Page("/match/close", close, DEPARTMENTS, method="POST", title=_TITLE),
)
