"""A night's matching: links, ids, events and questions in the database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from hub.matching.coop_id import is_coop_id
from hub.matching.resolve import resolve
from tests.matching.rows import accept, county_deployment, links, row, uscc


def test_rows_of_one_cooperative_share_an_id_and_say_why(engine: Engine, tmp_path: Path) -> None:
    code = uscc(1)
    run_id = accept(
        engine,
        [
            row("云岫县兴旺果蔬专业合作社", code, representative="王小明", town="白石镇"),
            row("云岫县兴旺果蔬农民专业合作社", code[2:8] + code[8:17], feed="market_abnormal"),
            row("兴旺果蔬合作社", town="白石镇", feed="demonstration"),
            row("云岫县兴望果蔬专业合作社", representative="王小明", feed="supply_marketing"),
            row("云岫县兴盛果蔬专业合作社", uscc(2), representative="李大山", town="青溪镇"),
        ],
    )
    summary = resolve(engine, county_deployment(tmp_path), run_id)
    found = links(engine)
    assert summary.changed
    assert summary.cooperatives == 2
    same = {found[n][0] for n in found if "兴盛" not in n}
    assert len(same) == 1
    assert all(is_coop_id(str(i)) for i, _ in found.values())
    assert found["兴旺果蔬合作社"][1] == "name"
    assert found["云岫县兴望果蔬专业合作社/王小明"][1] == "model"
    assert {kind for _, kind in found.values()} >= {"identifier", "new"}
    with engine.connect() as connection:
        reasons = connection.execute(text("select reason, evidence::text from link")).all()
    assert all(r.reason.endswith("。") for r in reasons)
    assert not any("王小明" in r.reason + r.evidence for r in reasons)


@pytest.mark.parametrize("worth_putting_off", [0, 50_000])
def test_the_first_links_are_noted_as_moved_whether_many_or_few(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth_putting_off: int
) -> None:
    monkeypatch.setattr("hub.matching.resolve._LARGE", worth_putting_off)
    run_id = accept(
        engine, [row("云岫县兴旺果蔬专业合作社", uscc(1)), row("兴旺果蔬合作社"), row("云岫县石门茶叶专业合作社")]
    )
    resolve(engine, county_deployment(tmp_path), run_id)
    with engine.connect() as connection:
        moved = connection.execute(text("select profile_key from moved_link order by 1")).scalars().all()
        linked = connection.execute(text("select profile_key from link order by 1")).scalars().all()
        noting = connection.execute(
            text(
                "select tgenabled::text from pg_trigger where tgrelid = cast('link' as regclass) and tgname = 'note_insert'"
            )
        ).scalar_one()
    assert len(linked) == 3
    assert moved == linked
    assert noting == "O"


def test_a_night_without_changes_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    accept(engine, [row("云岫县兴旺果蔬专业合作社", uscc(1)), row("兴旺果蔬合作社")])
    run_id = accept(engine, [row("云岫县石门茶叶专业合作社")])
    first = resolve(engine, deployment, run_id)
    before = links(engine)
    second = resolve(engine, deployment, run_id)
    assert (first.changed, second.changed) == (True, False)
    assert second.links == first.links
    assert links(engine) == before


def test_ids_stay_when_rows_come_and_a_code_makes_two_into_one(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    run_id = accept(
        engine,
        [
            row("云岫县兴旺果蔬专业合作社", uscc(1), representative="王小明"),
            row("云岫县大山里蔬菜专业合作社", representative="李大山", feed="demonstration"),
        ],
    )
    resolve(engine, deployment, run_id)
    before = links(engine)
    run_id = accept(
        engine,
        [row("云岫县大山里蔬菜专业合作社", uscc(1), representative="李大山", former_name="云岫县兴旺果蔬专业合作社")],
    )
    summary = resolve(engine, deployment, run_id)
    after = links(engine)
    oldest = before["云岫县兴旺果蔬专业合作社/王小明"][0]
    other = before["云岫县大山里蔬菜专业合作社/李大山"][0]
    assert {i for i, _ in after.values()} <= {oldest, other}
    assert len({i for i, _ in after.values()}) == 1
    assert summary.events == {"merged": 1}
    with engine.connect() as connection:
        event = connection.execute(text("select * from id_event where kind = 'merged'")).one()
        redirect = connection.execute(
            text("select redirects_to from cooperative_id where coop_id = :i"), {"i": event.coop_id}
        ).scalar_one()
    assert redirect == event.other_id == next(iter(after.values()))[0]


def test_one_code_under_two_names_is_a_question_and_no_merge(engine: Engine, tmp_path: Path) -> None:
    run_id = accept(
        engine,
        [
            row("云岫县兴旺果蔬专业合作社", uscc(1), times=2),
            row("云岫县石门茶叶专业合作社", uscc(2), times=2),
            row("云岫县石门茶叶专业合作社", uscc(1), feed="market_abnormal", representative="赵钱孙"),
        ],
    )
    summary = resolve(engine, county_deployment(tmp_path), run_id)
    found = links(engine)
    assert summary.questions == 1
    assert found["云岫县石门茶叶专业合作社/赵钱孙"] == (None, "review")
    assert found["云岫县兴旺果蔬专业合作社"][0] != found["云岫县石门茶叶专业合作社"][0]


@pytest.mark.parametrize("rows", [[], [row(None, "11010519491231002X")]])
def test_nothing_to_go_by_is_no_error(engine: Engine, tmp_path: Path, rows: list[dict[str, object]]) -> None:
    run_id = accept(engine, rows)
    summary = resolve(engine, county_deployment(tmp_path), run_id)
    assert summary.cooperatives == 0
