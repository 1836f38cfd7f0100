"""One request by one person: what a page's handler gets. Handlers are plain functions run in a thread; they read the
visit and return a response, and never see a request of somebody who may not be there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.deployment import COUNTY_TIME, Deployment
from hub.errors import HubError
from hub.portal.audit import record_event
from hub.portal.sessions import Person, form_token
from hub.settings import Settings
from hub.sharing.security import as_department

if TYPE_CHECKING:
    from hub.portal.access import Page
    from hub.portal.render import Renderer

LANGUAGE_COOKIE, NOTICE_COOKIE = "hub_language", "hub_notice"


@dataclass(frozen=True)
class Hub:
    """What all pages share."""

    engine: Engine
    settings: Settings
    deployment: Deployment
    renderer: Renderer
    pages: tuple[Page, ...]
    dagster_url: str | None = None

    @property
    def session_cookie(self) -> str:
        return "__Host-hub" if self.settings.portal_secure_cookies else "hub_session"

    def today(self) -> date:
        """The county's day (or the one the settings pretend)."""
        pretended = self.settings.today
        return date.fromisoformat(pretended) if pretended else datetime.now(COUNTY_TIME).date()


@dataclass
class Visit:
    """One request. `person` is None on public pages only when nobody is logged in."""

    request: Request
    hub: Hub
    page_declared: Page
    person_or_none: Person | None
    token: str
    form: FormData = field(default_factory=FormData)

    @property
    def person(self) -> Person:
        """Who is logged in; on pages that are not public there always is somebody."""
        if self.person_or_none is None:
            raise HTTPException(401)
        return self.person_or_none

    @property
    def deployment(self) -> Deployment:
        return self.hub.deployment

    @property
    def settings(self) -> Settings:
        return self.hub.settings

    @property
    def language(self) -> str:
        chosen = self.request.cookies.get(LANGUAGE_COOKIE, "")
        return chosen if chosen in {"zh", "en"} else self.hub.settings.language

    @property
    def town(self) -> str | None:
        """The town a township's people speak for."""
        mine = self.deployment.department_by_id.get(self.person.department)
        return mine.town if mine else None

    def t(self, zh: str, en: str) -> str:
        """The words of the visitor's language."""
        return en if self.language == "en" else zh

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction on the hub's database."""
        with self.hub.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A reading transaction in which PostgreSQL itself shows only what this person may see, and lets nothing be
        written: the second lock behind the pages' own conditions."""
        with (
            self.hub.engine.begin() as connection,
            as_department(connection, self.person.department, self.person.role, town=self.town) as mine,
        ):
            yield mine

    def number(self, name: str) -> int:
        """A number in the path; out of the database's range is not found."""
        value = int(self.request.path_params[name])
        if not 0 <= value < 2**63:
            raise HTTPException(404)
        return value

    def named(self, name: str) -> str:
        """A text in the path, without NUL (PostgreSQL takes none), cut to a sensible length."""
        return str(self.request.path_params[name]).replace("\0", "")[:200]

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the address, as `named` gives it."""
        return self.request.query_params.get(name, default).replace("\0", "").strip()[:200]

    def asked_number(self, name: str, default: int = 1, most: int = 1_000_000) -> int:
        text = self.asked(name)
        return min(max(int(text), 1), most) if text.isascii() and text.isdigit() and len(text) < 10 else default

    def asked_date(self, name: str) -> date | None:
        try:
            return date.fromisoformat(self.asked(name))
        except ValueError:
            return None

    def said(self, name: str, most: int = 2000) -> str:
        """A text field of the form, without NUL, cut to `most` characters."""
        value = self.form.get(name)
        return value.replace("\0", "").strip()[:most] if isinstance(value, str) else ""

    def files(self, name: str) -> list[UploadFile]:
        """Uploaded files of a field, empty slots left out."""
        return [f for f in self.form.getlist(name) if isinstance(f, UploadFile) and f.filename]

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A rendered page, with the notice that the step before left for it."""
        response = HTMLResponse(self.hub.renderer.render(self, template, context), status_code=status)
        if NOTICE_COOKIE in self.request.cookies:
            response.delete_cookie(NOTICE_COOKIE, path="/")
        return response

    def go(self, path: str, notice: str = "") -> Response:
        """On to another page of ours (303), which will show `notice` once."""
        response = RedirectResponse(path, status_code=303)
        if notice:
            response.set_cookie(
                NOTICE_COOKIE,
                quote(notice[:300]),
                max_age=60,
                path="/",
                httponly=True,
                samesite="lax",
                secure=self.settings.portal_secure_cookies,
            )
        return response

    def form_proof(self) -> str:
        return form_token(self.token) if self.token else ""

    def refuse(self, what: str) -> HTTPException:
        """Not found, for what belongs to somebody else: records the attempt and tells nothing about it."""
        with self.begin() as connection:
            record_event(
                connection, "access_refused", self.person.account, self.person.department,
                path=self.request.url.path[:200], what=what,
            )  # fmt: skip
        return HTTPException(404)

    def fault(self, error: HubError) -> str:
        """An expected error in one line for a notice."""
        return f"{error.message} {self.t('下一步：', 'Next: ')}{error.next_step}"
