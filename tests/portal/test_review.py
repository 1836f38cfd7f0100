"""The review desk: questions with both sides, decisions that bind, can be confirmed, refused and undone, and the workbook."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine, select, text

from hub.deployment import Deployment, load_deployment
from hub.matching.resolve import resolve
from hub.portal.app import build_app
from hub.settings import REPOSITORY, Settings
from hub.store.tables.portal import audit_event
from tests.matching.rows import accept, links, row, uscc
from tests.matching.test_decisions import COUNTY_ROWS, key_of, say
from tests.portal.conftest import Portal, proof

ASKED, OTHER = "云岫县牛山水果专业合作社", "云岫县牛蹄山水果专业合作社"
MORE_ROWS = [
    row("云岫县兴旺蔬菜专业合作社", uscc(4), representative="赵四", town="青溪镇", times=3),
    row("云岫县新兴旺蔬菜专业合作社", town="青溪镇", feed="demonstration"),
]


@pytest.fixture
def desk(portal: Portal) -> Portal:
    """A portal with one open question."""
    resolve(portal.engine, portal.deployment, accept(portal.engine, COUNTY_ROWS))
    return portal


def number_of(client: httpx.Client) -> str:
    found = re.search(r"/review/questions/([0-9A-F]{8})", client.get("/review").text)
    assert found
    return found[1]


def decide(client: httpx.Client, number: str, verdict: str, reason: str = "电话核实") -> httpx.Response:
    form = {"proof": proof(client), "verdict": verdict, "reason": reason}
    return client.post(f"/review/questions/{number}", data=form)


def post(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    return client.post(path, data={"proof": proof(client), **form}, follow_redirects=True)


def events(engine: Engine, event: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return list(connection.scalars(select(audit_event.c.details).where(audit_event.c.event == event)))


def test_a_question_shows_both_sides_their_sources_and_what_each_piece_of_evidence_adds(desk: Portal) -> None:
    office = desk.as_role("office")
    queue = office.get("/review").text
    assert ASKED in queue and OTHER in queue
    page = office.get(f"/review/questions/{number_of(office)}").text
    for shown in ("王小明", "白石镇", "第 2 行", "税务登记", '<svg class="waterfall"', "字号漏写或多写一字"):
        assert shown in page, shown
    assert "云岫县牛<mark>蹄</mark>山水果" in page
    assert "data-key" in page and 'value="unsure"' in page
    assert events(desk.engine, "question_viewed") == [{"question": number_of(office)}]


def test_an_answer_is_recorded_with_its_person_and_counts_after_linking_anew_until_it_is_undone(desk: Portal) -> None:
    office = desk.as_role("office")
    before = links(desk.engine)
    answered = decide(office, number_of(office), "same")
    assert answered.headers["location"] == "/review"
    assert "没有待判的问题" in office.get("/review").text
    assert links(desk.engine) == before
    assert "已重新关联" in post(office, "/review/relink").text
    assert links(desk.engine)[ASKED][1] == "decision"
    decisions = office.get("/review/decisions").text
    assert "the-office" in decisions and "电话核实" in decisions
    assert "请写明撤销的理由" in post(office, "/review/decisions/1/undo", reason="").text
    assert "已撤销" in post(office, "/review/decisions/1/undo", reason="弄错了").text
    post(office, "/review/relink")
    assert links(desk.engine) == before
    assert "弄错了" in office.get("/review/decisions?all=1").text
    assert "弄错了" not in office.get("/review/decisions").text
    assert [e["verdict"] for e in events(desk.engine, "question_decided")] == ["same"]
    assert len(events(desk.engine, "decision_revoked")) == 1


def test_after_an_answer_the_next_question_comes_and_skipping_leads_round(desk: Portal) -> None:
    resolve(desk.engine, desk.deployment, accept(desk.engine, MORE_ROWS))
    office = desk.as_role("office")
    numbers = list(dict.fromkeys(re.findall(r"/review/questions/([0-9A-F]{8})", office.get("/review").text)))
    assert len(numbers) == 2
    first, second = numbers
    assert f'href="/review/questions/{second}" data-key="n"' in office.get(f"/review/questions/{first}").text
    assert f'href="/review/questions/{first}" data-key="n"' in office.get(f"/review/questions/{second}").text
    assert decide(office, first, "unsure").headers["location"] == f"/review/questions/{second}"
    assert "上一个判断有误" in office.get(f"/review/questions/{second}").text
    assert decide(office, first, "same").headers["location"] == "/review"  # it is answered: nothing is asked twice


def test_a_contradiction_is_refused_with_its_chain_and_can_be_mended_there(desk: Portal) -> None:
    third = "云岫县石门茶叶专业合作社"
    say(desk.engine, ASKED, third, "same", "张三")
    say(desk.engine, third, OTHER, "different", "李四")
    office = desk.as_role("office")
    refused = decide(office, number_of(office), "same", "看着像")
    assert refused.status_code == 409
    for shown in (
        "矛盾",
        "张三",
        "李四",
        third,
        "/review/decisions/1/undo",
        "/review/decisions/2/undo",
        'value="看着像"',
    ):
        assert shown in refused.text, shown
    post(office, "/review/decisions/2/undo", reason="查无依据", back="queue")
    assert decide(office, number_of(office), "same").status_code == 303


@pytest.fixture
def careful(engine: Engine, settings: Settings, tmp_path: Path, serve: Callable[[Any], str]) -> Portal:
    """A portal of a county that wants a second pair of eyes before two become one."""
    folder = tmp_path / "county"
    shutil.copytree(REPOSITORY / "deployments" / "demo", folder)
    (folder / "review.yaml").write_text("second: joins\n", encoding="utf-8")
    county: Deployment = load_deployment(folder)
    resolve(engine, county, accept(engine, COUNTY_ROWS))
    return Portal(serve(build_app(engine, settings, county)), engine, settings, county)


def test_where_the_county_wants_it_a_join_waits_for_another_person(careful: Portal) -> None:
    office = careful.as_role("office")
    decide(office, number_of(office), "same")
    assert "须另一人" in office.get("/review/decisions").text
    assert "不能是判断人本人" in post(office, "/review/decisions/1/confirm").text
    post(office, "/review/relink")
    assert links(careful.engine)[ASKED][1] == "review"
    other = careful.enter(careful.add("deputy", "agriculture", "office"))
    assert "已复核" in post(other, "/review/decisions/1/confirm").text
    post(other, "/review/relink")
    assert links(careful.engine)[ASKED][1] == "decision"
    assert events(careful.engine, "decision_confirmed") == [{"decision": 1}]
    for client in careful.clients:
        client.close()


def test_the_queue_goes_out_as_a_workbook_and_answers_come_back(careful: Portal, tmp_path: Path) -> None:
    office = careful.as_role("office")
    sent = office.get("/review/export", params={"town": "白石镇"})
    path = tmp_path / "清单.xlsx"
    path.write_bytes(sent.content)
    book = load_workbook(path)
    sheet = book.active
    assert sheet is not None
    header = [c.value for c in sheet[1]]
    for line, (answer, who) in enumerate((("同一家", "白石镇 周"), ("不知道", "")), 2):
        sheet.cell(line, header.index("问题号") + 1, sheet.cell(2, header.index("问题号") + 1).value)
        sheet.cell(line, header.index("判断") + 1, answer)
        sheet.cell(line, header.index("判断人") + 1, who)
    book.save(path)
    with path.open("rb") as file:
        taken = office.post("/review/import", data={"proof": proof(office)}, files={"file": ("答复.xlsx", file)})
    assert taken.status_code == 200
    assert "不认识的判断“不知道”" in taken.text
    decisions = office.get("/review/decisions").text
    assert "白石镇 周" in decisions and "the-office 录入" in decisions
    # whoever typed another's answer in is no second pair of eyes
    assert "不能是判断人本人" in post(office, "/review/decisions/1/confirm").text
    assert events(careful.engine, "answers_imported") == [{"taken": 1, "refused": 1}]
    assert events(careful.engine, "questions_exported") == [{"questions": 1, "town": "白石镇"}]
    for client in careful.clients:
        client.close()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", "姓名,电话\n张三,1\n".encode()])
def test_a_file_that_is_no_questionnaire_is_refused_in_words_and_changes_nothing(desk: Portal, content: bytes) -> None:
    office = desk.as_role("office")
    answer = office.post(
        "/review/import", data={"proof": proof(office)}, files={"file": ("x.xlsx", content)}, follow_redirects=True
    )
    assert answer.status_code == 200
    assert "下一步：" in answer.text or "没有选择文件" in answer.text
    with desk.engine.connect() as connection:
        assert connection.scalar(text("select count(*) from decision")) == 0


def test_an_answered_recheck_is_not_asked_again_before_the_next_matching(desk: Portal) -> None:
    a, b = sorted((key_of(desk.engine, ASKED), key_of(desk.engine, OTHER)))
    say(desk.engine, ASKED, OTHER, "different")
    with desk.engine.begin() as connection:
        connection.execute(text("update candidate set kind = 'recheck' where profile_a = :a and profile_b = :b"), {"a": a, "b": b})  # fmt: skip
    office = desk.as_role("office")
    assert "判断后资料有变" in office.get("/review").text
    decide(office, number_of(office), "different")
    assert "没有待判的问题" in office.get("/review").text
    with desk.engine.connect() as connection:
        assert connection.scalar(text("select count(*) from decision where revoked_at is null")) == 1
