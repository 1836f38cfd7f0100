"""Recall and the questions people ask: who received this cooperative's data, and is it deleted?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hub.cli import cli
from hub.errors import ConflictError, PermissionRefusedError
from hub.sharing.agreement_diff import diff_words
from hub.sharing.agreement_templates import write_templates
from hub.sharing.agreements import Agreement, load_agreements
from hub.sharing.catalogue import catalogue_entries
from hub.sharing.copies import make_copy
from hub.sharing.recall import acknowledge, open_copies, recall, who_received
from hub.sharing.sources import MasterDatasets
from tests.sharing.conftest import DATASETS, TODAY, County, an_agreement

Sql = Callable[..., list[tuple[Any, ...]]]


def take(county: County, extract_id: int, department: str = "tax", person: str = "wang") -> str:
    copy = make_copy(
        county.engine, county.deployment, county.settings, extract_id,
        form="csv", department=department, person=person, today=TODAY,
    )  # fmt: skip
    copy.discard()
    return copy.number


def test_a_recalled_extract_cannot_be_fetched_and_every_copy_must_be_answered_for(county: County, sql: Sql) -> None:
    county.agree(an_agreement(formats=["csv"]))
    [summary] = county.night()
    copies = [take(county, summary.extract_id), take(county, summary.extract_id)]
    with county.engine.begin() as connection:
        with pytest.raises(PermissionRefusedError, match="写明原因"):
            recall(connection, summary.extract_id, "zhao", " ")
        assert recall(connection, summary.extract_id, "zhao", "范围有误") == 2
        with pytest.raises(ConflictError, match="已经召回"):
            recall(connection, summary.extract_id, "zhao", "范围有误")
    with pytest.raises(PermissionRefusedError, match="已被召回"):
        take(county, summary.extract_id)
    with county.engine.begin() as connection:
        with pytest.raises(PermissionRefusedError, match="待回执"):
            acknowledge(connection, copies[0], "water", "li")
        acknowledge(connection, copies[0], "tax", "wang")
        acknowledge(connection, copies[0], "tax", "wang")  # twice is once
        assert [c.copy_number for c in open_copies(connection)] == [copies[1]]
    assert sql("select fixed_at is null from alert where kind = 'recall_unanswered'") == [(True,)]
    with county.engine.begin() as connection:
        acknowledge(connection, copies[1], "tax", "wang")
        assert open_copies(connection, department="tax") == []
    assert sql("select fixed_at is null from alert where kind = 'recall_unanswered'") == [(False,)]
    assert sql("select count(*) from ledger where event = 'acknowledged'") == [(2,)]


def test_after_a_recall_the_next_night_publishes_anew(county: County) -> None:
    county.agree(an_agreement(formats=["csv"]))
    [first] = county.night()
    with county.engine.begin() as connection:
        recall(connection, first.extract_id, "zhao", "范围有误")
    [second] = county.night(date(2026, 3, 11))
    assert second.published
    assert second.extract_id != first.extract_id


def test_who_received_a_cooperatives_data_is_known_to_the_copy(county: County) -> None:
    county.agree(an_agreement(formats=["csv"]), an_agreement(id="master_to_water", recipient="water", formats=["csv"]))
    first, water = county.night()
    take(county, first.extract_id)
    gone = county.source.rows["cooperatives"].pop(0)
    assert gone["coop_id"] == "c1"
    second, _ = county.night(date(2026, 3, 11))
    take(county, second.extract_id, person="li")
    take(county, water.extract_id, "water", "chen")
    with county.engine.connect() as connection:
        assert [(r.department, r.person, r.extract_id) for r in who_received(connection, "c1")] == [
            ("tax", "wang", first.extract_id), ("water", "chen", water.extract_id),
        ]  # fmt: skip
        assert {r.person for r in who_received(connection, "c2")} == {"wang", "li", "chen"}
        assert who_received(connection, "nobody") == []


def test_what_is_held_costs_nothing_while_it_stays(county: County, sql: Sql) -> None:
    county.agree(an_agreement(formats=["csv"]))
    for day in range(1, 6):
        county.source.rows["cooperatives"][0]["members"] = day
        county.night(date(2026, 3, day))
    assert sql("select count(*) from extract") == [(5,)]
    assert sql("select count(*), count(until_extract) from extract_cooperative") == [(5, 0)]


def test_two_versions_are_told_apart_in_words() -> None:
    old = Agreement.model_validate(an_agreement(fields=["coop_id", "name", "phone"], masks={"phone": "phone"}))
    new = Agreement.model_validate(
        an_agreement(
            fields=["coop_id", "phone", "representative"],
            masks={"phone": "clear"},
            rows={"current": True},
            term={"start": "2026-01-01", "until": "2027-12-31"},
            purpose="另一用途",
        )
    )
    assert diff_words(old, old) == []
    assert diff_words(old, new) == [
        "【扩大】新增字段 representative（原样）",
        "不再提供字段 name",
        "【扩大】字段 phone 的处理由“电话留前三后四”改为“原样”",
        "行范围不再要求：全部行",
        "行范围改为：只限尚未终止的记录",
        "【扩大】期限由 2026-01-01 至 2026-12-31 改为 2026-01-01 至 2027-12-31",
        "用途由“核对税务登记”改为“另一用途”",
    ]


def test_agreements_near_their_end_and_past_it_are_told_once(county: County, sql: Sql) -> None:
    county.agree(an_agreement(term={"start": "2026-01-01", "until": "2026-03-20"}))
    county.night()
    assert sql("select kind from alert where fixed_at is null") == [("agreement_expiring",)]
    for day in (21, 22):
        county.night(date(2026, 3, day))
    assert sql("select kind from alert where fixed_at is null") == [("agreement_expired",)]
    assert sql("select count(*) from ledger where event = 'agreement_expired'") == [(1,)]


def test_the_demo_county_has_the_whole_matrix_and_the_catalogue_tells_it() -> None:
    from hub.deployment import load_deployment
    from hub.settings import REPOSITORY

    deployment = load_deployment(REPOSITORY / "deployments" / "demo")
    datasets = MasterDatasets().datasets()
    agreements = load_agreements(deployment, datasets)
    given = {(a.dataset, a.recipient) for a in agreements.values()}
    for recipient in ("agriculture", "tax", "forestry", "supply_marketing", "each_township"):
        assert ("abnormal_decisions", recipient) in given
    for recipient in ("agriculture", "forestry", "supply_marketing", "water", "finance_bureau", "development_reform"):
        assert ("tax_registrations", recipient) in given
    assert {a.dataset for a in agreements.values() if a.recipient == "media_centre"} == {"cooperatives"}
    entries = catalogue_entries(deployment, datasets, agreements)
    assert len(entries) == len(deployment.feeds) + len(datasets)
    by_code = {e.code: e for e in entries}
    shared = by_code["339127-out-abnormal_decisions"]
    assert "税务局" in shared.shared_with
    assert shared.related == "339127-in-market_abnormal"
    assert by_code["339127-out-complaints"].share_type == "不予共享"


def test_templates_carry_nobodys_approval(tmp_path: Path) -> None:
    written = write_templates(tmp_path / "agreements")
    assert written
    assert not any("approved" in p.read_text(encoding="utf-8") for p in written)
    with pytest.raises(ConflictError, match="已有"):
        write_templates(tmp_path / "agreements")


@pytest.fixture
def command(county: County, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command on the county and gives what it prints."""
    assert county.settings.database_url
    monkeypatch.setenv("COOP_HUB_DATABASE_URL", county.settings.database_url.get_secret_value())
    monkeypatch.setenv("COOP_HUB_DATA", str(county.settings.data))
    monkeypatch.setenv("COOP_HUB_DEPLOYMENT", str(county.folder))
    monkeypatch.setenv("COOP_HUB_TODAY", TODAY.isoformat())
    monkeypatch.setattr(MasterDatasets, "datasets", lambda self: DATASETS)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_an_agreement_is_approved_compared_and_revoked_at_the_command_line(
    county: County, command: Callable[..., str]
) -> None:
    county.agree(an_agreement(approved_by=None, approved_on=None))
    assert "待批准" in command("agreements")
    command("agreements", "approve", "master_to_tax", "--person", "主任", "--reason", "会议纪要〔2026〕1号")
    assert "有效" in command("agreements", "list")
    county.agree(an_agreement(approved_by=None, approved_on=None, purpose="另一用途"))
    assert "用途由“核对税务登记”改为“另一用途”" in command("agreements", "diff", "master_to_tax")
    command("agreements", "approve", "master_to_tax", "--person", "主任")
    command("agreements", "revoke", "master_to_tax", "--person", "主任", "--reason", "停止")
    assert "已撤销" in command("agreements", "list")
    assert "核对" not in command("agreements", "show", "master_to_tax").split("purpose")[0]
    assert county.night() == []


