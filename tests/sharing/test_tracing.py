"""Half a list that turned up somewhere tells whose copy it was; what is kept and for how long."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from hub.errors import PermissionRefusedError
from hub.sharing import verify_extracts
from hub.sharing.copies import make_copy
from hub.sharing.retention import prune
from hub.sharing.tracing import trace
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
