"""Logging in and staying so. A session is a random token in a cookie; the table knows only its hash. It ends after
half an hour unused, after ten hours in any case, and at once when the account is closed or its password changes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from hub.portal.audit import record_event
from hub.portal.people import ONE_TIME_VALID, password_matches
from hub.store.tables.portal import person, session

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=10)
FREE_FAILURES = 4  # from the fifth on an account is locked: 1, 2, 4 … minutes, an hour at most
LONGEST_LOCK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is logged in, as of this request."""

    account: str
    name: str
    department: str
    role: str
    must_change_password: bool


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(token: str) -> str:
    """The proof a form carries that our page made it: known to the session's holder only, useless without the cookie."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


def form_token_matches(token: str, given: str) -> bool:
    return hmac.compare_digest(form_token(token).encode(), given.encode())


def log_in(connection: Connection, account: str, password: str, now: datetime | None = None) -> str | None:
    """Opens a session and returns its token, or None: wrong, locked, closed and unknown look alike from outside.
    Attempts on one account are taken one after another, so guessing in parallel gains nothing."""
    now = now or datetime.now(UTC)
    account = account.strip().lower()[:64]
    row = (
        connection.execute(select(person).where(person.c.account == account).with_for_update()).mappings().one_or_none()
    )
    locked = row is not None and row["locked_until"] is not None and row["locked_until"] > now
    right = password_matches(row["password_hash"] if row and not locked else None, password)
    if row is None or locked or not row["active"] or not right:
        known = account if row is not None else None
        reason = "unknown" if row is None else "locked" if locked else "closed" if right else "password"
        record_event(connection, "login_failed", known, row["department"] if row else None, reason=reason)
        if row is not None and not locked and not right:
            _count_failure(connection, account, row["failed_logins"] + 1, now)
        return None
    if row["must_change_password"] and now - row["password_set_at"] > ONE_TIME_VALID:
        record_event(connection, "login_failed", account, row["department"], reason="one_time_expired")
        return None
    connection.execute(
        update(person).where(person.c.account == account).values(failed_logins=0, locked_until=None, last_login_at=now)
    )
    connection.execute(delete(session).where(session.c.expires_at < now))
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(session).values(
            token_hash=_hash(token), account=account, created_at=now, seen_at=now, expires_at=now + ABSOLUTE
        )
    )
    record_event(connection, "login", account, row["department"])
    return token


def _count_failure(connection: Connection, account: str, failures: int, now: datetime) -> None:
    over = failures - FREE_FAILURES
    lock = min(timedelta(minutes=2 ** min(over - 1, 10)), LONGEST_LOCK) if over > 0 else None
    connection.execute(
        update(person)
        .where(person.c.account == account)
        .values(failed_logins=failures, locked_until=now + lock if lock else None)
    )
    if lock:
        record_event(connection, "account_locked", account, failures=failures, minutes=lock // timedelta(minutes=1))


def who_is(connection: Connection, token: str, now: datetime | None = None) -> Person | None:
    """The person behind a token, with the role of this moment; None when it ended. Notes that it was used."""
    now = now or datetime.now(UTC)
    row = (
        connection.execute(
            select(session, person)
            .join_from(session, person, person.c.account == session.c.account)
            .with_only_columns(
                session.c.token_hash,
                session.c.seen_at,
                session.c.expires_at,
                person.c.account,
                person.c.name,
                person.c.department,
                person.c.role,
                person.c.must_change_password,
            )
            .where(session.c.token_hash == _hash(token), person.c.active)
        )
        .mappings()
        .one_or_none()
    )
    if row is None or row["expires_at"] <= now or row["seen_at"] + IDLE <= now:
        return None
    if now - row["seen_at"] > timedelta(minutes=1):
        connection.execute(update(session).where(session.c.token_hash == row["token_hash"]).values(seen_at=now))
    return Person(row["account"], row["name"], row["department"], row["role"], row["must_change_password"])


def log_out(connection: Connection, token: str) -> None:
    """Ends the session, here and now."""
    account = connection.scalar(
        delete(session).where(session.c.token_hash == _hash(token)).returning(session.c.account)
    )
    if account:
        record_event(connection, "logout", account)
