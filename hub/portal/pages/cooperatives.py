"""Cooperatives for the office: finding one, and its dossier (一社一档), as a page, as a Word document and as JSON."""

from __future__ import annotations

import io
from collections.abc import Sequence

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.errors import ConfigurationError
from hub.feeds import feed_catalogue
from hub.master import dossier
from hub.master.rules import Group, rules
from hub.master.search import resolve_cooperative, search_cooperatives
from hub.portal.access import OFFICE, Page
from hub.portal.audit import record_event
from hub.portal.pages.extracts import attachment, written
from hub.portal.visit import Visit
from hub.portal.weighing import weighed

_TITLE = ("合作社", "Cooperatives")
_PER_PAGE = 30
_ANSWERS = ("yes", "no", "unknown")


def search_page(visit: Visit) -> Response:
    wanted, town, rule, level = (visit.asked(n) for n in ("q", "town", "rule", "level"))
    answer, page = visit.asked("answer") or "yes", visit.asked_number("page")
    known = {r.name: r for r in rules()}
    with visit.read() as connection:
        found = search_cooperatives(
            connection,
            wanted,
            towns=[town] if town else None,
            answers={rule: answer} if rule in known and answer in _ANSWERS else None,
            level=level or None,
            limit=_PER_PAGE,
            offset=(page - 1) * _PER_PAGE,
        )
    return visit.page(
        "cooperatives.html",
        found=found,
        wanted=wanted,
        town_asked=town,
        rule_asked=rule,
        answer_asked=answer,
        level_asked=level,
        towns=[t.name for t in visit.deployment.county.towns],
        rules=[r for r in rules() if r.group is not Group.ELIGIBILITY],
        levels=feed_catalogue()["demonstration"].by_name["level"].choices,
        tax_states={c.value: c.title for c in feed_catalogue()["tax_registration"].by_name["status"].choices},
        page=page,
        more=found.total > page * _PER_PAGE,
        asked={"q": wanted, "town": town, "rule": rule, "answer": answer, "level": level},
    )


def _read(visit: Visit, connection: Connection) -> dossier.Dossier:
    try:
        coop_id = resolve_cooperative(connection, visit.named("coop"))
        return dossier.read_dossier(
            connection, coop_id, as_of=visit.asked_date("as_of"), known_at=visit.asked_date("known_at")
        )
    except ConfigurationError as error:
        raise HTTPException(404) from error


def dossier_page(visit: Visit) -> Response:
    with visit.begin() as connection:
        found = _read(visit, connection)
        record_event(
            connection, "cooperative_viewed", visit.person.account, visit.person.department, coop_id=found.coop_id
        )
    answers: dict[str, Sequence[dossier.Answer]] = {
        group.value: [a for a in found.answers if a.group == group] for group in Group
    }
    return visit.page(
        "dossier.html",
        dossier=found,
        groups=[(title, found.group(name)) for name, title in dossier.GROUPS.items() if found.group(name)],
        answers=answers,
        charts=[weighed(visit, n.items, n.score) for n in found.namings],
        as_of=visit.asked("as_of"),
        known_at=visit.asked("known_at"),
        years=sorted({m.year for m in found.timeline}, reverse=True),
    )


def dossier_json(visit: Visit) -> Response:
    """The dossier for programs."""
    found, name = _taken(visit, "json")
    content = found.to_json().encode()
    return attachment(io.BytesIO(content), name, len(content))


def dossier_docx(visit: Visit) -> Response:
    """The same as a Word file, for whoever takes it to a meeting or a visit."""
    from hub.master.documents.dossier_document import write_dossier

    found, name = _taken(visit, "docx")
    departments = {d.id: d.name for d in visit.deployment.departments}
    return written(name, lambda out: write_dossier(found, out, departments=departments))


def _taken(visit: Visit, form: str) -> tuple[dossier.Dossier, str]:
    """The dossier somebody takes away, and its file's name; noted before anything leaves."""
    with visit.begin() as connection:
        found = _read(visit, connection)
        record_event(
            connection, "dossier_downloaded", visit.person.account, visit.person.department,
            coop_id=found.coop_id, format=form,
        )  # fmt: skip
    return found, f"一社一档-{found.name}-{found.as_of:%Y%m%d}.{form}"


PAGES = (
    Page("/cooperatives", search_page, OFFICE, title=_TITLE, menu="data", icon="leaf"),
    Page("/cooperatives/{coop}", dossier_page, OFFICE, title=_TITLE),
    Page("/cooperatives/{coop}/dossier.json", dossier_json, OFFICE, title=_TITLE, download=True),
    Page("/cooperatives/{coop}/dossier.docx", dossier_docx, OFFICE, title=_TITLE, download=True),
)
