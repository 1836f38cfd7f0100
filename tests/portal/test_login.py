"""Who may come in, and how the door behaves when somebody tries it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import select, text, update

from hub.portal import people, sessions
from hub.store.tables.portal import audit_event, person, session
from tests.portal.conftest import PASSWORD, SHIPPED_HASHER, Portal, proof


def events(portal: Portal) -> list[str]:
    with portal.engine.connect() as connection:
        return list(connection.execute(select(audit_event.c.event).order_by(audit_event.c.event_id)).scalars())


def test_a_person_logs_in_sees_the_start_page_and_logs_out(portal: Portal) -> None:
    client = portal.as_role("staff")
    assert "the-staff演示" in client.get("/").text
    assert client.post("/logout", data={"proof": proof(client)}).status_code == 303
    assert client.get("/").headers["location"] == "/login"
    assert events(portal)[-2:] == ["login", "logout"]


def test_the_cookie_is_out_of_scripts_reach_and_bound_to_the_site(portal: Portal) -> None:
    portal.add("lin", "tax", "staff")
    answer = portal.browser().post("/login", data={"account": "lin", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie


def test_only_a_hash_of_the_token_is_kept(portal: Portal) -> None:
    client = portal.as_role("staff")
    token = client.cookies["hub_session"]
    with portal.engine.connect() as connection:
        kept = connection.execute(select(session.c.token_hash)).scalars().all()
    assert token not in kept
    assert all(len(k) == 64 for k in kept)


def test_wrong_password_unknown_closed_and_locked_look_the_same(portal: Portal) -> None:
    portal.add("lin", "tax", "staff")
    portal.add("closed", "tax", "staff")
    portal.add("locked", "tax", "staff")
    with portal.engine.begin() as connection:
        people.set_active(connection, "closed", False, by="test")
        connection.execute(
            update(person)
            .where(person.c.account == "locked")
            .values(locked_until=datetime.now(UTC) + timedelta(hours=1))
        )
    pages = []
    for account, password in (("lin", "wrong"), ("nobody", PASSWORD), ("closed", PASSWORD), ("locked", PASSWORD)):
        answer = portal.browser().post("/login", data={"account": account, "password": password})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        pages.append(answer.text.replace(f'value="{account}"', ""))
    assert len(set(pages)) == 1


def test_an_account_is_locked_for_longer_and_longer_and_opens_again(portal: Portal) -> None:
    portal.add("lin", "tax", "staff")
    now = datetime.now(UTC)
    waits = []
    with portal.engine.begin() as connection:
        for attempt in range(9):
            assert sessions.log_in(connection, "lin", f"guess{attempt}", now) is None
            until = connection.scalar(select(person.c.locked_until))
            if until:
                waits.append(int((until - now).total_seconds() // 60))
                assert sessions.log_in(connection, "lin", PASSWORD, now) is None
                now = until + timedelta(seconds=1)
        assert waits == [1, 2, 4, 8, 16]
        assert sessions.log_in(connection, "lin", PASSWORD, now)
        assert connection.scalar(select(person.c.failed_logins)) == 0


def test_a_lock_never_lasts_longer_than_an_hour(portal: Portal) -> None:
    portal.add("lin", "tax", "staff")
    now = datetime.now(UTC)
    with portal.engine.begin() as connection:
        connection.execute(update(person).values(failed_logins=5000))
        sessions.log_in(connection, "lin", "guess", now)
        assert connection.scalar(select(person.c.locked_until)) == now + timedelta(hours=1)


def test_a_session_ends_unused_and_in_any_case(portal: Portal) -> None:
    portal.add("lin", "tax", "staff")
    now = datetime.now(UTC)
    with portal.engine.begin() as connection:
        token = sessions.log_in(connection, "lin", PASSWORD, now)
        assert token
        assert sessions.who_is(connection, token, now + sessions.IDLE) is None
        step = now
        while step < now + sessions.ABSOLUTE - sessions.IDLE:
            step += sessions.IDLE - timedelta(minutes=1)
            assert sessions.who_is(connection, token, step)
        assert sessions.who_is(connection, token, now + sessions.ABSOLUTE) is None


@pytest.mark.parametrize("act", ["deactivate", "reset"])
def test_closing_an_account_or_resetting_its_password_ends_its_sessions_at_once(portal: Portal, act: str) -> None:
    client = portal.as_role("staff")
    assert client.get("/").status_code == 200
    with portal.engine.begin() as connection:
        if act == "deactivate":
            people.set_active(connection, "the-staff", False, by="test")
        else:
            people.reset_password(connection, "the-staff", by="test")
    assert client.get("/").headers["location"] == "/login"


def test_a_one_time_password_opens_nothing_but_its_own_change(portal: Portal) -> None:
    with portal.engine.begin() as connection:
        first = people.add_person(
            connection, portal.deployment, account="lin", name="林", department="tax", role="staff", by="test"
        )
    client = portal.enter("lin", first)
    assert client.get("/deliveries").headers["location"] == "/password"
    token = proof(client)
    for new, again in (
        ("short", "short"),
        ("Qing-he-2026", "Qing-he-2027"),
        (first, first),
        ("lin-Secret-88", "lin-Secret-88"),
    ):
        answer = client.post("/password", data={"proof": token, "old": first, "new": new, "again": again})
        assert answer.status_code == 400
    answer = client.post("/password", data={"proof": token, "old": first, "new": PASSWORD, "again": PASSWORD})
    assert answer.status_code == 303
    assert client.get("/deliveries").status_code == 200
    assert portal.browser().post("/login", data={"account": "lin", "password": first}).status_code == 403


def test_a_one_time_password_nobody_used_expires(portal: Portal) -> None:
    with portal.engine.begin() as connection:
        first = people.add_person(
            connection, portal.deployment, account="lin", name="林", department="tax", role="staff", by="test"
        )
        later = datetime.now(UTC) + people.ONE_TIME_VALID + timedelta(minutes=1)
        assert sessions.log_in(connection, "lin", first, later) is None
        assert sessions.log_in(connection, "lin", first)


def test_passwords_are_argon2id_and_never_shown_again(portal: Portal) -> None:
    portal.add("lin", "tax", "staff")
    with portal.engine.connect() as connection:
        assert connection.scalar(select(person.c.password_hash)).startswith("$argon2id$")
        assert extract_parameters(SHIPPED_HASHER().hash(PASSWORD)) == RFC_9106_LOW_MEMORY
        assert all("password_hash" not in row for row in people.list_people(connection))


def test_after_login_one_goes_on_to_where_one_wanted_but_never_off_the_site(portal: Portal) -> None:
    portal.add("lin", "tax", "staff")
    client = portal.browser()
    assert client.get("/deliveries?state=held").headers["location"] == "/login?next=/deliveries%3Fstate%3Dheld"
    for wanted, lands in (
        ("/deliveries?state=held", "/deliveries?state=held"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
    ):
        answer = portal.browser().post("/login", data={"account": "lin", "password": PASSWORD, "next": wanted})
        assert answer.headers["location"] == lands


def test_the_language_is_chosen_and_kept(portal: Portal) -> None:
    client = portal.browser()
    assert "登录" in client.get("/login").text
    assert client.get("/language", params={"to": "en", "back": "//evil.test"}).headers["location"] == "/"
    assert "Log in" in client.get("/login").text
    client.get("/language", params={"to": "xx"})
    assert "Log in" in client.get("/login").text


def test_nothing_of_a_failed_login_but_the_account_is_kept(portal: Portal) -> None:
    portal.add("lin", "tax", "staff")
    portal.browser().post("/login", data={"account": "lin", "password": "tippfehler-geheim"})
    portal.browser().post("/login", data={"account": "tippfehler-geheim", "password": "x"})
    with portal.engine.connect() as connection:
        dump = connection.execute(text("select string_agg(audit_event::text, ' ') from audit_event")).scalar_one()
    assert "tippfehler-geheim" not in dump


def test_strange_input_is_turned_away_not_tripped_over(portal: Portal) -> None:
    client = portal.browser()
    for data in ({}, {"account": "\0", "password": "\0"}, {"account": "a" * 9000, "password": "b" * 9000}):
        assert client.post("/login", data=data).status_code == 403
    assert client.post("/login", files={"account": ("x", b"y"), "password": ("x", b"y")}).status_code == 403
    assert client.post("/login", content=b"x" * 200_000).status_code == 413
