"""Closed by default: every page, as every role and as nobody; forged posts; strict headers; nothing of others."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, text

from hub.master.datasets import DATASETS
from hub.portal.access import ANONYMOUS, NOBODY, Page
from hub.portal.pages import ALL_PAGES
from hub.sharing.corrections import Dispute, Person, raise_correction
from hub.sharing.working_days import working_calendar
from hub.store.tables.portal import ROLES, audit_event
from tests.portal.conftest import Portal, deliver, proof

ALL, LOGGED_IN = {"anonymous", *ROLES}, set(ROLES)
SENDERS, OFFICE = {"staff", "office"}, {"office"}
# What every role may open, written out: changing a page's `who` must change this too.
EXPECTED: dict[str, set[str]] = {
    "GET /": LOGGED_IN,
    "GET /deliveries": SENDERS,
    "GET /deliveries/upload": SENDERS,
    "POST /deliveries/upload": SENDERS,
    "GET /deliveries/{delivery_id:int}": SENDERS,
    "GET /deliveries/{delivery_id:int}/look": SENDERS,
    "GET /deliveries/{delivery_id:int}/return": SENDERS,
    "GET /deliveries/{delivery_id:int}/original": SENDERS,
    "POST /deliveries/{delivery_id:int}/decide": OFFICE,
    "POST /deliveries/{delivery_id:int}/header": OFFICE,
    "GET /review": OFFICE,
    "GET /review/questions/{number}": OFFICE,
    "POST /review/questions/{number}": OFFICE,
    "GET /review/decisions": OFFICE,
    "POST /review/decisions/{decision_id:int}/confirm": OFFICE,
    "POST /review/decisions/{decision_id:int}/undo": OFFICE,
    "POST /review/relink": OFFICE,
    "GET /review/export": OFFICE,
    "POST /review/import": OFFICE,
    "GET /corrections": SENDERS,
    "GET /corrections/new": SENDERS,
    "POST /corrections/new": SENDERS,
    "GET /corrections/{correction_id:int}": SENDERS,
    "POST /corrections/{correction_id:int}": SENDERS,
    "GET /corrections/{correction_id:int}/evidence/{place:int}": SENDERS,
    "GET /cooperatives": OFFICE,
    "GET /cooperatives/{coop}": OFFICE,
    "GET /cooperatives/{coop}/dossier.json": OFFICE,
    "GET /cooperatives/{coop}/dossier.docx": OFFICE,
    "GET /targets": OFFICE,
    "GET /changes": OFFICE,
    "GET /changes/bulletin.docx": OFFICE,
    "POST /changes/meetings": OFFICE,
    "GET /cleanup": OFFICE,
    "GET /match": SENDERS,
    "POST /match": SENDERS,
    "POST /match/address": SENDERS,
    "POST /match/close": SENDERS,
    "GET /extracts": SENDERS,
    "POST /extracts/acknowledge": SENDERS,
    "GET /extracts/{extract_id:int}": SENDERS,
    "GET /extracts/{extract_id:int}/rows": SENDERS,
    "GET /extracts/{extract_id:int}/nights": SENDERS,
    "GET /extracts/{extract_id:int}/{form}": SENDERS,
    "GET /sharing": {"office", "auditor"},
    "POST /sharing/{extract_id:int}/recall": OFFICE,
    "GET /agreements": SENDERS,
    "GET /agreements/{agreement}": SENDERS,
    "POST /agreements/{agreement}": OFFICE,
    "GET /catalogue": LOGGED_IN,
    "GET /catalogue.xlsx": LOGGED_IN,
    "GET /catalogue/{code}": LOGGED_IN,
    "GET /nights": {"office", "operator"},
    "GET /nights/{run_id:int}": {"office", "operator"},
    "GET /alerts": {"office", "operator"},
    "GET /people": {"operator"},
    "POST /people/add": {"operator"},
    "POST /people/reset": {"operator"},
    "POST /people/active": {"operator"},
    "GET /ledger": {"office", "auditor"},
    "GET /events": {"auditor"},
    "GET /ledger/who": {"office", "auditor"},
    "GET /trace": {"office", "auditor"},
    "POST /trace": {"office", "auditor"},
    "POST /ledger/check": {"office", "auditor"},
    "GET /heads": {"staff", "office", "auditor"},
    "GET /heads/{seq:int}/head.json": {"staff", "office", "auditor"},
    "GET /login": ALL,
    "POST /login": ALL,
    "POST /logout": LOGGED_IN,
    "GET /password": LOGGED_IN,
    "POST /password": LOGGED_IN,
    "GET /language": ALL,
}


def concrete(page: Page) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "1", page.path)


def test_the_pages_are_open_to_whom_this_table_says_and_to_nobody_else() -> None:
    assert {f"{p.method} {p.path}": set(p.who) for p in ALL_PAGES} == EXPECTED
    assert len(ALL_PAGES) == len(EXPECTED)


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


def real_path(portal: Portal, page: Page, department: str) -> str:
    """The page's address with things that are there and belong to the department."""
    with portal.engine.connect() as connection:

        def first(query: str) -> str:
            return str(connection.execute(text(query), {"d": department}).scalars().first() or 1)

        values = {
            "delivery_id": first("select delivery_id from delivery where department = :d and state = 'accepted'"),
            "extract_id": first("select max(extract_id) from extract where department = :d"),
            "run_id": first("select max(run_id) from run"),
            "coop": first("select coop_id from cooperative order by 1"),
            "agreement": f"master_to_{department}" if department == "agriculture" else "tax_summary_to_tax",
            "code": f"{portal.deployment.county.code}-in-tax_registration",
            "correction_id": first("select correction_id from correction"),
            "form": "csv",
            "place": "0",
            "seq": first("select seq from ledger where event = 'head_exported'"),
            "number": first(
                "select upper(left(encode(sha256(convert_to(profile_a || profile_b, 'UTF8')), 'hex'), 8)) from candidate"
            ),
            "decision_id": first("select decision_id from decision"),
        }
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda m: values[m[1]], page.path)
    return path + f"?extract={values['extract_id']}&coop={values['coop']}" if path == "/corrections/new" else path


