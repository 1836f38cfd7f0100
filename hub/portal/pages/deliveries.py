"""Deliveries: what each department sent and what became of every row; uploads, the way back, and the office's word on
held ones. Departments see their own (PostgreSQL's policies see to it), the office all."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, RowMapping, func, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.alerts import fix_alert
from hub.errors import ConfigurationError, HubError
from hub.feeds import feed_catalogue, get_feed
from hub.intake.acceptance import decide_held_delivery
from hub.intake.mapping import confirm_header
from hub.intake.receipt import make_receipt
from hub.night.hand import hand_in
from hub.portal.access import DEPARTMENTS, OFFICE, Page
from hub.portal.audit import record_event
from hub.portal.pages.extracts import attachment
from hub.portal.visit import Visit
from hub.store.tables.intake import DELIVERY_STATES, archived_file, check_result, delivery, row_reason, source_row

_PER_PAGE = 40
_ROWS_SHOWN = 100
_TITLE = ("来件", "Deliveries")


def feeds_of(visit: Visit) -> list[str]:
    """Feeds this person may upload for: the office all, a department its own, a township those sent town by town."""
    mine = visit.person.department
    found = []
    for declared in visit.deployment.feeds:
        sender = visit.deployment.sender_of(declared.feed)
        by_town = feed_catalogue()[declared.feed].per_town and sender == "townships" and visit.town is not None
        if visit.person.role == "office" or sender == mine or by_town:
            found.append(declared.feed)
    return found


def list_page(visit: Visit) -> Response:
    page, state, feed = visit.asked_number("page"), visit.asked("state"), visit.asked("feed")
    query = select(delivery).order_by(delivery.c.delivery_id.desc())
    if state in DELIVERY_STATES:
        query = query.where(delivery.c.state == state)
    if feed:
        query = query.where(delivery.c.feed == feed)
    with visit.read() as connection:
        rows = connection.execute(query.limit(_PER_PAGE + 1).offset((page - 1) * _PER_PAGE)).mappings().all()
        counted = select(delivery.c.state, func.count()).group_by(delivery.c.state)
        counts = {str(s): int(n) for s, n in connection.execute(counted)}
        feeds = connection.scalars(select(delivery.c.feed).distinct().order_by(delivery.c.feed)).all()
    return visit.page(
        "deliveries.html",
        rows=rows[:_PER_PAGE],
        page=page,
        more=len(rows) > _PER_PAGE,
        counts=counts,
        feeds=feeds,
        state_asked=state,
        feed_asked=feed,
        may_upload=feeds_of(visit),
    )


def _one(visit: Visit, connection: Connection) -> RowMapping:
    """The delivery asked for, if PostgreSQL shows it to this person; else not found, and the attempt is recorded."""
    number = visit.number("delivery_id")
    row = connection.execute(select(delivery).where(delivery.c.delivery_id == number)).mappings().one_or_none()
    if row is None:
        with visit.begin() as hub_connection:
            exists = hub_connection.scalar(select(delivery.c.delivery_id).where(delivery.c.delivery_id == number))
        raise visit.refuse("delivery") if exists else HTTPException(404)
    return row


def detail_page(visit: Visit) -> Response:
    with visit.read() as connection:
        row = _one(visit, connection)
        number = row["delivery_id"]
        found = select(check_result).where(check_result.c.delivery_id == number)
        checks = connection.execute(found.order_by(check_result.c.passed, check_result.c.rule)).mappings().all()
        reasons = (
            connection.execute(
                select(
                    source_row.c.sheet,
                    source_row.c.row,
                    source_row.c.disposition,
                    source_row.c.superseded_by,
                    func.array_agg(func.coalesce(row_reason.c["column"], "")).label("columns"),
                    func.array_agg(row_reason.c.message).label("messages"),
                )
                .join_from(source_row, row_reason, row_reason.c.row_id == source_row.c.row_id)
                .where(source_row.c.delivery_id == number, source_row.c.disposition != "accepted")
                .group_by(source_row.c.row_id)
                .order_by(source_row.c.sheet, source_row.c.row, source_row.c.part)
                .limit(_ROWS_SHOWN)
            )
            .mappings()
            .all()
        )
    with visit.begin() as connection:
        receipt = make_receipt(connection, number)
    feed = feed_catalogue().get(row["feed"])
    unknown = [
        (column["header"], column.get("guess"))
        for sheet in row["account"].get("sheets", [])
        for column in sheet.get("columns", [])
        if column.get("header") and not column.get("field")
    ]
    return visit.page(
        "delivery.html",
        row=row,
        checks=checks,
        reasons=reasons,
        rows_shown=_ROWS_SHOWN,
        receipt=receipt,
        fields=feed.fields if feed else (),
        unknown=list(dict.fromkeys(unknown)),
        may_map=row["state"] in {"failed", "held", "accepted"} and bool(unknown),
    )


def return_workbook(visit: Visit) -> Response:
    """The sender's own sheets with what to correct, made on the spot."""
    from hub.intake.return_workbook import workbook_name, write_return_workbook

    with visit.read() as connection:
        row = _one(visit, connection)
    with visit.begin() as connection, tempfile.TemporaryDirectory(prefix="coop-hub-return-") as folder:
        out = Path(folder) / "return.xlsx"
        original = visit.settings.data / _archive_path(connection, row)
        write_return_workbook(connection, row["delivery_id"], original, out, settings=visit.settings)
        record_event(
            connection, "return_downloaded", visit.person.account, visit.person.department,
            delivery_id=row["delivery_id"],
        )  # fmt: skip
        file, size = out.open("rb"), out.stat().st_size
    return attachment(file, workbook_name(row["delivery_id"], row["name"]), size)


