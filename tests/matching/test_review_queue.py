"""The best questions come first: the one whose answer settles most rows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from hub.matching.decisions import decide
from hub.matching.resolve import resolve
from hub.matching.review import next_number, open_questions
from tests.matching.rows import accept, county_deployment, links, row, uscc

# a known cooperative, how a row writes it with a character lost, how many rows do
DOUBTFUL = (
    ("云岫县牛蹄山水果专业合作社", "云岫县牛山水果专业合作社", 1),
    ("云岫县大河湾茶叶专业合作社", "云岫县大湾茶叶专业合作社", 5),
    ("云岫县白云岭生猪专业合作社", "云岫县白岭生猪专业合作社", 3),
)


def test_the_question_whose_answer_settles_most_rows_is_asked_first_and_its_answer_settles_them(
    engine: Engine, tmp_path: Path
) -> None:
    deployment = county_deployment(tmp_path)
    rows = [row(known, uscc(n), representative=f"王{n}明", town="白石镇") for n, (known, *_) in enumerate(DOUBTFUL, 1)]
    rows += [row(lost, feed="demonstration", times=times) for _, lost, times in DOUBTFUL]
    summary = resolve(engine, deployment, accept(engine, rows))
    assert summary.rows["review"] == 9
    with engine.begin() as connection:
        asked = open_questions(connection)
        assert [(q.asked.name, q.rows) for q in asked] == [(DOUBTFUL[i][1], DOUBTFUL[i][2]) for i in (1, 2, 0)]
        assert next_number(connection, asked[0].number) == asked[1].number
        assert [q.number for q in open_questions(connection, limit=1, offset=1)] == [asked[1].number]
        best = asked[0]
        decide(connection, best.asked.profile_key, best.other.profile_key, "same", person="张三", reason="核实")
    assert resolve(engine, deployment, None).rows["review"] == 9 - best.rows
    assert links(engine)[DOUBTFUL[1][1]][1] == "decision"
