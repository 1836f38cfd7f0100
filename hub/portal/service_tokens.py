"""A person's own address of the matching service: OpenRefine cannot log in, so the address itself holds a token. It opens
the matching service alone (public facts of known cooperatives), ends when the person closes it, when the account is closed
and when its password changes; only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from hub.deployment import Deployment
from hub.matching.reconciliation import reconciliation_routes
from hub.portal.access import DEPARTMENTS
from hub.portal.audit import record_event
from hub.portal.sessions import Person
from hub.settings import Settings
from hub.store.tables.portal import person, service_token

PREFIX = "/reconcile"
VALID = timedelta(days=180)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def open_service(connection: Connection, who: Person) -> str:
    """A new token, which ends the one before; returned once and kept nowhere."""
    token = secrets.token_urlsafe(24)
    connection.execute(delete(service_token).where(service_token.c.account == who.account))
    connection.execute(insert(service_token).values(token_hash=_hash(token), account=who.account))
    record_event(connection, "service_opened", who.account, who.department)
    return token


def close_service(connection: Connection, who: Person) -> bool:
    """Ends the person's token; whether there was one."""
    ended = connection.execute(delete(service_token).where(service_token.c.account == who.account)).rowcount
    if ended:
        record_event(connection, "service_closed", who.account, who.department)
    return bool(ended)


def service_of(connection: Connection, account: str) -> Row[Any, Any, Any] | None:
    """When the person's token was made, last used, and how often; None without one."""
    c = service_token.c
    return connection.execute(select(c.created_at, c.used_at, c.requests).where(c.account == account)).one_or_none()


def _admitted(engine: Engine, token: str) -> bool:
    """Whether a token stands; counts the request."""
    with engine.begin() as connection:
        c = service_token.c
        return bool(
            connection.execute(
                update(service_token)
                .where(
                    c.token_hash == _hash(token),
                    c.created_at > datetime.now(UTC) - VALID,
                    c.account == person.c.account,
                    person.c.active,
                    person.c.role.in_(DEPARTMENTS),
                    ~person.c.must_change_password,
                )
                .values(used_at=datetime.now(UTC), requests=c.requests + 1)
            ).rowcount
        )


def service_routes(engine: Engine, settings: Settings, deployment: Deployment) -> list[BaseRoute]:
    """The matching service under `/reconcile/<token>`, for whoever holds a standing token."""

    async def admit(request: Request) -> Response | None:
        if await run_in_threadpool(_admitted, engine, str(request.path_params["token"])):
            return None
        words = "地址无效或已停用，请在门户“匹配名单”页重新获取。This address is closed; get a new one in the portal."
        return JSONResponse({"status": "error", "code": 403, "message": words}, status_code=403)

    return list(
        reconciliation_routes(
            engine, deployment, prefix=f"{PREFIX}/{{token}}", public_url=settings.portal_url, admit=admit
        )
    )
