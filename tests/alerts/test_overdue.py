"""What does not happen is noticed: late feeds, missed nights; and every morning the hub says it lives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Connection, Engine, insert, select, text

from hub.alerts import check_nights, check_overdue, raise_alert, send_pending
from hub.deployment import AlertRoutes, Deployment, FeedDeclaration
from hub.settings import Settings
from hub.store.tables.alerts import alert
from hub.store.tables.intake import archived_file, delivery, run
from tests.alerts.conftest import PostBox

NIGHT = date(2026, 9, 1)


def monthly(county: Deployment, *feeds: str) -> Deployment:
    return county.model_copy(update={"feeds": tuple(FeedDeclaration(feed=f, every_days=31) for f in feeds)})


def night(connection: Connection, day: date) -> int:
    return int(
        connection.execute(insert(run).values(kind="nightly", business_date=day).returning(run.c.run_id)).scalar_one()
    )


def arrived(connection: Connection, feed: str, day: date, state: str = "accepted", town: str | None = None) -> None:
    sha = f"{feed}{day}{town}".ljust(64, "0")
    connection.execute(insert(archived_file).values(sha256=sha, sm3=sha, size=1, path=sha))
    connection.execute(
        insert(delivery).values(
            feed=feed, department="tax", name=f"{day}.xlsx", sha256=sha, run_id=night(connection, day), as_of=day,
            coverage="full", state=state, town=town,
        )
    )  # fmt: skip


def open_alerts(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute(select(alert.c.key, alert.c.body).where(alert.c.fixed_at.is_(None)))
    return [(r.key, r.body) for r in rows]


def test_a_feed_is_overdue_the_day_after_its_time_and_no_sooner(engine: Engine, county: Deployment) -> None:
    tax = monthly(county, "tax_registration")
    with engine.begin() as connection:
        arrived(connection, "tax_registration", NIGHT)
        assert check_overdue(connection, tax, NIGHT + timedelta(days=31)) == []
        assert check_overdue(connection, tax, NIGHT + timedelta(days=32)) == ["tax_registration"]
        [(key, body)] = open_alerts(connection)
        assert key == "tax_registration"
        assert "2026年09月01日" in body


@pytest.mark.parametrize(
    ("state", "counts"), [("accepted", True), ("unchanged", True), ("failed", False), ("held", False)]
)
def test_only_what_could_be_used_counts_as_arrived(
    engine: Engine, county: Deployment, state: str, counts: bool
) -> None:
    tax = monthly(county, "tax_registration")
    with engine.begin() as connection:
        arrived(connection, "tax_registration", NIGHT)
        check_overdue(connection, tax, NIGHT + timedelta(days=40))
        arrived(connection, "tax_registration", NIGHT + timedelta(days=39), state)
        late = check_overdue(connection, tax, NIGHT + timedelta(days=40))
        assert (late == []) is counts
        assert (open_alerts(connection) == []) is counts


def test_a_feed_that_never_came_counts_from_the_first_night(engine: Engine, county: Deployment) -> None:
    tax = monthly(county, "tax_registration")
    with engine.begin() as connection:
        assert check_overdue(connection, tax, NIGHT) == []
        night(connection, NIGHT)
        assert check_overdue(connection, tax, NIGHT + timedelta(days=10)) == []
        assert check_overdue(connection, tax, NIGHT + timedelta(days=40)) == ["tax_registration"]
        assert "从未收到" in open_alerts(connection)[0][1]


def test_a_feed_sent_town_by_town_names_the_towns_that_are_late(engine: Engine, county: Deployment) -> None:
    cleanup = monthly(county, "township_cleanup")
    with engine.begin() as connection:
        for town in county.county.towns[1:]:
            arrived(connection, "township_cleanup", NIGHT + timedelta(days=30), town=town.name)
        arrived(connection, "township_cleanup", NIGHT, town=county.county.towns[0].name)
        assert check_overdue(connection, cleanup, NIGHT + timedelta(days=40)) == ["township_cleanup"]
        assert f"逾期的乡镇：{county.county.towns[0].name}。" in open_alerts(connection)[0][1]


def test_feeds_without_a_rhythm_are_never_overdue(engine: Engine, county: Deployment) -> None:
    with engine.begin() as connection:
        night(connection, NIGHT)
        assert check_overdue(connection, county, NIGHT + timedelta(days=4000)) == []


def test_a_missed_night_and_a_stuck_one_are_noticed_and_the_next_good_one_fixes_it(engine: Engine) -> None:
    now = datetime.now(UTC)
    with engine.begin() as connection:
        assert check_nights(connection, now)
        night(connection, NIGHT)
        assert check_nights(connection, now + timedelta(hours=2))
        assert not check_nights(connection, now + timedelta(hours=7))
        connection.execute(text("update run set state = 'done'"))
        assert check_nights(connection, now + timedelta(hours=7))
        assert open_alerts(connection) == []
        assert not check_nights(connection, now + timedelta(hours=27))
        night(connection, NIGHT)
        assert check_nights(connection, now + timedelta(hours=1))
        assert open_alerts(connection) == []


def test_every_morning_one_mail_says_the_hub_lives_and_what_is_open(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    alive = county.model_copy(update={"alerts": AlertRoutes(office=("office@county.test",))})
    outside = settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": smtp.port})
    with engine.begin() as connection:
        arrived(connection, "tax_registration", NIGHT)
    seven, nine = datetime(2026, 10, 1, 23, tzinfo=UTC), datetime(2026, 10, 2, 1, tzinfo=UTC)  # county: 07:00 and 09:00
    assert send_pending(engine, outside, alive, now=seven).sent == 0
    assert send_pending(engine, outside, alive, now=nine).sent == 1
    assert send_pending(engine, outside, alive, now=nine + timedelta(hours=1)).sent == 0
    assert "2026-10-02：一切正常" in post_box.subjects()[0]
    assert "已入库 1 件" in post_box.mails[0].get_content()
    with engine.begin() as connection:
        raise_alert(connection, "feed_overdue", "water", "水利局", "逾期")
    send_pending(engine, outside, alive, now=nine + timedelta(days=1))
    assert any("2026-10-03：有待处理事项" in s for s in post_box.subjects())
