"""A department takes away what is its own: authorised anew, proven unchanged, recorded before the first byte leaves."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update

from hub.sharing.ledger import verify
from hub.store.tables.alerts import alert
from hub.store.tables.portal import audit_event
from hub.store.tables.sharing import extract, ledger
from tests.portal.conftest import Portal, publish

CONTENT = "名称,代码\r\n云岫县青溪茶叶专业合作社,93339127MA00000001\r\n".encode("utf-8-sig")


def ledger_lines(portal: Portal) -> list[tuple[str, str, str, int | None]]:
    with portal.engine.connect() as connection:
        rows = connection.execute(
            select(ledger.c.event, ledger.c.department, ledger.c.person, ledger.c.extract_id).order_by(ledger.c.seq)
        )
        return [tuple(r) for r in rows]


def audit(portal: Portal) -> list[str]:
    with portal.engine.connect() as connection:
        return [e for e in connection.scalars(select(audit_event.c.event)) if e.startswith(("extract", "access"))]


def test_a_download_gives_the_very_bytes_and_is_recorded(portal: Portal) -> None:
    number = publish(portal.engine, portal.settings, "tax", content=CONTENT)
    client = portal.as_role("staff")
    assert "经营异常名录" in client.get("/extracts").text
    answer = client.get(f"/extracts/{number}/files/0")
    assert answer.content == CONTENT
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment; filename*=UTF-8''%E7%BB%8F" in answer.headers["content-disposition"]
    assert ledger_lines(portal) == [("downloaded", "tax", "the-staff", number)]
    assert audit(portal) == ["extract_downloaded"]
    client.get(f"/extracts/{number}/files/0")
    assert len(ledger_lines(portal)) == 2
    assert "已领取" in client.get("/extracts").text
    with portal.engine.connect() as connection:
        assert [p for p in verify(connection) if "台账" in p] == []


def test_another_departments_extract_is_not_there_and_the_attempt_is(portal: Portal) -> None:
    number = publish(portal.engine, portal.settings, "forestry", content=CONTENT)
    client = portal.as_role("staff")
    for path in (f"/extracts/{number}", f"/extracts/{number}/files/0"):
        assert client.get(path).status_code == 404
    assert ledger_lines(portal) == []
    assert audit(portal) == ["access_refused", "access_refused"]
    assert "经营异常名录" not in client.get("/extracts").text


def test_the_office_downloads_only_its_own_extracts_too(portal: Portal) -> None:
    number = publish(portal.engine, portal.settings, "forestry", content=CONTENT)
    assert portal.as_role("office").get(f"/extracts/{number}/files/0").status_code == 404


def test_a_recalled_extract_is_refused_from_that_moment_on(portal: Portal) -> None:
    number = publish(portal.engine, portal.settings, "tax", content=CONTENT)
    client = portal.as_role("staff")
    assert client.get(f"/extracts/{number}/files/0").status_code == 200
    with portal.engine.begin() as connection:
        connection.execute(update(extract).values(recalled_at=datetime.now(UTC)))
    answer = client.get(f"/extracts/{number}/files/0")
    assert answer.status_code == 403
    assert "召回" in answer.text
    assert len(ledger_lines(portal)) == 1
    assert audit(portal) == ["extract_downloaded", "extract_refused"]
    assert f"/extracts/{number}/files/0" not in client.get("/extracts").text + client.get(f"/extracts/{number}").text


def test_a_changed_or_missing_file_is_not_handed_out_and_the_office_learns_of_it(portal: Portal) -> None:
    client = portal.as_role("staff")
    for spoil in ("change", "remove"):
        number = publish(portal.engine, portal.settings, "tax", content=CONTENT)
        [path] = portal.settings.data.glob(f"extracts/tax/*-{number}.csv")
        if spoil == "change":
            path.write_bytes(CONTENT.replace(b"1", b"2"))
        else:
            path.unlink()
        answer = client.get(f"/extracts/{number}/files/0")
        assert answer.status_code == 400
        assert "核验不通过" in answer.text
    assert ledger_lines(portal) == []
    with portal.engine.connect() as connection:
        assert connection.scalars(select(alert.c.kind)).all() == ["ledger_broken", "ledger_broken"]


def test_a_file_outside_the_data_folder_never_leaves(portal: Portal) -> None:
    number = publish(portal.engine, portal.settings, "tax", content=CONTENT)
    outside = portal.settings.data.parent / "outside.csv"
    outside.write_bytes(CONTENT)
    link = portal.settings.data / "extracts" / "link.csv"
    link.symlink_to(outside)
    client = portal.as_role("staff")
    with portal.engine.connect() as connection:
        [entry] = connection.scalars(select(extract.c.files)).one()
    for path in ("../outside.csv", str(outside), "extracts/link.csv"):
        with portal.engine.begin() as connection:
            connection.execute(update(extract).values(files=[{**entry, "path": path}]))
        assert client.get(f"/extracts/{number}/files/0").status_code == 400, path


def test_formats_not_agreed_and_places_that_are_none_do_not_exist(portal: Portal) -> None:
    number = publish(portal.engine, portal.settings, "tax", content=CONTENT)
    client = portal.as_role("staff")
    assert client.get(f"/extracts/{number}/files/1").status_code == 404
    with portal.engine.begin() as connection:
        [entry] = connection.scalars(select(extract.c.files)).one()
        connection.execute(update(extract).values(files=[{**entry, "given": False}]))
    assert client.get(f"/extracts/{number}/files/0").status_code == 404
    assert f"/extracts/{number}/files/0" not in client.get("/extracts").text


def test_other_sites_and_head_requests_start_no_download(portal: Portal) -> None:
    number = publish(portal.engine, portal.settings, "tax", content=CONTENT)
    client = portal.as_role("staff")
    for site in ("cross-site", "same-site"):
        assert client.get(f"/extracts/{number}/files/0", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.head(f"/extracts/{number}/files/0").status_code == 403
    assert ledger_lines(portal) == []
    for site in ("same-origin", "none"):
        assert client.get(f"/extracts/{number}/files/0", headers={"Sec-Fetch-Site": site}).status_code == 200
