"""Files come in through the portal, held ones are decided on, and what could not be used goes back to its sender."""

from __future__ import annotations

import io
import re
import socket
from urllib.parse import urlsplit

import httpx
import openpyxl
import pytest
from sqlalchemy import select, text, update

from hub.alerts import raise_alert
from hub.feeds import get_feed
from hub.store.tables.alerts import alert
from hub.store.tables.intake import column_mapping, delivery
from hub.store.tables.portal import audit_event
from tests.portal.conftest import Portal, proof


def one(portal: Portal, where: str) -> int:
    with portal.engine.connect() as connection:
        return int(
            connection.execute(text(f"select delivery_id from delivery where {where} order by 1 limit 1")).scalar_one()
        )


def written(portal: Portal, event: str) -> int:
    with portal.engine.connect() as connection:
        return len(connection.scalars(select(audit_event.c.event).where(audit_event.c.event == event)).all())


def sheet(*lines: tuple[str, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(out)
    return out.getvalue()


def upload(client: httpx.Client, feed: str, *files: tuple[str, bytes]) -> httpx.Response:
    return client.post(
        "/deliveries/upload",
        data={"proof": proof(client), "feed": feed},
        files=[("files", (name, content, "application/octet-stream")) for name, content in files],
    )


def test_a_file_is_uploaded_looked_at_and_waits_for_the_night(lived: Portal) -> None:
    client = lived.as_role("staff")
    content = sheet(
        ("税务登记情况", "", ""),
        ("社会信用代码", "纳税人名称", "纳税人状态"),
        ("93339127MA2ABCDE1X", "云岫县测试专业合作社", "正常"),
    )
    answer = upload(client, "tax_registration", ("十二月登记.xlsx", content))
    assert answer.status_code == 303
    number = int(answer.headers["location"].rpartition("/")[2])
    with lived.engine.connect() as connection:
        row = connection.execute(select(delivery).where(delivery.c.delivery_id == number)).one()
    assert (row.department, row.feed, row.name, row.state) == ("tax", "tax_registration", "十二月登记.xlsx", "received")
    look = client.get(f"/deliveries/{number}/look").text
    assert "云岫县测试专业合作社" in look and "纳税人名称" in look
    original = client.get(f"/deliveries/{number}/original")
    assert original.content == content
    assert written(lived, "delivery_uploaded") == 1
    assert written(lived, "original_downloaded") == 1


def test_content_that_was_taken_before_is_not_taken_twice(lived: Portal) -> None:
    number = one(lived, "state = 'accepted' and feed = 'tax_registration'")
    client = lived.as_role("staff")
    content = client.get(f"/deliveries/{number}/original").content
    assert "没有重复收" in upload(client, "tax_registration", ("换个名字.xlsx", content)).text
    with lived.engine.connect() as connection:
        assert connection.scalars(select(delivery.c.name).where(delivery.c.name == "换个名字.xlsx")).all() == []


@pytest.mark.parametrize(
    ("feed", "name", "content", "status", "says"),
    [
        ("market_abnormal", "名录.xlsx", b"x", 404, "没有这个页面"),
        ("nonsense", "名录.xlsx", b"x", 404, "没有这个页面"),
        ("tax_registration", "空.xlsx", b"", 400, "文件是空的"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_reason(
    lived: Portal, feed: str, name: str, content: bytes, status: int, says: str
) -> None:
    answer = upload(lived.as_role("staff"), feed, (name, content))
    assert answer.status_code == status
    assert says in answer.text


def test_a_file_larger_than_allowed_is_refused_before_it_is_kept(lived: Portal) -> None:
    client = lived.as_role("staff")
    address = urlsplit(lived.url)
    head = (
        f"POST /deliveries/upload HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
        f"Cookie: hub_session={client.cookies['hub_session']}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {80 << 20}\r\n\r\n--b\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


def test_names_cannot_lead_out_of_the_archive(lived: Portal) -> None:
    client = lived.as_role("staff")
    answer = upload(client, "tax_registration", ("..\\..\\etc/../../evil\0.xlsx", sheet(("a",), ("b",))))
    assert answer.status_code == 303
    with lived.engine.connect() as connection:
        name = connection.scalar(select(delivery.c.name).order_by(delivery.c.delivery_id.desc()).limit(1))
    assert name is not None and "/" not in name and "\\" not in name and ".." not in name.split(".xlsx")[0]


def test_a_townships_file_carries_its_town(lived: Portal) -> None:
    town = next(d for d in lived.deployment.departments if d.kind == "township" and d.town)
    client = lived.enter(lived.add("zhen", town.id, "staff"))
    page = client.get("/deliveries/upload").text
    assert "township_cleanup" in page and "tax_registration" not in page
    upload(client, "township_cleanup", ("清理台账.xlsx", sheet(("合作社名称",), ("某某合作社",))))
    with lived.engine.connect() as connection:
        row = connection.execute(select(delivery).order_by(delivery.c.delivery_id.desc()).limit(1)).one()
    assert row.name == f"{town.town}清理台账.xlsx"
    assert row.department == "townships"


@pytest.mark.parametrize(("word", "state"), [("release", "accepted"), ("reject", "rejected")])
def test_the_office_decides_on_a_held_delivery_with_a_reason(lived: Portal, word: str, state: str) -> None:
    number = one(lived, "state = 'accepted' and feed = 'tax_registration'")
    with lived.engine.begin() as connection:
        connection.execute(
            update(delivery).where(delivery.c.delivery_id == number).values(state="held", reason="行数不足八成")
        )
        raise_alert(connection, "delivery_held", str(number), "登记", "行数不足八成")
    office, staff = lived.as_role("office"), lived.as_role("staff")
    data = {"proof": proof(office), "word": word, "reason": "已电话核实"}
    assert staff.post(f"/deliveries/{number}/decide", data={**data, "proof": proof(staff)}).status_code == 403
    office.post(f"/deliveries/{number}/decide", data={**data, "reason": ""})
    with lived.engine.connect() as connection:
        assert connection.scalar(select(delivery.c.state).where(delivery.c.delivery_id == number)) == "held"
    assert "请确认这份来件" in office.get(f"/deliveries/{number}").text
    office.post(f"/deliveries/{number}/decide", data=data)
    with lived.engine.connect() as connection:
        row = connection.execute(select(delivery).where(delivery.c.delivery_id == number)).one()
        still_open = connection.scalars(
            select(alert.c.alert_id).where(
                alert.c.key == str(number), alert.c.kind == "delivery_held", alert.c.fixed_at.is_(None)
            )
        ).all()
    assert (row.state, row.decided_by, row.reason) == (state, "the-office", "已电话核实")
    assert still_open == []
    again = office.post(f"/deliveries/{number}/decide", data=data, follow_redirects=True)
    assert "不在“待人工确认”状态" in again.text
    assert written(lived, "delivery_released") + written(lived, "delivery_rejected") == 1


def test_a_return_workbook_is_the_senders_own_sheet_with_reasons(lived: Portal) -> None:
    number = one(lived, "rows_quarantined > 0")
    with lived.engine.connect() as connection:
        row = connection.execute(select(delivery).where(delivery.c.delivery_id == number)).one()
    sender = lived.enter(lived.add("sender", row.department, "staff"))
    assert f"/deliveries/{number}/return" in sender.get(f"/deliveries/{number}").text
    answer = sender.get(f"/deliveries/{number}/return")
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True)
    cells = [str(c.value) for s in book.worksheets for line in s.iter_rows() for c in line if c.value]
    reason = re.search(
        r"<td[^>]*>([^<]*)</td></tr>", sender.get(f"/deliveries/{number}").text.partition("退回的行与原因")[2]
    )
    assert reason and any(reason[1].split("；")[0] in c for c in cells)
    assert written(lived, "return_downloaded") == 1


def test_a_header_the_office_confirms_is_remembered_for_its_sender(lived: Portal) -> None:
    number = one(lived, "state = 'accepted' and feed = 'tax_registration'")
    office = lived.as_role("office")
    known = [f.name for f in get_feed("tax_registration").fields]
    data = {"proof": proof(office), "header": "税号新", "field": known[1]}
    office.post(f"/deliveries/{number}/header", data=data)
    wrong = office.post(f"/deliveries/{number}/header", data={**data, "field": "nonsense"}, follow_redirects=True)
    assert "没有数据项 nonsense" in wrong.text
    with lived.engine.connect() as connection:
        rows = connection.execute(select(column_mapping)).all()
    assert [(r.department, r.feed, r.field, r.confirmed_by) for r in rows] == [
        ("tax", "tax_registration", known[1], "the-office")
    ]
