"""Decisions bind until revoked, contradictions are refused with their chain, and undoing brings the old ids back."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from hub.errors import ConflictError, FormatError, PermissionRefusedError
from hub.matching.decisions import confirm, decide, list_decisions, revoke
from hub.matching.resolve import resolve
from hub.matching.review import find_question, open_questions
from hub.matching.review_sheet import read_answers, write_questions
from tests.matching.rows import accept, county_deployment, links, row, uscc

COUNTY_ROWS = [
    row("云岫县牛蹄山水果专业合作社", uscc(1), representative="王小明", town="白石镇", times=2),
    row("云岫县牛山水果专业合作社", feed="demonstration"),
    row("云岫县石门茶叶专业合作社", uscc(2), representative="李大山", town="青溪镇"),
    row("云岫县龙潭生猪专业合作社", uscc(3), representative="孙三", town="龙潭镇"),
]


def key_of(engine: Engine, name: str) -> str:
    with engine.connect() as connection:
        found = connection.execute(text("select profile_key from profile where name = :n"), {"n": name}).scalars().all()
    assert len(found) == 1
    return str(found[0])


def say(engine: Engine, a: str, b: str, verdict: str, person: str = "张三", **more: bool) -> int:
    with engine.begin() as connection:
        return decide(
            connection, key_of(engine, a), key_of(engine, b), verdict, person=person, reason="电话核实", **more
        )


def test_a_doubtful_row_waits_and_goes_where_a_person_says(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    run_id = accept(engine, COUNTY_ROWS)
    resolve(engine, deployment, run_id)
    before = links(engine)
    assert before["云岫县牛山水果专业合作社"] == (None, "review")
    with engine.begin() as connection:
        (question,) = open_questions(connection)
        assert question.asked.name == "云岫县牛山水果专业合作社"
        assert question.other.name == "云岫县牛蹄山水果专业合作社"
        assert question.other.sources[0].row == 2
        assert {i["field"] for i in question.items} >= {"name"}
        assert find_question(connection, question.number) == question
        number = decide(
            connection, question.asked.profile_key, question.other.profile_key, "same", person="张三", reason="核实"
        )
    assert resolve(engine, deployment, None).changed
    joined = links(engine)
    assert joined["云岫县牛山水果专业合作社"] == (before["云岫县牛蹄山水果专业合作社/王小明"][0], "decision")
    with engine.begin() as connection:
        assert open_questions(connection) == []
        revoke(connection, number, person="李四", reason="弄错了")
    resolve(engine, deployment, None)
    assert links(engine) == before


def test_a_different_one_gets_an_id_of_its_own_and_is_not_asked_again(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    run_id = accept(engine, COUNTY_ROWS)
    resolve(engine, deployment, run_id)
    say(engine, "云岫县牛山水果专业合作社", "云岫县牛蹄山水果专业合作社", "different")
    resolve(engine, deployment, None)
    found = links(engine)
    assert found["云岫县牛山水果专业合作社"][1] == "new"
    assert found["云岫县牛山水果专业合作社"][0] != found["云岫县牛蹄山水果专业合作社/王小明"][0]
    with engine.connect() as connection:
        assert open_questions(connection) == []


def test_unsure_is_not_asked_again_until_a_side_says_something_new(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    resolve(engine, deployment, accept(engine, COUNTY_ROWS))
    say(engine, "云岫县牛山水果专业合作社", "云岫县牛蹄山水果专业合作社", "unsure")
    resolve(engine, deployment, accept(engine, [row("云岫县和平果蔬专业合作社")]))
    with engine.connect() as connection:
        assert open_questions(connection) == []
    assert links(engine)["云岫县牛山水果专业合作社"] == (None, "review")
    news = [row("云岫县牛蹄山水果专业合作社", uscc(1), representative="王小亮", town="白石镇")]
    resolve(engine, deployment, accept(engine, news))
    with engine.connect() as connection:
        assert len(open_questions(connection)) == 1


def test_a_binding_answer_is_asked_again_only_when_facts_change(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    resolve(engine, deployment, accept(engine, COUNTY_ROWS))
    first = say(engine, "云岫县牛山水果专业合作社", "云岫县牛蹄山水果专业合作社", "same")
    with pytest.raises(ConflictError, match="已由张三判断"):
        say(engine, "云岫县牛蹄山水果专业合作社", "云岫县牛山水果专业合作社", "different")
    news = [row("云岫县牛山水果专业合作社", None, representative="赵六", town="白石镇", feed="supply_marketing")]
    resolve(engine, deployment, accept(engine, news))
    with engine.begin() as connection:
        rechecks = [q for q in open_questions(connection) if q.kind == "recheck"]
        assert len(rechecks) == 1
        q = rechecks[0]
        decide(connection, q.asked.profile_key, q.other.profile_key, "different", person="李四", reason="重新核实")
        standing = list_decisions(connection)
    assert [d.verdict for d in standing] == ["different"]
    assert first not in {d.decision_id for d in standing}


def test_a_decision_cuts_even_what_one_code_joins(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    rows = [
        row("云岫县兴旺果蔬专业合作社", uscc(1), representative="王小明", times=3),
        row("云岫县兴望果蔬专业合作社", uscc(1), representative="钱二"),
    ]
    resolve(engine, deployment, accept(engine, rows))
    assert len({i for i, _ in links(engine).values()}) == 1
    say(engine, "云岫县兴旺果蔬专业合作社", "云岫县兴望果蔬专业合作社", "different")
    resolve(engine, deployment, None)
    assert len({i for i, _ in links(engine).values()}) == 2
    with engine.connect() as connection:
        assert connection.execute(text("select kind from id_event order by seq")).scalars().all() == ["new", "split"]


def test_a_contradiction_is_refused_with_the_chain_that_causes_it(engine: Engine, tmp_path: Path) -> None:
    resolve(engine, county_deployment(tmp_path), accept(engine, COUNTY_ROWS))
    a, b, c, d = (str(r["name"]) for r in COUNTY_ROWS)
    say(engine, a, b, "same")
    say(engine, b, c, "same", person="李四")
    with pytest.raises(ConflictError, match=r"李四.*牛蹄山") as refused:
        say(engine, a, c, "different")
    assert "第 1 号" in str(refused.value)
    say(engine, c, d, "different")
    with pytest.raises(ConflictError, match="矛盾"):
        say(engine, a, d, "same")
    with engine.begin() as connection:
        revoke(connection, 2, person="李四", reason="看错")
    say(engine, a, d, "same")


def test_a_second_pair_of_eyes_is_another_person_and_only_then_it_binds(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    resolve(engine, deployment, accept(engine, COUNTY_ROWS))
    number = say(engine, "云岫县牛山水果专业合作社", "云岫县牛蹄山水果专业合作社", "same", second=True)
    resolve(engine, deployment, None)
    assert links(engine)["云岫县牛山水果专业合作社"][1] == "review"
    with engine.begin() as connection, pytest.raises(PermissionRefusedError):
        confirm(connection, number, person="张三")
    with engine.begin() as connection:
        confirm(connection, number, person="李四")
    resolve(engine, deployment, None)
    assert links(engine)["云岫县牛山水果专业合作社"][1] == "decision"


def test_townships_answer_in_a_workbook(engine: Engine, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    resolve(engine, county_deployment(tmp_path), accept(engine, COUNTY_ROWS))
    path = tmp_path / "待判清单.xlsx"
    with engine.connect() as connection:
        assert write_questions(path, open_questions(connection)) == 1
        assert open_questions(connection, town="龙潭镇") == []
    book = load_workbook(path)
    sheet = book.active
    assert sheet is not None
    header = [c.value for c in sheet[1]]
    sheet.cell(2, header.index("判断") + 1, "同一家")
    sheet.append(["FFFFFFFF"] + [None] * (header.index("判断") - 1) + ["不知道", "王五"])
    book.save(path)
    with engine.begin() as connection:
        done = read_answers(connection, path, person="白石镇 周")
        assert [a.problem is None for a in done] == [True, False]
        assert "不认识的判断" in str(done[1].problem)
        assert list_decisions(connection)[0].person == "白石镇 周"


def test_a_file_that_is_no_queue_is_refused_with_what_to_do(engine: Engine, tmp_path: Path) -> None:
    from openpyxl import Workbook

    path = tmp_path / "x.xlsx"
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["合作社名称", "判断"])
    sheet.append(["云岫县石门茶叶专业合作社", "同一家"])
    book.save(path)
    with engine.begin() as connection, pytest.raises(FormatError, match="问题号"):
        read_answers(connection, path, person="张三")
    for nothing in (b"", b"no workbook", b"PK\x03\x04 cut off"):
        path.write_bytes(nothing)
        with engine.begin() as connection, pytest.raises(FormatError, match="下一步"):
            read_answers(connection, path, person="张三")
