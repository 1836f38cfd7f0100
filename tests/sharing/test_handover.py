"""The ledger's head reaches another department every day, by every way it is declared, and failures are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.deployment import load_deployment
from hub.errors import ConfigurationError
from hub.settings import REPOSITORY
from hub.sharing import ledger
from hub.sharing.handover import hand_over_head, handover_rule
from hub.sharing.ledger import chain_problems, read_head, read_lines
from hub.sharing.working_days import watch_calendar
from tests.sharing.conftest import TODAY, County, an_agreement

Sql = Callable[..., list[tuple[Any, ...]]]


def declare(county: County, **rule: Any) -> County:
    (county.folder / "ledger_handover.yaml").write_text(json.dumps(rule), encoding="utf-8")
    departments = REPOSITORY / "deployments" / "demo" / "departments.yaml"
    (county.folder / "departments.yaml").write_text(departments.read_text(encoding="utf-8"), encoding="utf-8")
    return county


def hand(county: County, day: date = TODAY) -> Any:
    return hand_over_head(county.engine, county.deployment, county.settings, today=day)


def test_without_a_rule_nothing_is_handed_over(county: County) -> None:
    assert hand(county) is None


def test_a_head_lies_in_the_folder_once_a_day_and_proves_the_ledger_later(
    county: County, tmp_path: Path, sql: Sql
) -> None:
    heads = tmp_path / "heads"
    heads.mkdir()
    declare(county, to="tax", ways=["folder"], folder=str(heads))
    county.agree(an_agreement(formats=["parquet"]))
    county.night()
    first = hand(county)
    assert first.done == ("folder",) and not first.failed
    assert hand(county).head == first.head  # once a day, the same head
    county.night(TODAY + timedelta(days=1))
    second = hand(county, TODAY + timedelta(days=1))
    assert second.head.seq > first.head.seq
    kept = [read_head(p) for p in sorted(heads.iterdir())]
    assert len(kept) == 2 and not [p for p in heads.iterdir() if p.name.startswith(".")]
    with county.engine.connect() as connection:
        lines = list(read_lines(connection))
        assert chain_problems(lines, kept) == []
    # somebody with the database writes the whole chain anew, without the first line
    previous, forged = ledger.GENESIS, []
    for number, line in enumerate(lines[1:], 1):
        fields = {k: v for k, v in line.as_json().items() if k not in ("seq", "hash", "previous_hash", "at")}
        digest = ledger.line_hash(seq=number, at=line.at, previous_hash=previous, **fields)
        forged.append(ledger.Line(seq=number, at=line.at, previous_hash=previous, hash=digest, **fields))
        previous = digest
    assert chain_problems(forged) == []
    assert any("可能被重写" in p for p in chain_problems(forged, kept))
    assert sql("select count(*) from ledger where event = 'head_exported' and department = 'tax'") == [(2,)]


def test_a_mail_holds_the_head_and_goes_out_once(county: County, sql: Sql) -> None:
    declare(county, to="tax", ways=["mail"])
    county.agree(an_agreement(formats=["parquet"]))
    county.night()
    handed = hand(county)
    hand(county)
    mails = sql("select recipient, body from message where occasion like 'ledger-head:%%'")
    assert len(mails) == 1
    assert handed.head.hash in mails[0][1]


def test_a_way_that_fails_is_told_and_tried_again_the_others_are_not_repeated(
    county: County, tmp_path: Path, sql: Sql
) -> None:
    heads = tmp_path / "heads"
    declare(county, to="tax", ways=["mail", "folder"], folder=str(heads))
    county.agree(an_agreement(formats=["parquet"]))
    county.night()
    handed = hand(county)
    assert handed.done == ("mail",) and "写不进目录" in handed.failed["folder"]
    assert sql("select count(*) from alert where kind = 'head_not_handed' and fixed_at is null") == [(1,)]
    heads.mkdir()
    again = hand(county)
    assert set(again.done) == {"mail", "folder"} and again.head == handed.head
    assert sql("select count(*) from alert where kind = 'head_not_handed' and fixed_at is null") == [(0,)]
    assert sql("select count(*) from message where occasion like 'ledger-head:%%'") == [(1,)]


def test_sftp_without_a_target_is_told_in_words(county: County) -> None:
    declare(county, to="tax", ways=["sftp"])
    county.agree(an_agreement(formats=["parquet"]))
    county.night()
    assert "推送目标" in hand(county).failed["sftp"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"to": "nobody", "ways": ["folder"], "folder": "/tmp/x"}, "没有名为 nobody"),
        ({"to": "agriculture", "ways": ["folder"], "folder": "/tmp/x"}, "办公室以外"),
        ({"to": "tax", "ways": []}, "不能为空"),
        ({"to": "tax", "ways": ["folder"]}, "folder"),
        ({"to": "tax", "ways": ["folder"], "folder": "relative"}, "绝对路径"),
        ({"to": "tax", "ways": ["pigeon"]}, "ways"),
    ],
)
def test_a_wrong_rule_is_named_and_costs_no_night(county: County, sql: Sql, rule: dict[str, Any], words: str) -> None:
    declare(county, **rule)
    with pytest.raises(ConfigurationError) as refused:
        handover_rule(county.deployment)
    assert words in str(refused.value)
    assert hand(county) is None
    assert sql("select count(*) from alert where kind = 'head_not_handed' and fixed_at is null") == [(1,)]


def test_a_year_whose_holidays_nobody_knows_is_told_in_time_and_settled_by_the_file(county: County, sql: Sql) -> None:
    def watch(day: date) -> int:
        deployment = load_deployment(county.folder)
        with county.engine.begin() as connection:
            watch_calendar(connection, deployment, day)
        found = sql("select body from alert where kind = 'working_days_unknown' and fixed_at is null")
        assert all("2040" in body or "YAML" in body for (body,) in found)
        return len(found)

    assert watch(date(2026, 3, 10)) == 0
    assert watch(date(2039, 12, 20)) == 1
    path = county.folder / "working_days.yaml"
    path.write_text("years: [2039, 2040]\n", encoding="utf-8")
    assert watch(date(2039, 12, 20)) == 0
    path.write_text("years: [2039, 2040\n", encoding="utf-8")
    assert watch(date(2039, 12, 20)) == 1
    path.write_text("years: [2039, 2040]\n", encoding="utf-8")
    assert watch(date(2039, 12, 20)) == 0
