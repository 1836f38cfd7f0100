"""A department looks at and takes away what is its own: authorised anew, proven unchanged, recorded before it leaves."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select, text, update

from hub.sharing.ledger import verify
from hub.store.tables.alerts import alert
from hub.store.tables.portal import audit_event
from hub.store.tables.sharing import extract, extract_copy, ledger
from tests.portal.conftest import Portal, proof


def newest(portal: Portal, department: str, agreement: str) -> Any:
    with portal.engine.connect() as connection:
        return connection.execute(
            select(extract)
            .where(extract.c.department == department, extract.c.agreement == agreement)
            .order_by(extract.c.extract_id.desc())
            .limit(1)
        ).one()


def left(portal: Portal) -> list[tuple[str, str, str, int | None]]:
    """The ledger's lines about what people took or were refused."""
    with portal.engine.connect() as connection:
        rows = connection.execute(
            select(ledger.c.event, ledger.c.department, ledger.c.person, ledger.c.extract_id)
            .where(ledger.c.event.in_(("downloaded", "refused", "recalled", "acknowledged")))
            .order_by(ledger.c.seq)
        )
        return [tuple(r) for r in rows]


def audit(portal: Portal) -> list[str]:
    wanted = ("extract", "access", "recall")
    with portal.engine.connect() as connection:
        events = connection.scalars(select(audit_event.c.event).order_by(audit_event.c.event_id))
        return [e for e in events if e.startswith(wanted)]


def test_a_download_is_a_numbered_copy_recorded_before_it_leaves(lived: Portal) -> None:
    row = newest(lived, "tax", "abnormal_decisions_to_tax")
    client = lived.as_role("staff")
    assert row.title in client.get("/extracts").text
    answer = client.get(f"/extracts/{row.extract_id}/xlsx")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    with lived.engine.connect() as connection:
        copy = connection.execute(select(extract_copy)).one()
    assert copy.copy_number in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True)
    cover = [str(c.value) for line in book.worksheets[0].iter_rows() for c in line]
    assert any(copy.copy_number in cell for cell in cover)
    assert any("the-staff" in cell for cell in cover)
    assert left(lived) == [("downloaded", "tax", "the-staff", row.extract_id)]
    assert audit(lived) == ["extract_downloaded"]
    assert client.get(f"/extracts/{row.extract_id}/csv").status_code == 200
    assert len(left(lived)) == 2
    assert "已领取" in client.get("/extracts").text
    with lived.engine.connect() as connection:
        assert verify(connection) == []
    assert list((lived.settings.data / "scratch" / "copies").iterdir()) == []


def test_another_departments_extract_is_not_there_and_the_attempt_is(lived: Portal) -> None:
    row = newest(lived, "forestry", "abnormal_decisions_to_forestry")
    client = lived.as_role("staff")
    for path in ("", "/rows", "/csv"):
        assert client.get(f"/extracts/{row.extract_id}{path}").status_code == 404
    assert left(lived) == []
    assert audit(lived) == ["access_refused"] * 3
    assert row.title not in client.get("/extracts").text
    assert lived.as_role("office").get(f"/extracts/{row.extract_id}/csv").status_code == 404


def test_a_recalled_extract_is_refused_from_that_moment_and_its_holders_answer(lived: Portal) -> None:
    row = newest(lived, "tax", "abnormal_decisions_to_tax")
    client, office = lived.as_role("staff"), lived.as_role("office")
    path = f"/extracts/{row.extract_id}/csv"
    assert client.get(path).status_code == 200
    token = proof(office)
    nothing = office.post(f"/sharing/{row.extract_id}/recall", data={"proof": token, "reason": " "})
    assert nothing.status_code == 303 and left(lived)[-1][0] == "downloaded"
    office.post(f"/sharing/{row.extract_id}/recall", data={"proof": token, "reason": "多给了一列"})
    refused = client.get(path)
    assert refused.status_code == 403 and "召回" in refused.text
    page = client.get("/extracts").text
    assert path not in page + client.get(f"/extracts/{row.extract_id}").text
    with lived.engine.connect() as connection:
        number = connection.scalar(select(extract_copy.c.copy_number))
    assert number in page
    stranger = lived.enter(lived.add("lin", "forestry", "staff"))
    stranger.post("/extracts/acknowledge", data={"proof": proof(stranger), "copy": number})
    assert "待回执" in office.get("/sharing").text or number in office.get("/sharing").text
    client.post("/extracts/acknowledge", data={"proof": proof(client), "copy": number})
    assert number not in client.get("/extracts").text
    assert [e for e, *_ in left(lived)] == ["downloaded", "recalled", "acknowledged"]
    assert audit(lived) == ["extract_downloaded", "extract_recalled", "extract_refused", "recall_acknowledged"]


