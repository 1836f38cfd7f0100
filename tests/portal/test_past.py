"""An extract for a past day, or as known on a past night: right rows, on the record, and never taken for the newest."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from sqlalchemy import func, select, text

from hub.cli import cli
from hub.errors import ConfigurationError, PermissionRefusedError
from hub.sharing import publish_past, verify_extracts
from hub.sharing.ledger import verify
from hub.sharing.recall import who_received
from hub.store.tables.sharing import extract, extract_copy
from tests.portal.conftest import Portal

TODAY = date(2026, 11, 30)
ABNORMAL = "abnormal_decisions_to_tax"


def rows_of(lived: Portal, extract_id: int) -> list[dict[str, object]]:
    with lived.engine.connect() as connection:
        files = connection.scalar(select(extract.c.files).where(extract.c.extract_id == extract_id))
    assert files
    path = next(f["path"] for f in files if f["format"] == "parquet")
    return list(pq.read_table(lived.settings.data / path).to_pylist())


def nightly(lived: Portal, agreement: str) -> list[tuple[int, date]]:
    with lived.engine.connect() as connection:
        found = connection.execute(
            select(extract.c.extract_id, extract.c.business_date)
            .where(extract.c.agreement == agreement, ~extract.c.past)
            .order_by(extract.c.extract_id)
        )
        return [(r.extract_id, r.business_date) for r in found]


def past(lived: Portal, agreement: str = ABNORMAL, **when: date) -> int:
    made = publish_past(lived.engine, lived.deployment, lived.settings, agreement, person="office", today=TODAY, **when)
    return made.extract_id


def test_as_known_on_a_past_night_it_equals_what_that_night_published(lived: Portal) -> None:
    (first, night), *later = nightly(lived, ABNORMAL)
    assert later, "the second night changed the list"
    again = past(lived, known_at=night)
    assert rows_of(lived, again) == rows_of(lived, first)
    assert rows_of(lived, again) != rows_of(lived, later[-1][0])
    assert past(lived, known_at=night) == again  # asked twice, made once


def test_as_of_a_past_day_it_holds_only_what_was_true_then(lived: Portal) -> None:
    day = date(2026, 6, 30)
    made = rows_of(lived, past(lived, as_of=day))
    newest = rows_of(lived, nightly(lived, ABNORMAL)[-1][0])
    assert 0 < len(made) < len(newest)
    assert all(str(r["listed_on"]) <= day.isoformat() for r in made)


def test_it_is_on_the_record_but_never_the_newest(lived: Portal, tmp_path: Path) -> None:
    before = nightly(lived, ABNORMAL)
    with lived.engine.connect() as connection:
        open_runs = connection.scalar(text("select count(*) from extract_cooperative where until_extract is null"))
    number = past(lived, as_of=date(2026, 6, 30))
    assert nightly(lived, ABNORMAL) == before
    staff = lived.as_role("staff")
    assert "回溯至 2026-06-30" in staff.get("/extracts").text
    assert "回溯至 2026-06-30" not in staff.get("/").text
    answer = staff.get(f"/extracts/{number}/xlsx")
    assert answer.status_code == 200
    (tmp_path / "x.xlsx").write_bytes(answer.content)
    cover = {r[0].value: r[1].value for r in load_workbook(tmp_path / "x.xlsx")["封面"].iter_rows(min_row=2)}
    assert "不与上期比较" in str(cover["变化"])
    assert "2026-06-30" in str(cover["数据截至"])
    inside = {str(r["coop_id"]) for r in rows_of(lived, number)}
    outside = {str(r["coop_id"]) for r in rows_of(lived, before[-1][0])} - inside
    with lived.engine.connect() as connection:
        assert [r.extract_id for r in who_received(connection, min(inside))] == [number]
        assert who_received(connection, min(outside)) == []
        assert verify(connection) == [] and verify_extracts(connection, lived.settings) == []
        assert open_runs == connection.scalar(
            text("select count(*) from extract_cooperative where until_extract is null")
        )


def test_only_for_a_recipient_of_an_agreement_in_force_and_a_night_there_was(lived: Portal) -> None:
    towns = "abnormal_decisions_to_townships"
    with pytest.raises(PermissionRefusedError, match="接收部门"):
        past(lived, towns, known_at=TODAY)
    with pytest.raises(ConfigurationError, match="没有编号"):
        past(lived, "nothing", known_at=TODAY)
    with pytest.raises(ConfigurationError, match="还没有发布过"):
        past(lived, known_at=date(2020, 1, 1))
    with pytest.raises(PermissionRefusedError, match="已到期"):
        publish_past(
            lived.engine, lived.deployment, lived.settings, ABNORMAL, person="x", today=date(2035, 1, 1), known_at=TODAY
        )


def test_the_command_makes_it_and_hands_over_numbered_copies(
    lived: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lived.settings.database_url
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", lived.settings.database_url.get_secret_value())
    monkeypatch.setenv("COOP_HUB_DATA", str(lived.settings.data))
    monkeypatch.setenv("COOP_HUB_TODAY", TODAY.isoformat())
    words = ["extract", ABNORMAL, "--as-of", "2026-06-30", "--out", str(tmp_path / "out"), "--person", "张三"]
    said = (
        CliRunner().invoke(cli, [*words, "--deployment", str(lived.deployment.folder)], catch_exceptions=False).output
    )
    assert "回溯至 2026-06-30" in said and said.count("副本 ") == 2
    assert {p.suffix for p in (tmp_path / "out").iterdir()} == {".xlsx", ".csv"}
    with lived.engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(extract_copy.c.way == "hand")) == 2
