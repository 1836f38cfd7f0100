"""Every department gets exactly what its agreement allows, in files that say what they are."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from hub.errors import ConfigurationError
from hub.feeds import Bilingual, Kind, Privacy
from hub.sharing import ledger, verify_extracts
from tests.sharing.conftest import COOPERATIVES, DATASETS, TODAY, County, FakeField, an_agreement

Sql = Callable[..., list[tuple[Any, ...]]]


def file_of(paths: tuple[Path, ...], ending: str) -> Path:
    return next(p for p in paths if p.suffix == f".{ending}")


def sheet_rows(path: Path, sheet: str = "数据") -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(path)
    rows = list(book[sheet].iter_rows(values_only=True))
    book.close()
    return rows


def test_a_county_without_agreements_shares_nothing(county: County, sql: Sql) -> None:
    assert county.night() == []
    assert sql("select count(*) from extract") == [(0,)]


def test_before_the_first_night_there_is_nothing_to_publish(county: County) -> None:
    county.agree(an_agreement())
    assert county.publish() == []


def test_an_extract_holds_the_agreed_columns_and_a_dispute_flag(county: County) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    head, *rows = sheet_rows(file_of(summary.files, "xlsx"))
    assert head == (
        "合作社编号", "合作社名称", "统一社会信用代码", "所在乡镇", "成立日期", "成员数", "出资（元）", "社务公开", "备注", "争议标注",
    )  # fmt: skip
    assert summary.rows == len(rows) == 5
    assert {r[0] for r in rows} == {c["coop_id"] for c in COOPERATIVES}
    first = next(r for r in rows if r[0] == "c1")
    assert first[2] == "93339127MA2AAAAA1X"
    assert first[4].date() == date(2015, 1, 1)
    assert (first[5], first[6], first[7]) == (10, 1000.5, "是")


def test_the_cover_says_what_it_is_for_and_what_it_holds(county: County) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    cover = {str(r[0]): str(r[1]) for r in sheet_rows(file_of(summary.files, "xlsx"), "封面")[1:]}
    assert cover["用途"] == "核对税务登记"
    assert cover["接收部门"] == "税务局"
    assert cover["行数"] == "5"
    assert "合作社 5" in cover["控制总数"]
    assert "出资（元）合计 15,007.50" in cover["控制总数"]
    assert cover["数据截至"].startswith("2026-03-10")
    assert len(cover["内容摘要 SHA-256"]) == len(cover["内容摘要 SM3"]) == 64


def test_csv_opens_in_a_chinese_spreadsheet(county: County) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    raw = file_of(summary.files, "csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert rows[0]["合作社名称"].startswith("云岫县")
    assert {r["成立日期"] for r in rows} >= {"2015-01-01"}


def test_gb18030_on_request_keeps_rare_characters(county: County) -> None:
    county.source.rows["cooperatives"][0]["name"] = "云岫县䶮㛃𠮷茶叶专业合作社"
    county.agree(an_agreement(csv_encoding="gb18030"))
    [summary] = county.night()
    assert "䶮㛃𠮷" in file_of(summary.files, "csv").read_bytes().decode("gb18030")


def test_csv_with_two_columns_of_one_title_keeps_both(county: County) -> None:
    county.source.rows["tax_registrations"] = [{"coop_id": "c1", "code": "93339127MA2AAAAA1X", "status": "03"}]
    fields = ["uscc", "code", "status"]
    county.source.known = {
        **county.source.known,
        "tax_registrations": replace(
            DATASETS["tax_registrations"],
            fields=tuple(
                replace(f, title=DATASETS["cooperatives"].fields[2].title) if f.name == "code" else f
                for f in (
                    *DATASETS["tax_registrations"].fields,
                    FakeField("code", Bilingual(zh="x", en="x"), Kind.CODE, Privacy.PUBLIC, "tax_registration"),
                )
            ),
        ),
    }
    county.agree(an_agreement(providers=["tax"], dataset="tax_registrations", fields=fields, formats=["csv"]))
    [summary] = county.night()
    head, row = summary.files[0].read_text(encoding="utf-8-sig").splitlines()
    assert head == "统一社会信用代码,统一社会信用代码,纳税人状态,争议标注"
    assert row == "93339127MA2AAAAA1X,93339127MA2AAAAA1X,正常,"


def test_machine_formats_carry_exact_values(county: County) -> None:
    county.source.rows["cooperatives"][0]["remark"] = "=1+1\t“@x”"
    county.agree(an_agreement(formats=["parquet", "jsonl"]))
    [summary] = county.night()
    table = pq.read_table(file_of(summary.files, "parquet")).to_pylist()
    lines = [json.loads(line) for line in file_of(summary.files, "jsonl").read_text(encoding="utf-8").splitlines()]
    assert [r["remark"] for r in table if r["coop_id"] == "c1"] == ["=1+1\t“@x”"]
    assert [{**r, "founded_on": r["founded_on"].isoformat()} for r in table] == lines


def test_publishing_twice_gives_the_same_and_records_nothing_new(county: County, sql: Sql) -> None:
    county.agree(an_agreement())
    [first] = county.night()
    bytes_before = {p: p.read_bytes() for p in first.files}
    [second] = county.publish()
    assert not second.published
    assert second.extract_id == first.extract_id
    assert {p: p.read_bytes() for p in second.files} == bytes_before
    assert sql("select count(*) from extract") == [(1,)]
    assert sql("select count(*) from ledger where event = 'published'") == [(1,)]


def test_a_new_night_with_the_same_rows_confirms_the_old_extract(county: County, sql: Sql) -> None:
    county.agree(an_agreement())
    [first] = county.night()
    [second] = county.night(date(2026, 3, 11))
    assert second.extract_id == first.extract_id
    assert sql("select confirmed_on from extract") == [(date(2026, 3, 11),)]


def test_a_run_killed_after_writing_files_runs_again_to_the_same_bytes(
    county: County, monkeypatch: pytest.MonkeyPatch, sql: Sql
) -> None:
    county.agree(an_agreement())
    county.new_master()
    with monkeypatch.context() as patch:
        patch.setattr("hub.sharing.publisher.Publisher._register", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            county.publish()
    written = {p: p.read_bytes() for p in (county.settings.data / "extracts").rglob("*.*")}
    assert written
    assert sql("select count(*) from extract") == [(0,)]
    [summary] = county.publish()
    assert summary.published
    assert {p: p.read_bytes() for p in (county.settings.data / "extracts").rglob("*.*")} == written


_KILLED = """
import os, sys
from tests.sharing.killed import county_of
county = county_of(*sys.argv[1:3])
import hub.sharing.publisher as publisher
settle, seen = publisher._settle, []
def die(temporary, final):
    seen.append(final)
    if len(seen) == int(sys.argv[3]):
        os.kill(os.getpid(), 9)
    settle(temporary, final)