def test_without_an_agreement_in_force_nothing_is_shown_or_given(lived: Portal) -> None:
    row = newest(lived, "tax", "abnormal_decisions_to_tax")
    client, office = lived.as_role("staff"), lived.as_role("office")
    data = {"proof": proof(office), "word": "revoke", "reason": "协议有误", "version": "1"}
    assert office.post(f"/agreements/{row.agreement}", data=data).status_code == 303
    for path in ("/csv", "/rows"):
        answer = client.get(f"/extracts/{row.extract_id}{path}")
        assert answer.status_code == 403 and "已撤销" in answer.text
    assert "已撤销" in client.get(f"/extracts/{row.extract_id}").text
    office.post(f"/agreements/{row.agreement}", data={**data, "word": "approve"})
    assert client.get(f"/extracts/{row.extract_id}/csv").status_code == 200


@pytest.mark.parametrize("spoil", ["change", "remove"])
def test_a_changed_or_missing_file_is_not_handed_out_and_the_office_learns_of_it(lived: Portal, spoil: str) -> None:
    row = newest(lived, "tax", "abnormal_decisions_to_tax")
    path = lived.settings.data / next(f["path"] for f in row.files if f["format"] == "parquet")
    if spoil == "change":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        path.unlink()
    client = lived.as_role("staff")
    for form in ("csv", "xlsx", "rows"):
        answer = client.get(f"/extracts/{row.extract_id}/{form}")
        assert answer.status_code == 400 and "核验不通过" in answer.text
    assert left(lived) == []
    with lived.engine.connect() as connection:
        found = connection.execute(select(alert.c.kind, alert.c.times).where(alert.c.kind == "ledger_broken")).all()
    assert found == [("ledger_broken", 3)]


def test_a_file_outside_the_data_folder_never_leaves(lived: Portal) -> None:
    row = newest(lived, "tax", "abnormal_decisions_to_tax")
    entry = next(f for f in row.files if f["format"] == "parquet")
    outside = lived.settings.data.parent / "outside.parquet"
    outside.write_bytes((lived.settings.data / entry["path"]).read_bytes())
    (lived.settings.data / "extracts" / "link.parquet").symlink_to(outside)
    client = lived.as_role("staff")
    for path in ("../outside.parquet", str(outside), "extracts/link.parquet"):
        with lived.engine.begin() as connection:
            connection.execute(text("alter table extract disable trigger user"))
            connection.execute(
                update(extract).where(extract.c.extract_id == row.extract_id).values(files=[{**entry, "path": path}])
            )
        assert client.get(f"/extracts/{row.extract_id}/rows").status_code == 400, path


def test_only_agreed_formats_exist(lived: Portal) -> None:
    row = newest(lived, "tax", "inspections_to_tax")
    given = {f["format"] for f in row.files if f["given"]}
    client = lived.as_role("staff")
    for form in {"xlsx", "csv", "parquet", "jsonl", "exe", "csv%2f..%2f..%2fetc"} - given:
        assert client.get(f"/extracts/{row.extract_id}/{form}").status_code == 404, form
    assert left(lived) == []


def test_other_sites_and_head_requests_start_no_download(lived: Portal) -> None:
    row = newest(lived, "tax", "abnormal_decisions_to_tax")
    path = f"/extracts/{row.extract_id}/csv"
    client = lived.as_role("staff")
    for site in ("cross-site", "same-site"):
        assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.head(path).status_code == 403
    assert left(lived) == []
    for site in ("same-origin", "none"):
        assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == 200


def test_rows_can_be_looked_at_and_searched_and_the_look_is_recorded(lived: Portal) -> None:
    row = newest(lived, "tax", "abnormal_decisions_to_tax")
    client = lived.as_role("staff")
    everything = client.get(f"/extracts/{row.extract_id}/rows").text
    assert "未按规定报送年度报告" in everything and "no_report" not in everything
    assert "没有符合的行" in client.get(f"/extracts/{row.extract_id}/rows", params={"q": "' or 1=1 --"}).text
    assert audit(lived) == ["extract_viewed", "extract_viewed"]


def test_a_township_sees_its_own_town_only(lived: Portal) -> None:
    first, second = (d for d in lived.deployment.departments if d.kind == "township" and d.town)
    client = lived.enter(lived.add("zhen", first.id, "staff"))
    page = client.get("/extracts").text
    assert first.name in page or first.short in page
    with lived.engine.connect() as connection:
        others = connection.scalars(select(extract.c.extract_id).where(extract.c.department == second.id)).all()
        files = connection.execute(text("select delivery_id, town from delivery where feed = 'township_cleanup'")).all()
    assert others and files
    assert all(client.get(f"/extracts/{n}/csv").status_code == 404 for n in others[:3])
    for number, town in files:
        assert client.get(f"/deliveries/{number}").status_code == (200 if town == first.town else 404)


def test_the_page_of_copies_holds_no_stray_files(lived: Portal) -> None:
    assert not list(Path(lived.settings.data).glob("scratch/copies/*/*"))
