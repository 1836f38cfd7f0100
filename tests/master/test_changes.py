"""What changed, in every category a joint meeting asks for; and the meetings from which it is counted."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from hub.cli import cli
from hub.errors import ConfigurationError
from hub.master.changes import CATEGORIES, changes_since
from hub.master.cleanup import Stage, cleanup_board
from hub.master.meetings import forget_meeting, last_meeting, meetings, note_meeting
from hub.settings import Settings
from tests.master.builder import County

SEPTEMBER, OCTOBER = date(2026, 10, 1), date(2026, 11, 1)


def code(coop: str) -> str:
    return f"9333912700000000{ord(coop)}"


def said(coop: str, **more: Any) -> dict[str, Any]:
    return {"coop": coop, "name": f"{coop}社专业合作社", **more}


def listed(coop: str, **more: Any) -> dict[str, Any]:
    return said(coop, code=code(coop), reason="no_report", listed_on=date(2026, 7, 9), **more)


@pytest.fixture
def county(engine: Engine) -> County:
    """A leaves the abnormal list, B wins a title and C rises, D and E lose theirs, F joins the platform and G leaves it, H's
    clean-up is closed, J's goes on."""
    c = County(engine).night(SEPTEMBER)
    c.deliver("market_abnormal", [listed("A")], as_of=SEPTEMBER)
    c.deliver(
        "demonstration",
        [said("C", level="county"), said("D", level="city", awarded_in=2020), said("E", level="provincial", awarded_in=2019)],
        as_of=SEPTEMBER,
    )  # fmt: skip
    c.deliver("traceability_subjects", [said("G", code=code("G"))], as_of=SEPTEMBER)
    ledger: list[dict[str, Any]] = [
        said("H", problem="stopped", proposed="rectify", progress="under_way", due_on=date(2026, 12, 1)),
        said("J", problem="no_members", proposed="deregister", progress="under_way", due_on=date(2026, 12, 31)),
    ]
    c.deliver("township_cleanup", ledger, town="白石镇", as_of=SEPTEMBER)
    c.project()
    c.night(OCTOBER)
    c.deliver("market_abnormal", [listed("A", removed_on=date(2026, 10, 20), removal_reason="reported")], as_of=OCTOBER)
    c.deliver(
        "demonstration",
        [said("B", level="city"), said("C", level="national"), said("D", level="city", awarded_in=2020, monitored_in=2026, monitoring="cancelled")],
        as_of=OCTOBER,
    )  # fmt: skip
    c.deliver("traceability_subjects", [said("F", code=code("F"))], as_of=OCTOBER)
    ledger[0] |= {"progress": "done", "closed_on": date(2026, 10, 25)}
    c.deliver("township_cleanup", ledger, town="白石镇", as_of=OCTOBER)
    c.project()
    return c


def test_every_category_of_change_is_told(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        changes = changes_since(c, SEPTEMBER)
    found = {name: {x.coop_id: (x.before, x.after) for x in items} for name, items in changes.items.items() if items}
    assert found["removed"] == {"A": ("2026-07-09", "")}
    assert found["titles_won"] == {"B": ("", "市级"), "C": ("县级", "国家级")}
    assert found["titles_lost"] == {"D": ("市级", ""), "E": ("省级", "")}
    assert set(found["platform_joined"]) == {"F"}
    assert set(found["platform_left"]) == {"G"}
    assert found["cleanup_closed"] == {"H": ("进行中", "已完成")}
    assert set(found["new"]) == {"B", "F"}
    assert set(found) <= set(CATEGORIES)


def test_the_board_tells_what_the_township_found_and_what_is_closed(county: County, engine: Engine) -> None:
    with engine.connect() as c:
        board = {e.coop_id: e for e in cleanup_board(c).entries}
        before = {e.coop_id: e.stage for e in cleanup_board(c, known_at=SEPTEMBER).entries}
    assert (board["J"].stage, board["J"].problem, board["J"].proposed, board["J"].progress) == (
        Stage.OPEN, "无农民成员实际参与", "注销", "进行中",
    )  # fmt: skip
    assert (board["H"].stage, board["H"].closed_on, board["H"].days_overdue) == (Stage.CLOSED, date(2026, 10, 25), 0)
    assert before["H"] is Stage.OPEN


def test_changes_are_counted_from_the_last_meeting_held(county: County, engine: Engine) -> None:
    with engine.begin() as c:
        with pytest.raises(ConfigurationError, match="还没有登记过联席会议"):
            last_meeting(c, OCTOBER)
        for day in (date(2026, 10, 8), date(2026, 9, 1), date(2026, 10, 8)):
            note_meeting(c, day, by="办公室李", note=" 第三次 ", today=OCTOBER)
        with pytest.raises(ConfigurationError, match="还没有到"):
            note_meeting(c, date(2026, 11, 2), by="办公室李", today=OCTOBER)
        assert [(m.held_on, m.note) for m in meetings(c)] == [
            (date(2026, 10, 8), "第三次"), (date(2026, 9, 1), "第三次"),
        ]  # fmt: skip
        assert last_meeting(c, OCTOBER) == date(2026, 10, 8)
        assert last_meeting(c, date(2026, 10, 7)) == date(2026, 9, 1)
        assert changes_since(c, last_meeting(c, OCTOBER)).from_date == SEPTEMBER
        forget_meeting(c, date(2026, 10, 8))
        assert last_meeting(c, OCTOBER) == date(2026, 9, 1)
        with pytest.raises(ConfigurationError, match="没有登记过 2026-10-08"):
            forget_meeting(c, date(2026, 10, 8))


def test_the_command_line_notes_meetings_and_tells_changes_since(
    county: County, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value() if settings.database_url else ""
    )
    monkeypatch.setenv("COOP_HUB_DATA", str(settings.data))
    monkeypatch.setenv("COOP_HUB_TODAY", OCTOBER.isoformat())

    def run(*words: str) -> str:
        return CliRunner().invoke(cli, [*words], catch_exceptions=False).output

    run("meetings", "held", "2026-10-08", "--by", "办公室李")
    assert "2026-10-08" in run("meetings", "list")
    told = run("changes", "--since", "meeting")
    assert "2026-10-01 → 2026-11-01" in told and "移出经营异常名录" in told
    assert "不是日期" in run("changes", "--since", "去年")
    run("meetings", "forget", "2026-10-08")
    assert "2026-10-08" not in run("meetings", "list")
