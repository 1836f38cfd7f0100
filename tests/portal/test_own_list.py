"""A department's own list comes back matched and leaves nothing behind; OpenRefine asks by a person's own address."""

from __future__ import annotations

import io
import json
import re

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text

from hub.matching.resolve import resolve
from hub.store.tables.portal import audit_event
from tests.matching.rows import accept
from tests.matching.test_decisions import COUNTY_ROWS
from tests.portal.conftest import PASSWORD, Portal, proof

NAME = "云岫县石门茶叶专业合作社"
LIST = f"单位名称,理事长\n{NAME},李大山\n云岫县无此家专业合作社,\n".encode()


@pytest.fixture
def known(portal: Portal) -> Portal:
    resolve(portal.engine, portal.deployment, accept(portal.engine, COUNTY_ROWS))
    return portal


def send(client: httpx.Client, content: bytes, name: str = "名单.csv") -> httpx.Response:
    return client.post("/match", data={"proof": proof(client)}, files={"file": (name, content)})


def address(client: httpx.Client) -> str:
    page = client.post("/match/address", data={"proof": proof(client)}).text
    found = re.search(r"<code>(http://[^<]+)</code>", page)
    assert found
    return found[1]


def ask(client: httpx.Client, url: str, name: str = NAME) -> httpx.Response:
    return client.post(url, data={"queries": json.dumps({"q0": {"query": name}})})


def test_a_list_comes_back_with_ids_and_only_counts_are_kept(known: Portal) -> None:
    staff = known.as_role("staff")
    answer = send(staff, LIST)
    assert answer.status_code == 200, answer.text
    assert "%E5%8C%B9%E9%85%8D%E7%BB%93%E6%9E%9C.xlsx" in answer.headers["content-disposition"]
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[1]
    rows = [[c.value for c in r] for r in sheet.iter_rows()]
    assert rows[1][0] == NAME and rows[1][2] == "已匹配"
    assert rows[2][2] == "未找到"
    with known.engine.connect() as connection:
        details = connection.scalar(select(audit_event.c.details).where(audit_event.c.event == "list_matched"))
        assert details == {"rows": 2, "matched": 1, "doubtful": 0}
        assert connection.scalar(text("select count(*) from delivery where name like '%名单%'")) == 0
    assert not [p for p in known.settings.data.rglob("*") if "名单" in p.name]


@pytest.mark.parametrize(
    ("content", "words"), [(b"PK\x03\x04", "下一步"), ("序号,备注\n1,2\n".encode(), "名称或代码列"), (b"", "下一步")]
)
def test_what_cannot_be_matched_is_told_in_words(known: Portal, content: bytes, words: str) -> None:
    answer = send(known.as_role("staff"), content, "x.xlsx" if content[:2] == b"PK" else "x.csv")
    assert answer.status_code == 400
    assert words in answer.text or "没有选择文件" in answer.text


def test_openrefine_asks_by_a_persons_own_address_and_gets_public_facts(known: Portal) -> None:
    staff = known.as_role("staff")
    url, stranger = address(staff), known.browser()
    manifest = stranger.get(url).json()
    assert manifest["versions"] == ["0.2"]
    assert manifest["view"]["url"].startswith(url)
    result = ask(stranger, url).json()["q0"]["result"][0]
    assert result["match"] is True and result["name"] == NAME
    view = stranger.get(manifest["view"]["url"].replace("{{id}}", result["id"]))
    assert view.status_code == 200 and NAME in view.text and "李大山" not in view.text
    assert "frame-ancestors 'self' http://127.0.0.1:*" in view.headers["content-security-policy"]
    assert "已开通" in staff.get("/match").text
    assert url.rsplit("/", 1)[1] not in staff.get("/match").text  # shown once
    with known.engine.connect() as connection:
        assert connection.scalar(text("select requests from service_token")) == 3


def test_without_a_standing_address_the_service_answers_nobody(known: Portal) -> None:
    staff = known.as_role("staff")
    url, stranger = address(staff), known.browser()
    assert ask(staff, f"{known.url}/reconcile/x").status_code == 403  # a session is no token
    assert known.browser().get("/reconcile").status_code == 404
    assert ask(stranger, url).status_code == 200
    newer = address(staff)
    assert ask(stranger, url).status_code == 403
    staff.post("/match/close", data={"proof": proof(staff)})
    assert ask(stranger, newer).status_code == 403
    last = address(staff)
    new = "Xin-he-2027!"
    staff.post("/password", data={"proof": proof(staff), "old": PASSWORD, "new": new, "again": new})
    assert ask(stranger, last).status_code == 403


@pytest.mark.parametrize("change", ["active = false", "role = 'auditor'", "must_change_password = true"])
def test_the_address_stands_and_falls_with_the_account(known: Portal, change: str) -> None:
    url = address(known.as_role("staff"))
    with known.engine.begin() as connection:
        connection.execute(text(f"update person set {change}"))
    assert ask(known.browser(), url).status_code == 403


def test_another_web_page_may_not_ask(known: Portal) -> None:
    url = address(known.as_role("staff"))
    evil = known.browser().post(url, data={"queries": "{}"}, headers={"Origin": "https://evil.test"})
    assert evil.status_code == 403
    assert known.browser().get(url, headers={"Origin": "http://127.0.0.1:3333"}).status_code == 200