def original(visit: Visit) -> Response:
    """The file as it arrived, for its sender and for the office that has to judge it."""
    with visit.read() as connection:
        row = _one(visit, connection)
    with visit.begin() as connection:
        path = visit.settings.data / _archive_path(connection, row)
        record_event(
            connection, "original_downloaded", visit.person.account, visit.person.department,
            delivery_id=row["delivery_id"],
        )  # fmt: skip
    if not path.is_file():
        raise HubError("存档里的原件不在了。", next_step="请系统管理员执行 coop-hub verify 核验存档。")
    return attachment(path.open("rb"), PurePosixPath(row["name"]).name, path.stat().st_size)


def _archive_path(connection: Connection, row: RowMapping) -> str:
    found = select(archived_file.c.path).where(archived_file.c.sha256 == row["sha256"])
    return str(connection.execute(found).scalar_one())


def upload_page(visit: Visit, faults: tuple[str, ...] = (), status: int = 200) -> Response:
    return visit.page(
        "upload.html",
        status=status,
        feeds=[(f, feed_catalogue()[f]) for f in feeds_of(visit)],
        chosen=visit.asked("feed") or visit.said("feed", 64),
        faults=faults,
        limit=visit.settings.max_upload_mb,
    )


def upload(visit: Visit) -> Response:
    """Takes files for a feed of the sender's own; they wait for the night like any other delivery."""
    feed, files = visit.said("feed", 64), visit.files("files")
    if feed not in feeds_of(visit):
        raise visit.refuse("feed")
    if not files:
        return upload_page(visit, (visit.t("没有选择文件。", "No file was chosen."),), 400)
    faults: list[str] = []
    taken: list[int] = []
    for sent in files:
        name = PurePosixPath((sent.filename or "").replace("\\", "/")).name.replace("\0", "")[-180:] or "upload"
        if visit.town and visit.town not in name:
            name = f"{visit.town}{name}"  # a file sent town by town is known by the town in its name
        with tempfile.NamedTemporaryFile(prefix="coop-hub-upload-") as kept:
            while block := sent.file.read(1 << 20):
                kept.write(block)
            kept.flush()
            try:
                one = hand_in(visit.hub.engine, visit.settings, visit.deployment, feed, Path(kept.name), name=name)
            except HubError as error:
                faults.append(f"{name}：{visit.fault(error)}")
                continue
        taken.append(one.delivery_id)
        with visit.begin() as connection:
            record_event(
                connection, "delivery_uploaded", visit.person.account, visit.person.department,
                delivery_id=one.delivery_id, feed=feed, new=one.new,
            )  # fmt: skip
        if not one.new:
            faults.append(
                visit.t(f"{name}：与以前的来件内容相同，没有重复收。", f"{name}: the same content came before.")
            )
    if faults:
        return upload_page(visit, tuple(faults), 200 if taken else 400)
    said = visit.t("已收到，今晚同步时检查入库。", "Received; it is checked and accepted tonight.")
    return visit.go(f"/deliveries/{taken[0]}" if len(taken) == 1 else "/deliveries", said)