@pytest.mark.parametrize("role", ROLES)
def test_every_page_as_every_role_opens_or_refuses_as_declared(lived: Portal, role: str) -> None:
    client = lived.as_role(role)
    token = proof(client)
    department = "tax" if role == "staff" else "agriculture"
    with lived.engine.begin() as connection:
        coop = connection.execute(text("select coop_id from cooperative order by 1 limit 1")).scalar_one()
        raise_correction(
            connection, lived.deployment, working_calendar(lived.deployment),
            Dispute("tax_registrations", coop, "地址已变更", field="status", evidence=[{"name": "a.pdf", "sha256": "0" * 64}]),
            Person("x", department),
            datasets=DATASETS, today=date(2026, 11, 30),
        )  # fmt: skip
    for page in ALL_PAGES:
        path = real_path(lived, page, department)
        answer = client.request(page.method, path, data={"proof": token} if page.method == "POST" else None)
        if page.path in ("/logout", "/password") and page.method == "POST":
            client = lived.enter(f"the-{role}")
            token = proof(client)
        elif role not in page.who:
            assert answer.status_code == 403 and "没有权限" in answer.text, (role, page.path)
        elif page.method == "GET":
            not_theirs = page.path.startswith("/heads/") and role == "staff" and answer.status_code == 404
            no_return = ("/return" in page.path or "/evidence/" in page.path) and answer.status_code < 500
            assert answer.status_code in {200, 303} or not_theirs or no_return, (
                role,
                path,
                re.sub(r"<[^>]+>|\s+", " ", answer.text)[-400:],
            )
        else:
            assert answer.status_code < 500 and "没有权限" not in answer.text, (role, path)


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
            assert answer.text.count(f'<a href="{link}" aria-current="page">') == 2, link  # beside the page, and folded
            assert answer.text.count('aria-current="page"') == 2, link


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
def test_pages_hold_no_inline_style_or_script_and_fetch_nothing_from_elsewhere(lived: Portal, role: str) -> None:
    client = lived.as_role(role)
    for page in ALL_PAGES:
        if page.method != "GET" or role not in page.who or page.download:
            continue
        html = client.get(real_path(lived, page, "tax" if role == "staff" else "agriculture")).text
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?! src=\"/static/)", html), page.path
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html), page.path


def test_what_is_written_into_names_stays_text(portal: Portal) -> None:
    nasty = "<script>alert(1)</script>\"'>&.xlsx"
    number = deliver(portal.engine, "tax", "tax_registration", nasty)
    client = portal.as_role("staff")
    for path in ("/", "/deliveries", f"/deliveries/{number}"):
        html = client.get(path).text
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert" in html


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


@pytest.mark.slow
@pytest.mark.parametrize("role", ["staff", "office", "operator", "auditor"])
def test_no_link_leads_where_its_reader_may_not_go(lived: Portal, role: str) -> None:
    client = lived.as_role(role)
    waiting, seen = ["/"], set[str]()
    while waiting and len(seen) < 60:
        path = waiting.pop(0)
        answer = client.get(path, follow_redirects=True)
        assert answer.status_code == 200, path
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]*)', answer.text)]
        # one page of a kind is enough, and neither files nor the other language
        kinds = {re.sub(r"\d+|[0-9A-Z]{7}", "n", link.partition("?")[0]): link for link in reversed(links)}
        for kind, link in kinds.items():
            if kind not in seen and not re.match(r"/(static|language|logout)", kind):
                seen.add(kind)
                waiting.append(link)
    assert len(seen) > 5
