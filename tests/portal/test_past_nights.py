"""A department finds what an agreement gave it on every past night, and takes it like any other extract."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from hub.sharing.ledger import record, verify
from hub.store.tables.alerts import alert
from hub.store.tables.master import master_version
from hub.store.tables.sharing import extract, ledger
from tests.portal.conftest import Portal

ABNORMAL = "abnormal_decisions_to_tax"


def held(portal: Portal, agreement: str = ABNORMAL) -> list[Any]:
    """The extracts of two nights, the older first."""
    with portal.engine.connect() as connection:
        wanted = select(extract).where(extract.c.agreement == agreement, ~extract.c.past)
        return list(connection.execute(wanted.order_by(extract.c.extract_id)))


def taken(portal: Portal) -> list[tuple[str, int]]:
    with portal.engine.connect() as connection:
        wanted = select(ledger.c.event, ledger.c.extract_id).where(ledger.c.event == "downloaded")
        return [tuple(r) for r in connection.execute(wanted.order_by(ledger.c.seq))]


def test_every_night_is_there_and_an_earlier_one_is_downloaded_on_the_record(lived: Portal) -> None:
    older, newer = held(lived)
    client = lived.as_role("staff")
    assert f"/extracts/{newer.extract_id}/nights" in client.get("/extracts").text
    assert f"/extracts/{newer.extract_id}/nights" in client.get(f"/extracts/{newer.extract_id}").text
    page = client.get(f"/extracts/{newer.extract_id}/nights").text
    for one in (older, newer):
        assert one.business_date.isoformat() in page and f"/extracts/{one.extract_id}/csv" in page
    assert client.get(f"/extracts/{older.extract_id}/csv").status_code == 200
    assert taken(lived) == [("downloaded", older.extract_id)]
    with lived.engine.connect() as connection:
        assert verify(connection) == []


def test_a_night_without_a_change_has_the_extract_of_the_night_before(lived: Portal) -> None:
    newer = held(lived)[-1]
    with lived.engine.begin() as connection:
        version = connection.scalar(
            insert(master_version).values(business_date="2026-11-29", digest="d").returning(master_version.c.version)
        )
        connection.execute(
            update(extract)
            .where(extract.c.extract_id == newer.extract_id)
            .values(confirmed_version=version, confirmed_on="2026-11-29")
        )
    page = lived.as_role("staff").get(f"/extracts/{newer.extract_id}/nights").text
    assert "2026-11-29" in page
    assert page.count(f'"/extracts/{newer.extract_id}/csv"') == 2


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_roles_that_receive_no_data_are_refused(lived: Portal, role: str) -> None:
    answer = lived.as_role(role).get(f"/extracts/{held(lived)[0].extract_id}/nights")
    assert answer.status_code == 403


def test_nobody_sees_the_nights_of_another_department(lived: Portal) -> None:
    theirs = held(lived, "abnormal_decisions_to_forestry")[0]
    for client in (lived.as_role("staff"), lived.as_role("office")):
        assert client.get(f"/extracts/{theirs.extract_id}/nights").status_code == 404
    with lived.engine.connect() as connection:
        refused = connection.scalar(text("select count(*) from audit_event where event = 'access_refused'"))
    assert refused == 2
    assert lived.browser().get(f"/extracts/{theirs.extract_id}/nights").status_code == 303


def test_what_was_recalled_cleared_or_is_no_longer_agreed_is_named_and_not_offered(lived: Portal) -> None:
    older, newer = held(lived)
    client = lived.as_role("staff")
    path = f"/extracts/{newer.extract_id}/nights"
    with lived.engine.begin() as connection:
        record(connection, "pruned", "tax", "the-office", older.extract_id, {"files": 1})
    page = client.get(path).text
    assert "已过保存期" in page and f"/extracts/{older.extract_id}/csv" not in page
    assert client.get(f"/extracts/{older.extract_id}/csv").status_code >= 400
    with lived.engine.connect() as connection:
        assert not connection.execute(select(alert).where(alert.c.kind == "ledger_broken")).all()
    with lived.engine.begin() as connection:
        connection.execute(
            update(extract).where(extract.c.extract_id == newer.extract_id).values(recalled_at=text("now()"))
        )
    page = client.get(path).text
    assert "已召回" in page and f"/extracts/{newer.extract_id}/csv" not in page
    assert taken(lived) == []
