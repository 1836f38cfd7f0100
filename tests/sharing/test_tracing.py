"""Half a list that turned up somewhere tells whose copy it was; what is kept and for how long."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import text

from hub.errors import PermissionRefusedError
from hub.intake.reader import read_file
from hub.sharing import verify_extracts
from hub.sharing.copies import make_copy
from hub.sharing.retention import prune
from hub.sharing.tracing import trace, trace_list
from tests.sharing.conftest import TODAY, County, an_agreement

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def long_list(county: County) -> County:
    county.source.rows["cooperatives"] = [
        {
            "coop_id": f"c{i:03d}",
            "name": f"云岫县第{i:03d}专业合作社",
            "town": "白石镇",
            "members": i,
            "founded_on": TODAY,
        }
        for i in range(300)
    ]
    county.agree(an_agreement(formats=["csv"]))
    return county


def test_part_of_a_list_names_the_copy_it_came_from(long_list: County) -> None:
    county = long_list
    [summary] = county.night()
    copies = []
    for person in ("wang", "li", "chen"):
        copy = make_copy(
            county.engine, county.deployment, county.settings, summary.extract_id,
            form="csv", department="tax", person=person, today=TODAY,
        )  # fmt: skip
        rows = list(csv.reader(copy.path.read_text(encoding="utf-8-sig").splitlines()))[1:]
        copies.append((person, rows))
    for person, rows in copies:
        part = [r for i, r in enumerate(rows[60:200]) if i % 5]  # a stretch, with every fifth row struck out
        best, *others = trace(county.engine, county.settings, summary.extract_id, part)
        assert (best.person, best.certain) == (person, True)
        assert not any(o.certain for o in others)
    by_size = sorted(copies[0][1], key=lambda r: -int(r[5]))
    assert not any(t.certain for t in trace(county.engine, county.settings, summary.extract_id, by_size))
    with pytest.raises(PermissionRefusedError):
        trace(county.engine, county.settings, 999, [])


def test_a_file_with_columns_struck_out_and_a_title_on_top_still_names_its_copy(
    long_list: County, tmp_path: Path
) -> None:
    county = long_list
    [summary] = county.night()
    for person in ("wang", "li"):
        copy = make_copy(
            county.engine, county.deployment, county.settings, summary.extract_id,
            form="csv", department="tax", person=person, today=TODAY,
        )  # fmt: skip
    header, *rows = csv.reader(copy.path.read_text(encoding="utf-8-sig").splitlines())
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["合作社名单（内部）"])
    kept = [header.index(t) for t in ("成立日期", "合作社名称", "成员数")]
    sheet.append([header[i] for i in kept])
    for line in rows[40:140]:
        sheet.append([date.fromisoformat(line[kept[0]]), line[kept[1]], int(line[kept[2]])])
    book.save(tmp_path / "名单.xlsx")
    found = trace_list(county.engine, county.settings, read_file(tmp_path / "名单.xlsx", settings=county.settings))
    assert found.named == ()
    [best] = found.certain
    assert (best.person, best.copy_number, best.pairs) == ("li", copy.number, 50)
    assert found.rows == 100
    renamed = tmp_path / f"转发_{copy.number}.csv"
    renamed.write_text("随便,什么\n1,2\n3,4\n", encoding="utf-8")
    named = trace_list(county.engine, county.settings, read_file(renamed, settings=county.settings))
    assert [(n.copy_number, n.person, n.known) for n in named.named] == [(copy.number, "li", True)]
    assert named.traces == ()
    forged = tmp_path / "9-0123ABCD.csv"
    forged.write_text("随便,什么\n1,2\n3,4\n", encoding="utf-8")
    [claimed] = trace_list(county.engine, county.settings, read_file(forged, settings=county.settings)).named
    assert not claimed.known


def test_deliveries_are_kept_three_years_and_then_cleared_on_request(long_list: County, sql: Sql) -> None:
    county = long_list
    [old] = county.night()
    county.source.rows["cooperatives"].pop()
    county.night(date(2026, 3, 11))
    with county.engine.begin() as connection:
        with pytest.raises(PermissionRefusedError, match="三年"):
            prune(connection, county.settings, before=date(2026, 4, 1), today=date(2027, 1, 1), person="zhao")
        assert prune(connection, county.settings, before=date(2026, 4, 1), today=date(2030, 1, 1), person="zhao") == 1
        assert prune(connection, county.settings, before=date(2026, 4, 1), today=date(2030, 1, 1), person="zhao") == 0
    assert not old.files[0].exists()
    assert sql("select count(*) from ledger where event = 'pruned'") == [(1,)]
    with county.engine.connect() as connection:
        assert verify_extracts(connection, county.settings) == []
        assert connection.scalar(text("select count(*) from extract_cooperative where coop_id = 'c299'")) == 0