def test_corrections_and_recalls_go_by_command_too(county: County, command: Callable[..., str]) -> None:
    county.agree(an_agreement(formats=["csv"]))
    [summary] = county.night()
    copy = take(county, summary.extract_id)
    raising = ("corrections", "raise", "--dataset", "cooperatives", "--cooperative", "c1", "--field", "members")
    assert "第 1 号" in command(*raising, "--reason", "实有 12 人", "--department", "tax")
    command("corrections", "accept", "1", "--department", "approval_bureau")
    answer = ("corrections", "answer", "1", "--outcome", "upheld", "--text", "核实无误")
    command(*answer, "--department", "approval_bureau")
    command("corrections", "archive", "1", "--department", "tax")
    assert "归档" in command("corrections", "list")
    assert "行政审批局" in command("corrections", "figures")
    assert copy in command("ledger", "who", "c1")
    command("recall", "start", str(summary.extract_id), "--reason", "有误")
    assert copy in command("recall", "status")
    command("recall", "acknowledge", copy, "--department", "tax")
    assert copy not in command("recall", "status")


def test_the_catalogue_is_written_as_a_workbook(county: County, command: Callable[..., str], tmp_path: Path) -> None:
    import openpyxl

    county.agree(an_agreement())
    out = tmp_path / "catalogue.xlsx"
    command("catalogue", "--out", str(out))
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["目录", "信息项", "说明"]
    assert book["目录"].max_row == 1 + len(county.deployment.feeds) + len(DATASETS)
    assert "合作社总表" in command("catalogue")