def look_page(visit: Visit) -> Response:
    """What the reader makes of a waiting file, before any night: recognised columns, skipped rows, the first rows."""
    from hub.intake.reader import read_file

    with visit.read() as connection:
        row = _one(visit, connection)
    with visit.begin() as connection:
        path = visit.settings.data / _archive_path(connection, row)
    reading = read_file(path, feed=get_feed(row["feed"]), settings=visit.settings)
    sheets = [
        (sheet, [list(line.values())[2:] for line in sheet.rows.slice(0, 8).to_pylist()]) for sheet in reading.sheets
    ]
    return visit.page(
        "delivery_look.html", row=row, reading=reading, sheets=sheets, fields=get_feed(row["feed"]).by_name
    )


def decide(visit: Visit) -> Response:
    """The office releases or rejects a held delivery, with a reason."""
    number, release, reason = visit.number("delivery_id"), visit.said("word") == "release", visit.said("reason", 500)
    if not reason:
        return visit.go(f"/deliveries/{number}", visit.t("请写明理由。", "Give a reason."))
    try:
        with visit.begin() as connection:
            decide_held_delivery(
                connection, number, release=release, person=visit.person.account, reason=reason, at=datetime.now(UTC)
            )
            fix_alert(connection, "delivery_held", str(number))
            record_event(
                connection, "delivery_released" if release else "delivery_rejected", visit.person.account,
                visit.person.department, delivery_id=number,
            )  # fmt: skip
    except HubError as error:
        return visit.go(f"/deliveries/{number}", visit.fault(error))
    said = (
        visit.t("已放行，今晚同步时进入总表和摘录。", "Released; tonight's run takes it in.")
        if release
        else visit.t("已退回，请把回执发给报送单位。", "Rejected; send the receipt to its sender.")
    )
    return visit.go(f"/deliveries/{number}", said)


def confirm(visit: Visit) -> Response:
    """The office says what an unknown header means; it is remembered for that sender."""
    header, field = visit.said("header", 200), visit.said("field", 64)
    with visit.read() as connection:
        row = _one(visit, connection)
    try:
        with visit.begin() as connection:
            again = confirm_header(
                connection, department=row["department"], feed=row["feed"], header=header,
                field=None if field == "-" else field, person=visit.person.account,
            )  # fmt: skip
            record_event(
                connection, "header_confirmed", visit.person.account, visit.person.department,
                feed=row["feed"], sender=row["department"], field=field,
            )  # fmt: skip
    except ConfigurationError as error:
        return visit.go(f"/deliveries/{row['delivery_id']}", visit.fault(error))
    more = (
        visit.t(f"，{again} 份无法使用的来件今晚重读", f"; {again} failed deliveries are read again") if again else ""
    )
    return visit.go(f"/deliveries/{row['delivery_id']}", visit.t("已记住", "Remembered") + more)


PAGES = (
    Page("/deliveries", list_page, DEPARTMENTS, title=_TITLE, menu="work", icon="inbox"),
    Page("/deliveries/upload", upload_page, DEPARTMENTS, title=("上传来件", "Upload"), menu="work", icon="upload"),
    Page("/deliveries/upload", upload, DEPARTMENTS, method="POST", title=("上传来件", "Upload"), upload=True),
    Page("/deliveries/{delivery_id:int}", detail_page, DEPARTMENTS, title=_TITLE),
    Page("/deliveries/{delivery_id:int}/look", look_page, DEPARTMENTS, title=_TITLE),
    Page("/deliveries/{delivery_id:int}/return", return_workbook, DEPARTMENTS, title=_TITLE, download=True),
    Page("/deliveries/{delivery_id:int}/original", original, DEPARTMENTS, title=_TITLE, download=True),
    Page("/deliveries/{delivery_id:int}/decide", decide, OFFICE, method="POST", title=_TITLE),
    Page("/deliveries/{delivery_id:int}/header", confirm, OFFICE, method="POST", title=_TITLE),
)
