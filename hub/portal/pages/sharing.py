"""What is shared with whom, for the office: every department's newest extracts, what was taken, recalls; agreements and
their approval. Departments see the agreements they are part of."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import RowMapping, func, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.errors import HubError
from hub.portal.access import ACCOUNTANTS, DEPARTMENTS, OFFICE, Page
from hub.portal.audit import record_event
from hub.portal.visit import Visit
from hub.sharing.agreement_diff import diff_words, row_words
from hub.sharing.agreements import MASK_TITLES, SHARE_TITLES, load_agreements, recipients_of
from hub.sharing.approvals import (
    STANDING_TITLES,
    AgreementState,
    Standing,
    agreement_at,
    agreement_states,
    decide,
    revoke_all,
)
from hub.sharing.recall import open_copies, recall
from hub.sharing.sources import MasterDatasets
from hub.store.tables.sharing import extract, extract_copy

_TITLE, _AGREEMENTS = ("共享总览", "Who receives what"), ("共享协议", "Agreements")


def overview_page(visit: Visit) -> Response:
    """By department: its newest extracts, and how many copies of them left."""
    newest = (
        select(func.max(extract.c.extract_id))
        .where(~extract.c.past)
        .group_by(extract.c.agreement, extract.c.department)
        .scalar_subquery()
    )
    copies = (
        select(extract_copy.c.extract_id, func.count().label("copies"), func.max(extract_copy.c.made_at).label("last"))
        .group_by(extract_copy.c.extract_id)
        .subquery()
    )
    with visit.read() as connection:
        rows = (
            connection.execute(
                select(extract, copies.c.copies, copies.c.last)
                .outerjoin(copies, copies.c.extract_id == extract.c.extract_id)
                .where(extract.c.extract_id.in_(newest))
                .order_by(extract.c.department, extract.c.title)
            )
            .mappings()
            .all()
        )
        waiting = open_copies(connection)
    by_department: dict[str, list[RowMapping]] = defaultdict(list)
    for row in rows:
        by_department[row["department"]].append(row)
    return visit.page("sharing.html", by_department=by_department, waiting=waiting)


def recall_extract(visit: Visit) -> Response:
    """Calls an extract back: no more downloads from now on, and every holder must answer."""
    number = visit.number("extract_id")
    try:
        with visit.begin() as connection:
            copies = recall(connection, number, visit.person.account, visit.said("reason", 500))
            record_event(
                connection, "extract_recalled", visit.person.account, visit.person.department,
                extract_id=number, copies=copies,
            )  # fmt: skip
    except HubError as error:
        return visit.go("/sharing", visit.fault(error))
    return visit.go(
        "/sharing", visit.t(f"已召回，{copies} 份副本待回执。", f"Recalled; {copies} copies to be answered for.")
    )


def _states(visit: Visit) -> dict[str, AgreementState]:
    agreements = load_agreements(visit.deployment, MasterDatasets().datasets())
    if visit.person.role == "staff":
        mine = visit.person.department
        agreements = {
            i: a
            for i, a in agreements.items()
            if mine in a.providers or mine in {d.id for d in recipients_of(a, visit.deployment)}
        }
    with visit.begin() as connection:
        return agreement_states(connection, agreements, visit.hub.today())


def _called(visit: Visit, recipient: str) -> str:
    if recipient in visit.deployment.department_by_id:
        return visit.hub.renderer.department(recipient, visit.language)
    return visit.t("各乡镇（街道）", "every township")


def agreements_page(visit: Visit) -> Response:
    states = sorted(_states(visit).values(), key=lambda s: (s.in_force, s.agreement.recipient, s.agreement.title))
    return visit.page(
        "agreements.html",
        states=states,
        datasets=MasterDatasets().datasets(),
        titles=STANDING_TITLES,
        shares=SHARE_TITLES,
        called=lambda r: _called(visit, r),
        waiting=[s for s in states if s.standing is Standing.UNAPPROVED],
    )


def _agreement(visit: Visit) -> AgreementState:
    found = _states(visit).get(visit.named("agreement"))
    if found is None:
        raise HTTPException(404)
    return found


def agreement_page(visit: Visit) -> Response:
    state = _agreement(visit)
    agreement = state.agreement
    dataset = MasterDatasets().datasets()[agreement.dataset]
    titles = {f.name: f for f in dataset.fields}
    fields: list[dict[str, Any]] = [
        {
            "title": visit.t(titles[f].title.zh, titles[f].title.en) if f in titles else f,
            "mask": MASK_TITLES[agreement.mask_of(f)],
            "clear": agreement.mask_of(f).value == "clear",
            "privacy": titles[f].privacy.value if f in titles else "public",
        }
        for f in agreement.fields
    ]
    before: list[str] = []
    if state.version > 1:
        with visit.begin() as connection:
            before = diff_words(agreement_at(connection, agreement.id, state.version - 1), agreement)
    return visit.page(
        "agreement.html",
        stands=state,
        agreement=agreement,
        dataset=dataset,
        fields=fields,
        rows=row_words(agreement.rows),
        before=before,
        titles=STANDING_TITLES,
        shares=SHARE_TITLES,
        called=lambda r: _called(visit, r),
        left=state.days_left(visit.hub.today()),
        may_decide=visit.person.role == "office",
    )


def decide_agreement(visit: Visit) -> Response:
    """The office approves a version, or revokes the agreement as a whole; both at once, both in the ledger."""
    state, approve, reason = _agreement(visit), visit.said("word") == "approve", visit.said("reason", 500)
    agreement, person, day = state.agreement, visit.person.account, visit.hub.today()
    back = f"/agreements/{agreement.id}"
    if not approve and not reason:
        return visit.go(back, visit.t("撤销须写明理由。", "Give a reason."))
    if visit.said("version", 12) != str(state.version):
        return visit.go(back, visit.t("协议刚有改动，请看过后再定。", "The agreement changed; look again first."))
    try:
        with visit.begin() as connection:
            if approve:
                decide(connection, agreement, state.version, "approved", person=person, day=day, reason=reason or None)
            else:
                revoke_all(connection, agreement, person=person, day=day, reason=reason)
            record_event(
                connection, "agreement_approved" if approve else "agreement_revoked", person, visit.person.department,
                agreement=agreement.id, version=state.version,
            )  # fmt: skip
    except HubError as error:
        return visit.go(back, visit.fault(error))
    said = (
        visit.t("已批准，今晚起按协议共享。", "Approved; shared from tonight on.")
        if approve
        else visit.t("已撤销，下载立即停止。", "Revoked; downloads stopped at once.")
    )
    return visit.go(back, said)


PAGES = (
    Page("/sharing", overview_page, ACCOUNTANTS, title=_TITLE, menu="sharing", icon="change"),
    Page("/sharing/{extract_id:int}/recall", recall_extract, OFFICE, method="POST", title=_TITLE),
    Page("/agreements", agreements_page, DEPARTMENTS, title=_AGREEMENTS, menu="sharing", icon="scale"),
    Page("/agreements/{agreement}", agreement_page, DEPARTMENTS, title=_AGREEMENTS),
    Page("/agreements/{agreement}", decide_agreement, OFFICE, method="POST", title=_AGREEMENTS),
)
