"""The review desk (核对台): are these two one cooperative? Over the same functions as `coop-hub review`; for the office,
because both sides show rows of several departments. A decision counts from the next matching on, which the office may
start at once."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.errors import ConflictError, HubError
from hub.matching.decisions import (
    VERDICT_WORDS,
    ChainLink,
    ContradictionError,
    confirm,
    decide,
    list_decisions,
    revoke,
)
from hub.matching.reasons import percent
from hub.matching.review import OpenQuestion, Side, count_open, find_question, next_number, open_questions
from hub.matching.review_rules import review_rules
from hub.portal.access import OFFICE, Page
from hub.portal.audit import record_event
from hub.portal.charts import differing
from hub.portal.pages.extracts import attachment
from hub.portal.visit import Visit
from hub.portal.weighing import weighed

_TITLE = ("核对台", "Review desk")
_PER_PAGE = 30
_REASONS = ("查看资料后判断", "电话核实", "询问乡镇", "查看登记档案", "实地查看")
KIND_TITLES = {
    "model": ("资料相近", "alike"),
    "conflict": ("代码与名称不符", "code and name disagree"),
    "recheck": ("判断后资料有变", "changed since decided"),
}


def queue_page(visit: Visit) -> Response:
    """Open questions, the best first, and how answers go out and come back as a workbook."""
    town, kind, page = visit.asked("town") or None, visit.asked("kind"), visit.asked_number("page")
    chosen = kind if kind in KIND_TITLES else None
    with visit.read() as connection:
        total = count_open(connection, town=town, kind=chosen)
        found = open_questions(connection, town=town, kind=chosen, limit=_PER_PAGE, offset=(page - 1) * _PER_PAGE)
        waiting = list_decisions(connection, waiting=True)
    return visit.page(
        "review.html",
        questions=found,
        total=total,
        page=page,
        more=total > page * _PER_PAGE,
        kinds=KIND_TITLES,
        towns=[t.name for t in visit.deployment.county.towns],
        town_asked=town or "",
        kind_asked=chosen or "",
        asked={"town": town or "", "kind": chosen or ""},
        waiting=len(waiting),
        percent=percent,
        rules=review_rules(visit.deployment),
    )


def _compared(question: OpenQuestion, visit: Visit) -> list[dict[str, Any]]:
    """Both sides field by field; `same` is None where a side says nothing."""
    titles = (
        ("name", "名称", "Name"), ("former_name", "曾用名", "Former name"), ("codes", "代码", "Codes"),
        ("representative", "负责人", "Representative"), ("phone", "电话", "Phone"), ("town", "乡镇", "Town"),
        ("address", "地址", "Address"), ("founded_on", "成立日期", "Founded"), ("coop_id", "合作社编号", "Id"),
    )  # fmt: skip

    def said(side: Side, name: str) -> str:
        value = getattr(side, name)
        return "、".join(value) if isinstance(value, tuple) else str(value or "")

    lines = []
    for name, zh, en in titles:
        left, right = said(question.asked, name), said(question.other, name)
        if not left and not right:
            continue
        same = None if not left or not right or name == "coop_id" else left == right
        marked = name in {"name", "address", "representative"} and same is False
        lines.append(
            {
                "name": name,
                "title": visit.t(zh, en),
                "left": differing(left, right) if marked else left,
                "right": differing(right, left) if marked else right,
                "same": same,
            }
        )
    return lines


def question_page(
    visit: Visit, fault: HubError | None = None, status: int = 200, said: dict[str, str] | None = None
) -> Response:
    """One question with both sides, the sources, the evidence and the next candidates."""
    number = visit.named("number")
    chain: tuple[ChainLink, ...] = fault.chain if isinstance(fault, ContradictionError) else ()
    with visit.read() as connection:
        try:
            question = find_question(connection, number)
        except ConflictError as error:
            return visit.go("/review", visit.fault(error))
        left, following = count_open(connection), next_number(connection, question.number)
        mine = list_decisions(connection, person=visit.person.account, limit=1)
    with visit.begin() as connection:
        record_event(
            connection, "question_viewed", visit.person.account, visit.person.department, question=question.number
        )
    return visit.page(
        "review_question.html",
        status=status,
        question=question,
        lines=_compared(question, visit),
        chart=weighed(visit, question.items, question.probability),
        kinds=KIND_TITLES,
        verdicts=VERDICT_WORDS,
        reasons=_REASONS,
        fault=visit.fault(fault) if fault else "",
        chain=chain,
        said=said or {},
        left=left,
        following=following,
        last=mine[0] if mine else None,
        second=review_rules(visit.deployment),
    )


def answer(visit: Visit) -> Response:
    """Records the decision and goes on to the next question."""
    number, verdict = visit.named("number"), visit.said("verdict", 16)
    reason = visit.said("reason", 500) or _REASONS[0]
    if verdict not in VERDICT_WORDS:
        raise HTTPException(400)
    second = review_rules(visit.deployment).needs_second(verdict)
    try:
        with visit.begin() as connection:
            question = find_question(connection, number)
            made = decide(
                connection, question.asked.profile_key, question.other.profile_key, verdict,
                person=visit.person.account, reason=reason, second=second,
            )  # fmt: skip
            record_event(
                connection, "question_decided", visit.person.account, visit.person.department,
                question=question.number, decision=made, verdict=verdict,
            )  # fmt: skip
    except ContradictionError as error:
        return question_page(visit, error, 409, {"reason": reason})
    except HubError as error:
        return visit.go("/review", visit.fault(error))
    waits = visit.t("，待另一人复核", ", waits for a second person") if second else ""
    told = visit.t(
        f"已记录为第 {made} 号判断：{VERDICT_WORDS[verdict]}{waits}。",
        f"Recorded as decision {made}: {verdict}{waits}.",
    )
    with visit.read() as connection:
        following = next_number(connection, question.number)
    return visit.go(f"/review/questions/{following}" if following else "/review", told)


def decisions_page(visit: Visit) -> Response:
    """Who decided what, when and why; what waits for a second person first."""
    page, everything = visit.asked_number("page"), visit.asked("all") == "1"
    with visit.read() as connection:
        waiting = list_decisions(connection, waiting=True)
        found = list_decisions(connection, standing=not everything, limit=_PER_PAGE + 1, offset=(page - 1) * _PER_PAGE)
    return visit.page(
        "review_decisions.html",
        waiting=waiting,
        rows=found[:_PER_PAGE],
        page=page,
        more=len(found) > _PER_PAGE,
        everything=everything,
        verdicts=VERDICT_WORDS,
    )


def confirm_one(visit: Visit) -> Response:
    """The second pair of eyes."""
    number = visit.number("decision_id")
    try:
        with visit.begin() as connection:
            confirm(connection, number, person=visit.person.account)
            record_event(
                connection, "decision_confirmed", visit.person.account, visit.person.department, decision=number
            )
    except HubError as error:
        return visit.go("/review/decisions", visit.fault(error))
    return visit.go("/review/decisions", visit.t(f"第 {number} 号判断已复核。", f"Decision {number} is confirmed."))


def undo(visit: Visit) -> Response:
    """Takes a decision back; the ids of before return with the next matching."""
    number, reason = visit.number("decision_id"), visit.said("reason", 500)
    back = "/review" if visit.said("back", 16) == "queue" else "/review/decisions"
    if not reason:
        return visit.go(back, visit.t("请写明撤销的理由。", "Give a reason."))
    try:
        with visit.begin() as connection:
            revoke(connection, number, person=visit.person.account, reason=reason)
            record_event(connection, "decision_revoked", visit.person.account, visit.person.department, decision=number)
    except HubError as error:
        return visit.go(back, visit.fault(error))
    return visit.go(back, visit.t(f"第 {number} 号判断已撤销。", f"Decision {number} is taken back."))


def relink(visit: Visit) -> Response:
    """Links anew with the decisions of this moment; the master and the extracts follow with the night."""
    from hub.matching.resolve import resolve
    from hub.matching.workspace import workspace_of

    workspace = workspace_of(visit.settings.data)
    try:
        summary = resolve(visit.hub.engine, visit.deployment, None, workspace=workspace)
    except HubError as error:
        return visit.go("/review", visit.fault(error))
    with visit.begin() as connection:
        record_event(
            connection, "links_renewed", visit.person.account, visit.person.department, changed=summary.changed
        )
    if not summary.changed:
        return visit.go("/review", visit.t("没有新的判断或来件，关联不变。", "Nothing new; the links stand."))
    said = visit.t(
        f"已重新关联：合作社 {summary.cooperatives} 家，待判问题 {summary.questions} 个。总表和摘录在今晚同步更新。",
        f"Linked anew: {summary.cooperatives} cooperatives, {summary.questions} questions. Extracts follow tonight.",
    )
    return visit.go("/review", said)


def export(visit: Visit) -> Response:
    """The queue as a workbook for townships to fill in. It holds phones, so it is an act that is recorded."""
    from hub.matching.review_sheet import write_questions

    town = visit.asked("town") or None
    with visit.read() as connection:
        found = open_questions(connection, town=town)
    with tempfile.TemporaryDirectory(prefix="coop-hub-review-") as folder:
        out = Path(folder) / "questions.xlsx"
        count = write_questions(out, found)
        content = out.read_bytes()
    with visit.begin() as connection:
        record_event(
            connection, "questions_exported", visit.person.account, visit.person.department, questions=count,
            town=town or "",
        )  # fmt: skip
    name = f"待判清单-{f'{town}-' if town else ''}{visit.hub.today():%Y%m%d}.xlsx"
    return attachment(io.BytesIO(content), name, len(content))


def take_answers(visit: Visit) -> Response:
    """Answers of a returned workbook; each row on its own, with what was not taken and why."""
    from hub.matching.review_sheet import read_answers

    files = visit.files("file")
    if not files:
        return visit.go("/review", visit.t("没有选择文件。", "No file was chosen."))
    sent = files[0]
    name = PurePosixPath((sent.filename or "").replace("\\", "/")).name[-120:]
    with tempfile.TemporaryDirectory(prefix="coop-hub-review-") as folder:
        path = Path(folder) / "answers.xlsx"
        with path.open("wb") as kept:
            while block := sent.file.read(1 << 20):
                kept.write(block)
        try:
            with visit.begin() as connection:
                done = read_answers(
                    connection, path, person=visit.person.account, rules=review_rules(visit.deployment),
                    entered_by=visit.person.account, settings=visit.settings,
                )  # fmt: skip
                record_event(
                    connection, "answers_imported", visit.person.account, visit.person.department,
                    taken=sum(a.problem is None for a in done), refused=sum(a.problem is not None for a in done),
                )  # fmt: skip
        except HubError as error:
            return visit.go("/review", f"{name}：{visit.fault(error)}")
    return visit.page("review_answers.html", done=done, name=name, verdicts=VERDICT_WORDS)


PAGES = (
    Page("/review", queue_page, OFFICE, title=_TITLE, menu="work", icon="scale"),
    Page("/review/questions/{number}", question_page, OFFICE, title=_TITLE),
    Page("/review/questions/{number}", answer, OFFICE, method="POST", title=_TITLE),
    Page("/review/decisions", decisions_page, OFFICE, title=("判断记录", "Decisions")),
    Page("/review/decisions/{decision_id:int}/confirm", confirm_one, OFFICE, method="POST", title=_TITLE),
    Page("/review/decisions/{decision_id:int}/undo", undo, OFFICE, method="POST", title=_TITLE),
    Page("/review/relink", relink, OFFICE, method="POST", title=_TITLE),
    Page("/review/export", export, OFFICE, title=_TITLE, download=True),
    Page("/review/import", take_answers, OFFICE, method="POST", title=_TITLE, upload=True),
)