publisher._settle = die
county.publish()
"""


@pytest.mark.parametrize("file", [1, 2, 3, 5])
def test_a_process_killed_at_any_file_leaves_nothing_half_and_the_next_run_finishes(
    county: County, sql: Sql, file: int
) -> None:
    county.agree(an_agreement(), an_agreement(id="master_to_water", recipient="water"))
    county.new_master()
    assert county.settings.database_url
    url = county.settings.database_url.get_secret_value()
    environment = {**os.environ, "COOP_HUB_DATABASE_URL": url, "COOP_HUB_DATA": str(county.settings.data)}
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(county.folder), str(county.settings.data), str(file)],
        cwd=Path(__file__).resolve().parents[2], env=environment, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr.decode()
    registered = sql("select count(*) from extract")[0][0]
    assert registered == (file - 1) // 3
    summaries = county.publish()
    assert [s.published for s in summaries] == [i >= registered for i in range(2)]
    with county.engine.connect() as connection:
        assert verify_extracts(connection, county.settings) == []
        assert ledger.verify(connection) == []
    assert [p for p in county.settings.data.rglob("*") if p.is_file() and "tmp" in p.name] == []
    assert list((county.settings.data / "scratch").iterdir()) == []


def test_files_are_the_same_bytes_from_the_same_agreement_and_master(county: County) -> None:
    county.agree(an_agreement(formats=["xlsx", "csv", "parquet", "jsonl"]))
    [summary] = county.night()
    before = {p: p.read_bytes() for p in summary.files}
    for path in summary.files:
        path.unlink()
    with county.engine.begin() as connection:
        connection.exec_driver_sql("alter table ledger disable trigger all")
        connection.exec_driver_sql(
            "truncate ledger, extract, extract_cooperative, extract_copy, push, correction cascade"
        )
        connection.exec_driver_sql("alter table ledger enable trigger all")
    [again] = county.publish()
    assert {p: p.read_bytes() for p in again.files} == before


def test_changes_since_the_last_extract_are_listed_cell_by_cell(county: County) -> None:
    county.agree(an_agreement())
    county.night()
    rows = county.source.rows["cooperatives"]
    rows[0]["members"] = 99
    rows[0]["open_affairs"] = False
    gone = rows.pop(4)
    rows.append({**gone, "coop_id": "c6", "name": "云岫县新社专业合作社"})
    [summary] = county.night(date(2026, 3, 11))
    assert (summary.changes.added, summary.changes.changed, summary.changes.gone) == (1, 1, 1)
    listed = sheet_rows(file_of(summary.files, "xlsx"), "变化")
    assert ("变更", "云岫县青禾茶叶专业合作社", "合作社编号：c1", "成员数", "10", "99") in listed
    assert ("变更", "云岫县青禾茶叶专业合作社", "合作社编号：c1", "社务公开", "是", "否") in listed
    assert [r[1] for r in listed if r[0] == "新增"] == ["云岫县新社专业合作社"]
    assert [r[1] for r in listed if r[0] == "消失"] == ["云岫县金沙瓜果专业合作社"]


def test_each_township_gets_its_own_cooperatives_only(county: County) -> None:
    county.agree(an_agreement(id="master_to_towns", recipient="each_township", rows={"own_town": True}))
    summaries = county.night()
    assert len(summaries) == 12
    by_town = {s.department: s for s in summaries}
    assert by_town["town_02"].rows == 2
    assert {r[3] for r in sheet_rows(file_of(by_town["town_02"].files, "xlsx"))[1:]} == {"白石镇"}
    assert by_town["town_01"].rows == 0


def test_a_department_gets_only_the_cooperatives_it_leads(county: County) -> None:
    county.source.rows["forestry"] = [{"coop_id": "c4"}, {"coop_id": "c1"}]
    county.agree(an_agreement(id="master_to_forestry", recipient="forestry", rows={"own_cooperatives": True}))
    [summary] = county.night()
    assert {r[0] for r in sheet_rows(file_of(summary.files, "xlsx"))[1:]} == {"c1", "c4"}


def test_only_current_entries_and_only_since(county: County) -> None:
    county.source.rows["abnormal_decisions"] = [
        {"coop_id": "c1", "listed_on": date(2025, 7, 1), "reason": "no_report", "removed_on": date(2025, 9, 1)},
        {"coop_id": "c2", "listed_on": date(2025, 7, 1), "reason": "no_report"},
        {"coop_id": "c3", "listed_on": date(2019, 7, 1), "reason": "unreachable"},
    ]
    fields = ["coop_id", "name", "reason", "listed_on"]
    common = {"providers": ["market_supervision"], "dataset": "abnormal_decisions", "fields": fields}
    county.agree(
        an_agreement(id="current", rows={"current": True}, **common),
        an_agreement(id="recent", rows={"since": {"field": "listed_on", "months": 24}}, **common),
        an_agreement(id="chosen", rows={"only": {"reason": ["unreachable"]}}, **common),
        an_agreement(id="clean", rows={"not_listed_in": [{"dataset": "abnormal_decisions", "current": True}]}),
    )
    found = {s.agreement: {r[0] for r in sheet_rows(file_of(s.files, "xlsx"))[1:]} for s in county.night()}
    assert found["current"] == {"c2", "c3"}
    assert found["recent"] == {"c1", "c2"}
    assert found["chosen"] == {"c3"}
    assert found["clean"] == {"c1", "c4", "c5"}


def test_code_lists_are_words_for_people_and_values_for_machines(county: County) -> None:
    county.source.rows["abnormal_decisions"] = [{"coop_id": "c1", "listed_on": TODAY, "reason": "no_report"}]
    county.agree(
        an_agreement(
            providers=["market_supervision"],
            dataset="abnormal_decisions",
            fields=["name", "reason", "listed_on"],
            formats=["xlsx", "jsonl"],
        )
    )
    [summary] = county.night()
    assert sheet_rows(file_of(summary.files, "xlsx"))[1][1] == "未按规定报送年度报告"
    assert json.loads(file_of(summary.files, "jsonl").read_text(encoding="utf-8"))["reason"] == "no_report"


def test_publishing_is_in_the_ledger_with_the_digests_of_every_file(county: County, sql: Sql) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    [(details,)] = sql("select details from ledger where event = 'published'")
    assert details["rows"] == 5
    assert set(details["files"]) == {"xlsx", "csv", "parquet"}
    with county.engine.connect() as connection:
        assert ledger.verify(connection) == []
    assert summary.department == "tax"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"approved_by": None, "approved_on": None}, "unapproved"),
        ({"term": {"start": "2025-01-01", "until": "2026-03-09"}}, "expired"),
        ({"term": {"start": "2026-03-11", "until": "2026-12-31"}}, "not yet"),
        ({"share_type": "none", "approved_by": None, "approved_on": None}, "not shared"),
    ],
)
def test_what_is_not_in_force_gives_nothing_out(county: County, change: dict[str, Any], word: str) -> None:
    county.agree(an_agreement(**change))
    assert county.night() == []


def test_faults_of_agreements_are_named_with_file_and_line_all_at_once(county: County) -> None:
    county.agree(
        an_agreement(recipient="nobody"),
        an_agreement(id="b", fields=["coop_id", "nonsense"]),
        an_agreement(id="c", fields=["phone"]),
        an_agreement(id="d", recipient="media_centre", fields=["name", "representative"]),
        an_agreement(id="e", dataset="tax_registrations", fields=["name", "status"]),
        an_agreement(id="f", recipient="each_township"),
    )
    county.new_master()
    with pytest.raises(ConfigurationError) as caught:
        county.publish()
    text = str(caught.value)
    for part in ("nobody", "nonsense", "个人信息", "宣传用途", "providers 没有写它", "own_town", "all.yaml:"):
        assert part in text


def test_disputed_values_are_flagged_and_not_altered(county: County, sql: Sql) -> None:
    with county.engine.begin() as connection:
        connection.exec_driver_sql(
            """insert into correction (dataset, coop_id, field, value, raised_by_department, raised_by, source_department,
                 reason, flagged, raised_on, due_on)
               values ('cooperatives', 'c1', 'members', '10', 'tax', 'x', 'agriculture', '不符', true, '2026-03-01', '2026-03-15'),
                      ('cooperatives', 'c2', 'members', '999', 'tax', 'x', 'agriculture', '不符', true, '2026-03-01', '2026-03-15'),
                      ('cooperatives', 'c3', null, null, 'tax', 'x', 'agriculture', '不符', true, '2026-03-01', '2026-03-15'),
                      ('cooperatives', 'c4', 'phone', null, 'tax', 'x', 'agriculture', '不符', true, '2026-03-01', '2026-03-15')"""
        )
    county.agree(an_agreement())
    [summary] = county.night()
    rows = {r[0]: r for r in sheet_rows(file_of(summary.files, "xlsx"))[1:]}
    assert rows["c1"][5] == 10
    assert rows["c1"][9] == "“成员数”有争议（校核纠错第1号）"
    assert rows["c2"][9] is None  # the disputed value is gone
    assert rows["c3"][9] == "整行有争议（校核纠错第3号）"
    assert rows["c4"][9] is None  # a field that does not leave
