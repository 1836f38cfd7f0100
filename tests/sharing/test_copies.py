"""Every copy that leaves is allowed, numbered, recorded and can be told from every other."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from hub.errors import PermissionRefusedError
from hub.sharing import ledger, verify_extracts
from hub.sharing.agreements import load_agreements
from hub.sharing.approvals import decide, record_version
from hub.sharing.copies import ExtractCopy, make_copy
from tests.sharing.conftest import TODAY, County, an_agreement

Sql = Callable[..., list[tuple[Any, ...]]]


def copy_of(county: County, extract_id: int, form: str = "xlsx", **changes: Any) -> ExtractCopy:
    asked = {"department": "tax", "person": "wang", "today": TODAY, **changes}
    return make_copy(county.engine, county.deployment, county.settings, extract_id, form=form, **asked)


def test_a_copy_carries_its_number_and_is_in_the_ledger(county: County, sql: Sql) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    copy = copy_of(county, summary.extract_id)
    assert copy.number in copy.name
    cover = dict(openpyxl.load_workbook(copy.path)["封面"].iter_rows(min_row=2, max_col=2, values_only=True))
    assert cover["副本号"] == copy.number
    assert "wang" in str(cover["领取"])
    [(person, details)] = sql("select person, details from ledger where event = 'downloaded'")
    assert person == "wang"
    assert (details["copy"], details["sha256"]) == (copy.number, copy.digests.sha256)
    copy.discard()
    assert not copy.path.exists()


@pytest.mark.parametrize("form", ["xlsx", "csv", "parquet", "jsonl"])
def test_a_copy_has_the_very_values_of_the_original_in_an_order_of_its_own(county: County, form: str) -> None:
    county.source.rows["cooperatives"] = [
        {"coop_id": "c1", "name": f"云岫县第{i:03d}专业合作社", "town": "白石镇", "members": i} for i in range(200)
    ]
    county.agree(an_agreement(formats=["xlsx", "csv", "parquet", "jsonl"]))
    [summary] = county.night()

    def rows(path: Any) -> list[Any]:
        if form == "parquet":
            return [tuple(r.values()) for r in pq.read_table(path).to_pylist()]
        if form == "xlsx":
            return list(openpyxl.load_workbook(path)["数据"].iter_rows(min_row=2, values_only=True))
        return path.read_text(encoding="utf-8").splitlines()

    original = rows(next(p for p in summary.files if p.suffix == f".{form}"))
    first, second = (rows(copy_of(county, summary.extract_id, form).path) for _ in range(2))
    assert sorted(map(repr, first)) == sorted(map(repr, second)) == sorted(map(repr, original))
    assert first != second != original


def test_where_order_matters_it_is_kept(county: County) -> None:
    county.agree(an_agreement(order_matters=True, formats=["csv"]))
    [summary] = county.night()
    assert copy_of(county, summary.extract_id, "csv").path.read_bytes() == summary.files[0].read_bytes()


def test_csv_copies_still_parse(county: County) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    text = copy_of(county, summary.extract_id, "csv").path.read_text(encoding="utf-8-sig")
    assert len(list(csv.DictReader(text.splitlines()))) == 5


def test_another_departments_extract_is_refused_and_the_refusal_is_recorded(county: County, sql: Sql) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    with pytest.raises(PermissionRefusedError, match="本部门没有"):
        copy_of(county, summary.extract_id, department="water", person="li")
    with pytest.raises(PermissionRefusedError, match="没有约定"):
        copy_of(county, summary.extract_id, "parquet")
    assert sql("select department, person from ledger where event = 'refused' order by seq") == [
        ("water", "li"),
        ("tax", "wang"),
    ]
    assert sql("select count(*) from extract_copy") == [(0,)]


def test_the_end_of_the_term_stops_downloads(county: County) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    with pytest.raises(PermissionRefusedError, match="已到期"):
        copy_of(county, summary.extract_id, today=date(2027, 1, 1))


def test_revoking_stops_downloads_at_once_and_publishing_too(county: County) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    agreement = load_agreements(county.deployment, county.source.datasets())["master_to_tax"]
    with county.engine.begin() as connection:
        version = record_version(connection, agreement)
        decide(connection, agreement, version, "revoked", person="主任", day=TODAY, reason="停止共享")
    with pytest.raises(PermissionRefusedError, match="已撤销"):
        copy_of(county, summary.extract_id)
    assert county.night(date(2026, 3, 11)) == []


def test_an_edited_agreement_waits_for_approval_while_the_old_extract_stays(county: County) -> None:
    county.agree(an_agreement())
    [summary] = county.night()
    county.agree(an_agreement(purpose="另一用途", approved_by=None, approved_on=None))
    assert county.night(date(2026, 3, 11)) == []
    assert copy_of(county, summary.extract_id).path.exists()


@pytest.mark.parametrize("form", ["xlsx", "csv", "parquet"])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_changed_byte_of_an_extract_is_found(county: County, form: str, place: float) -> None:
    county.agree(an_agreement())
    county.night()
    path = next((county.settings.data / "extracts").rglob(f"*.{form}"))
    with county.engine.connect() as connection:
        assert verify_extracts(connection, county.settings) == []
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    path.write_bytes(bytes(content))
    with county.engine.connect() as connection:
        [problem] = verify_extracts(connection, county.settings)
    assert path.name in problem
    assert "被改动过" in problem


def test_a_missing_extract_is_found(county: County) -> None:
    county.agree(an_agreement(formats=["csv"]))
    [summary] = county.night()
    summary.files[0].unlink()
    with county.engine.connect() as connection:
        [problem] = verify_extracts(connection, county.settings)
        assert "不在了" in problem
        assert ledger.verify(connection) == []
