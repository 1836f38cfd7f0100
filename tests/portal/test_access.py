"""Closed by default: every page, as every role and as nobody; forged posts; strict headers; nothing of others."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from hub.portal.access import ANONYMOUS, NOBODY, Page
from hub.portal.pages import ALL_PAGES
from hub.store.tables.portal import ROLES, audit_event
from tests.portal.conftest import Portal, deliver, proof, publish

# What every role may open, written out: changing a page's `who` must change this too.
EXPECTED: dict[str, set[str]] = {
    "/": {"staff", "office", "operator", "auditor"},
    "/deliveries": {"staff", "office"},
    "/deliveries/{delivery_id:int}": {"staff", "office"},
    "/extracts": {"staff", "office"},
    "/extracts/{extract_id:int}": {"staff", "office"},
    "/extracts/{extract_id:int}/files/{place:int}": {"staff", "office"},
    "/nights": {"office", "operator"},
    "/nights/{run_id:int}": {"office", "operator"},
    "/alerts": {"office", "operator"},
    "/people": {"operator"},
    "/people/add": {"operator"},
    "/people/reset": {"operator"},
    "/people/active": {"operator"},
    "/ledger": {"office", "auditor"},
    "/events": {"auditor"},
    "/login": {"anonymous", "staff", "office", "operator", "auditor"},
    "/logout": {"staff", "office", "operator", "auditor"},
    "/password": {"staff", "office", "operator", "auditor"},
    "/language": {"anonymous", "staff", "office", "operator", "auditor"},
}


def concrete(page: Page) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "1", page.path)


def test_the_pages_are_open_to_whom_this_table_says_and_to_nobody_else() -> None:
    declared: dict[str, set[str]] = {}
    for page in ALL_PAGES:
        declared.setdefault(page.path, set()).update(page.who)
    assert declared == EXPECTED


def test_a_page_that_declares_nobody_is_open_to_nobody() -> None:
    assert Page("/x", lambda _: None).who == NOBODY == frozenset()  # type: ignore[arg-type,return-value]


def test_every_page_as_nobody_leads_to_the_login(portal: Portal) -> None:
    client = portal.browser()
    for page in ALL_PAGES:
        answer = client.request(page.method, concrete(page))
        if ANONYMOUS in page.who:
            assert answer.status_code < 404, page.path
        else:
            assert answer.status_code == 303, page.path
            assert answer.headers["location"].startswith("/login"), page.path


@pytest.mark.parametrize("role", ROLES)
def test_every_page_as_every_role_opens_or_refuses_as_declared(portal: Portal, role: str) -> None:
    deliver(portal.engine, "tax" if role == "staff" else "agriculture", "tax_registration", "登记.xlsx")
    publish(portal.engine, portal.settings, "tax" if role == "staff" else "agriculture")
    client = portal.as_role(role)
    token = proof(client)
    for page in ALL_PAGES:
        if page.path == "/logout":
            continue
        answer = client.request(page.method, concrete(page), data={"proof": token} if page.method == "POST" else None)
        if role not in page.who:
            assert answer.status_code == 403, (role, page.path)
        else:
            assert answer.status_code in {200, 303, 400, 403} if page.method == "POST" else {200, 303}, (
                role,
                page.path,
            )
            assert answer.status_code != 500, (role, page.path)


@pytest.mark.parametrize("role", ROLES)
def test_empty_pages_say_so_and_every_menu_entry_opens_in_both_languages(portal: Portal, role: str) -> None:
    client = portal.as_role(role)
    for language in ("zh", "en"):
        client.get("/language", params={"to": language})
        home = client.get("/").text
        links = set(re.findall(r'<li><a href="(/[a-z/]*)"', home))
        assert links
        for link in links:
            answer = client.get(link)
            assert answer.status_code == 200, link
            assert answer.text.count('aria-current="page"') == 1, link


def test_refusals_are_recorded(portal: Portal) -> None:
    client = portal.as_role("staff")
    client.get("/events")
    with portal.engine.connect() as connection:
        row = connection.execute(select(audit_event).where(audit_event.c.event == "access_refused")).mappings().one()
    assert (row["account"], row["details"]["path"]) == ("the-staff", "/events")


def test_another_departments_delivery_looks_like_none(portal: Portal) -> None:
    other = deliver(portal.engine, "market_supervision", "market_abnormal", "名录.xls")
    client = portal.as_role("staff")
    theirs, none = client.get(f"/deliveries/{other}"), client.get("/deliveries/424242")
    assert theirs.status_code == none.status_code == 404
    assert theirs.text.replace(f"deliveries/{other}", "") == none.text.replace("deliveries/424242", "")
    assert "名录.xls" not in client.get("/deliveries").text + client.get("/").text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ],
)
def test_posts_from_other_sites_change_nothing(portal: Portal, headers: dict[str, str]) -> None:
    client = portal.as_role("operator")
    data = {"proof": proof(client), "account": "xingmu", "name": "邢木", "department": "tax", "role": "operator"}
    assert client.post("/people/add", data=data, headers=headers).status_code == 403
    assert client.post("/login", data={"account": "x", "password": "y"}, headers=headers).status_code == 403
    assert "xingmu" not in client.get("/people").text


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_our_token_changes_nothing(portal: Portal, token: str | None) -> None:
    client = portal.as_role("operator")
    data: dict[str, Any] = {"account": "xingmu", "name": "邢木", "department": "tax", "role": "operator"}
    answer = client.post("/people/add", data=data if token is None else {**data, "proof": token})
    assert answer.status_code == 403
    assert "xingmu" not in client.get("/people").text


def test_a_form_of_ours_from_our_own_page_is_taken(portal: Portal) -> None:
    client = portal.as_role("operator")
    data = {"proof": proof(client), "account": "xingmu", "name": "邢木", "department": "tax", "role": "staff"}
    answer = client.post("/people/add", data=data, headers={"Origin": portal.url, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 200
    password = re.search(r"<code>([a-z0-9-]{19})</code>", answer.text)
    assert password
    assert portal.enter("xingmu", password[1]).get("/").headers["location"] == "/password"
    assert password[1] not in client.get("/people").text


def test_every_answer_carries_strict_headers(portal: Portal) -> None:
    client = portal.as_role("office")
    for path in ("/", "/login", "/nothing-here", "/events", "/static/portal.css", "/deliveries/99999999999999999999"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        if not path.startswith("/static"):
            assert headers["cache-control"] == "no-store", path


@pytest.mark.parametrize("role", ROLES)
def test_pages_hold_no_inline_style_or_script_and_fetch_nothing_from_elsewhere(portal: Portal, role: str) -> None:
    deliver(portal.engine, "tax", "tax_registration", "登记.xlsx")
    client = portal.as_role(role)
    for page in ALL_PAGES:
        if page.method != "GET" or role not in page.who or page.download:
            continue
        text = client.get(concrete(page)).text
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?! src=\"/static/)", text), page.path
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), page.path


def test_what_is_written_into_names_stays_text(portal: Portal) -> None:
    nasty = "<script>alert(1)</script>\"'>&.xlsx"
    number = deliver(portal.engine, "tax", "tax_registration", nasty)
    client = portal.as_role("staff")
    for path in ("/", "/deliveries", f"/deliveries/{number}"):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "/static/../app.py", "/static/%2e%2e/app.py", "/static/nothing.css", "/.git/config"]
)
def test_there_is_nothing_beside_the_pages(portal: Portal, path: str) -> None:
    assert portal.as_role("office").get(path).status_code == 404


def test_strange_numbers_and_filters_are_no_error(portal: Portal) -> None:
    client = portal.as_role("office")
    for path in ("/deliveries?page=0", "/deliveries?page=-3", "/deliveries?page=99999999999999", "/deliveries?page=٣",
                 "/deliveries?state=nonsense&feed=%00", "/ledger?department='%20or%201=1", "/nights?page=zz"):  # fmt: skip
        assert client.get(path).status_code == 200, path
    for path in ("/deliveries/99999999999999999999", "/nights/0", "/extracts/9223372036854775808", "/deliveries/abc"):
        assert client.get(path).status_code == 404, path


def test_the_office_sees_every_departments_deliveries_with_totals_and_reasons(portal: Portal) -> None:
    first = deliver(portal.engine, "tax", "tax_registration", "税务登记.xlsx")
    deliver(portal.engine, "market_supervision", "market_abnormal", "名录.xls", state="held", quarantined=0)
    client = portal.as_role("office")
    listing = client.get("/deliveries").text
    assert "税务登记.xlsx" in listing and "名录.xls" in listing
    assert "名录.xls" in client.get("/deliveries?state=held").text
    assert "税务登记.xlsx" not in client.get("/deliveries?state=held").text
    assert "这一格是空的，请补填日期。" in client.get(f"/deliveries/{first}").text
    assert "不到八成" in client.get("/").text
    assert client.get("/nights").status_code == client.get("/nights/1").status_code == 200


def test_the_operator_keeps_accounts_but_sees_no_rows(portal: Portal) -> None:
    number = deliver(portal.engine, "tax", "tax_registration", "税务登记.xlsx")
    client = portal.as_role("operator")
    assert client.get(f"/deliveries/{number}").status_code == 403
    assert client.get("/extracts").status_code == 403
    token = proof(client)
    answer = client.post("/people/active", data={"proof": token, "account": "the-operator", "active": "no"})
    assert answer.status_code == 400
    assert "最后一个" in answer.text


def test_only_refused_downloads_leave_no_trace_in_the_numbers(portal: Portal) -> None:
    client = portal.as_role("office")
    with portal.engine.connect() as connection:
        before = connection.scalar(select(func.count()).select_from(audit_event))
    client.get("/deliveries")
    with portal.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(audit_event)) == before
