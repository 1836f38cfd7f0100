"""A small county of three feeds, made by hand, and a night over it without Dagster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub import night as nights
from hub.deployment import Deployment, load_deployment
from hub.identifiers.codes import make_uscc, organisation_check_character
from hub.night import Night
from hub.settings import Settings


def uscc(number: int) -> str:
    """A valid, fictional USCC of a cooperative."""
    first8 = f"{number:08d}"
    return make_uscc("339199", first8 + organisation_check_character(first8))


def abnormal_csv(
    rows: list[tuple[str, str, str, str]], *, headers: str = "企业名称,统一社会信用代码/注册号,列入原因,列入日期"
) -> bytes:
    """A list of abnormal operations as its CSV: (name, code, reason, date) a row."""
    return "\n".join([headers, *(",".join(r) for r in rows), ""]).encode("gb18030")


NO_REPORT = "未按规定报送年度报告"


def abnormal_rows(count: int, start: int = 1) -> list[tuple[str, str, str, str]]:
    brands = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒"  # thirty
    return [
        (f"云山县{brands[n % 30]}{brands[(n * 7 + 3 + n // 30) % 30]}茶叶专业合作社", uscc(n), NO_REPORT, "2026-07-20")
        for n in range(start, start + count)
    ]


@pytest.fixture
def county(tmp_path: Path) -> Path:
    """A deployment with nothing but a name, two towns, and quarantine limits left at their defaults."""
    folder = tmp_path / "county"
    folder.mkdir()
    (folder / "county.yaml").write_text(
        "name: 云山县\ncode: '339199'\ncity: 云江市\ntowns:\n  - {name: 东河镇}\n  - {name: 西山乡}\n", encoding="utf-8"
    )
    return folder


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "market_abnormal").mkdir(parents=True)
    return folder


RunNight = Callable[..., Night]


@pytest.fixture
def run_night(engine: Engine, settings: Settings, county: Path, inbox: Path) -> RunNight:
    """Runs the steps of a night in order; `until` stops after the named one, as a kill would."""
    deployment: Deployment = load_deployment(county)
    count = iter(range(1, 100))

    def run(until: str | None = None) -> Night:
        night = nights.open_night(engine, settings, deployment, dagster_run_id=f"test-{next(count)}", inbox=inbox)
        run_steps(night, until)
        return night

    return run


def run_steps(night: Night, until: str | None = None) -> None:
    """All steps of a night over all feeds of its county; `until` stops after the named one."""
    feeds = sorted(night.deployment.feed_by_name)
    for name, step in (
        ("fetch", lambda: nights.fetch_deliveries(night, feeds)),
        ("stage", lambda: nights.stage_deliveries(night, feeds)),
        ("accept", lambda: nights.accept_deliveries(night, feeds)),
        ("match", lambda: nights.link_profiles(night)),
        ("master", lambda: nights.project_master(night)),
        ("publish", lambda: nights.publish_extracts(night)),
        ("close", lambda: (nights.check_the_house(night), nights.close_night(night))),
    ):
        step()
        if name == until:
            return
