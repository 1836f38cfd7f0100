"""校核纠错: a recipient disputes a value or a row; the source verifies; until then every extract flags it.

提出 raised → 受理 accepted → 标注 flagged → 核实与处理 answered → 标注撤销 unflagged → 归档 archived; or 不予受理 refused.
Clocks run in working days (政务数据共享条例; the terms are settings of the county): accept within 1, answer within 10.
A disputed value stays usable. Nobody closes their own dispute: the source answers, the disputing side or the office
archives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from hub.alerts import fix_alert, raise_alert
from hub.deployment import Deployment
from hub.errors import ConflictError, PermissionRefusedError
from hub.sharing import ledger
from hub.sharing.sources import Dataset
from hub.sharing.working_days import WorkingCalendar
from hub.store.tables.sharing import correction, correction_step

if TYPE_CHECKING:
    import pyarrow as pa

STATE_TITLES = {
    "raised": "提出",
    "accepted": "受理",
    "flagged": "标注",
    "answered": "核实与处理",
    "unflagged": "标注撤销",
    "archived": "归档",
    "refused": "不予受理",
}
OUTCOME_TITLES = {"corrected": "已更正", "upheld": "核实无误", "withdrawn": "撤回"}
OPEN_STATES = ("raised", "accepted", "flagged")
ACCEPT_WITHIN = 1  # working days
ANSWER_WITHIN = 10


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: account name, department, and whether the department is the leading group's office."""

    account: str
    department: str
    office: bool = False


@dataclass(frozen=True, slots=True)
class Dispute:
    """What is disputed. `field` None: the whole row. `value`: the disputed value as the dataset holds it. `record`:
    values that single out one of several rows of a cooperative. `proposed`: what it should be."""

    dataset: str
    coop_id: str
    reason: str
    field: str | None = None
    value: str | None = None
    record: Mapping[str, str] | None = None
    proposed: str | None = None
    extract_id: int | None = None
    evidence: Sequence[Mapping[str, str]] = ()


def source_department(deployment: Deployment, dataset: Dataset, field: str | None) -> str:
    """Who must verify: the department whose feed gives the field, else the dataset's; the office for what it derives."""
    for candidate in dataset.fields:
        if candidate.name == field and candidate.source_feed in deployment.feed_by_name:
            return deployment.sender_of(candidate.source_feed)
    for feed in dataset.feeds:
        if feed in deployment.feed_by_name:
            return deployment.sender_of(feed)
    return deployment.office.id


def _step(
    connection: Connection, correction_id: int, state: str, person: Person, *, today: date, note: str | None = None
) -> None:
    connection.execute(
        insert(correction_step).values(
            correction_id=correction_id,
            state=state,
            department=person.department,
            person=person.account,
            note=note,
            business_date=today,
        )
    )
    details = {"correction": correction_id, "state": state}
    ledger.record(connection, "correction", person.department, person.account, None, details)


def raise_correction(
    connection: Connection,
    deployment: Deployment,
    calendar: WorkingCalendar,
    dispute: Dispute,
    person: Person,
    *,
    datasets: Mapping[str, Dataset],
    today: date,
) -> int:
    """提出: opens a dispute and tells the source department. Returns its number.

    Raises:
        PermissionRefusedError: the dataset or field does not exist, or nothing was said about why.
    """
    dataset = datasets.get(dispute.dataset)
    if dataset is None or (dispute.field and dispute.field not in {f.name for f in dataset.fields}):
        raise PermissionRefusedError("没有这个数据集或字段。", next_step="从数据页面上有疑问的那一格提出校核纠错。")
    if not dispute.reason.strip():
        raise PermissionRefusedError("没有写明理由。", next_step="写明认为有误的理由，最好附上依据。")
    source = source_department(deployment, dataset, dispute.field)
    correction_id = int(
        connection.scalar(
            insert(correction)
            .values(
                dataset=dispute.dataset,
                coop_id=dispute.coop_id,
                field=dispute.field,
                value=dispute.value,
                record=dict(dispute.record or {}),
                raised_by_department=person.department,
                raised_by=person.account,
                source_department=source,
                extract_id=dispute.extract_id,
                reason=dispute.reason.strip(),
                proposed=dispute.proposed,
                evidence=[dict(e) for e in dispute.evidence],
                raised_on=today,
                due_on=calendar.add(today, ACCEPT_WITHIN),
            )
            .returning(correction.c.correction_id)
        )
        or 0
    )
    _step(connection, correction_id, "raised", person, today=today, note=dispute.reason.strip())
    names = deployment.department_by_id
    raised_by = names[person.department].name if person.department in names else person.department
    raise_alert(
        connection,
        "correction_raised",
        str(correction_id),
        f"校核纠错第{correction_id}号待受理",
        f"{raised_by}对“{dataset.title.zh}”的一处数据提出校核纠错，请在 {calendar.add(today, ACCEPT_WITHIN)} 前受理。"
        "内容请登录枢纽查看。",
        {"correction": correction_id, "department": source},
    )
    return correction_id


def _get(connection: Connection, correction_id: int) -> Row[Any]:
    row = connection.execute(
        select(correction).where(correction.c.correction_id == correction_id).with_for_update()
    ).first()
    if row is None:
        raise PermissionRefusedError(
            f"没有校核纠错第{correction_id}号。", next_step="用 coop-hub corrections list 查看编号。"
        )
    return row


def _expect(row: Row[Any], *states: str) -> None:
    if row.state not in states:
        raise ConflictError(
            f"校核纠错第{row.correction_id}号现在是“{STATE_TITLES[row.state]}”，不能这样办理。",
            next_step=f"只有“{'”“'.join(STATE_TITLES[s] for s in states)}”状态的可以。",
        )


def _must_be_source(row: Row[Any], person: Person) -> None:
    if person.department != row.source_department and not person.office:
        raise PermissionRefusedError(
            "只有数据提供部门（或领导小组办公室）可以办理。", next_step="转告数据提供部门在其待办里处理。"
        )


def accept(
    connection: Connection, calendar: WorkingCalendar, correction_id: int, person: Person, *, today: date
) -> date:
    """受理, and at once 标注: from the next extract on the value is flagged. Returns the day an answer is due.

    Raises:
        ConflictError, PermissionRefusedError: not in this state, not by this department.
    """
    row = _get(connection, correction_id)
    _expect(row, "raised")
    _must_be_source(row, person)
    due = calendar.add(today, ANSWER_WITHIN)
    _step(connection, correction_id, "accepted", person, today=today)
    _step(connection, correction_id, "flagged", person, today=today)
    connection.execute(
        update(correction)
        .where(correction.c.correction_id == correction_id)
        .values(state="flagged", flagged=True, due_on=due)
    )
    fix_alert(connection, "correction_raised", str(correction_id))
    return due


def refuse(connection: Connection, correction_id: int, person: Person, reason: str, *, today: date) -> None:
    """不予受理, with a reason the disputing side reads."""
    row = _get(connection, correction_id)
    _expect(row, "raised")
    _must_be_source(row, person)
    if not reason.strip():
        raise PermissionRefusedError("不予受理须写明理由。", next_step="写明理由后重试。")
    _step(connection, correction_id, "refused", person, today=today, note=reason)
    connection.execute(
        update(correction)
        .where(correction.c.correction_id == correction_id)
        .values(state="refused", flagged=False, answer=reason, closed_on=today)
    )
    fix_alert(connection, "correction_raised", str(correction_id))
    _tell_disputing_side(connection, row, f"不予受理：{reason}")


def answer(
    connection: Connection,
    correction_id: int,
    person: Person,
    *,
    outcome: str,
    text: str,
    corrected_value: str | None = None,
    today: date,
) -> None:
    """核实与处理: the source says what is true. `outcome` is `corrected` (the corrected row comes with the next
    delivery or by hand; the flag stays until the new value is there) or `upheld` (the flag goes at once).

    Raises:
        ConflictError, PermissionRefusedError: not in this state, not by this department.
    """
    row = _get(connection, correction_id)
    _expect(row, "flagged")
    _must_be_source(row, person)
    if outcome not in ("corrected", "upheld"):
        raise ValueError(f"unknown outcome {outcome!r}")
    if not text.strip():
        raise PermissionRefusedError("没有写明核实情况。", next_step="写明核实的情况和依据后重试。")
    _step(connection, correction_id, "answered", person, today=today, note=text)
    connection.execute(
        update(correction)
        .where(correction.c.correction_id == correction_id)
        .values(state="answered", outcome=outcome, answer=text, corrected_value=corrected_value)
    )
    fix_alert(connection, "correction_overdue", str(correction_id))
    if outcome == "upheld":
        unflag(connection, correction_id, person, today=today)
    _tell_disputing_side(connection, row, f"{OUTCOME_TITLES[outcome]}：{text}")


def unflag(connection: Connection, correction_id: int, person: Person, *, today: date) -> None:
    """标注撤销: the next extract no longer flags the value."""
    row = _get(connection, correction_id)
    _expect(row, "answered")
    _step(connection, correction_id, "unflagged", person, today=today)
    connection.execute(
        update(correction).where(correction.c.correction_id == correction_id).values(state="unflagged", flagged=False)
    )


def withdraw(connection: Connection, correction_id: int, person: Person, *, today: date) -> None:
    """The disputing side takes it back: the flag goes and the matter is archived."""
    row = _get(connection, correction_id)
    _expect(row, *OPEN_STATES)
    if person.department != row.raised_by_department and not person.office:
        raise PermissionRefusedError("只有提出部门可以撤回。", next_step="与提出部门联系。")
    _step(connection, correction_id, "archived", person, today=today, note=OUTCOME_TITLES["withdrawn"])
    connection.execute(
        update(correction)
        .where(correction.c.correction_id == correction_id)
        .values(state="archived", flagged=False, outcome="withdrawn", closed_on=today)
    )
    for kind in ("correction_raised", "correction_overdue"):
        fix_alert(connection, kind, str(correction_id))


def archive(connection: Connection, correction_id: int, person: Person, *, today: date) -> None:
    """归档 by the disputing side or the office: they have read the answer."""
    row = _get(connection, correction_id)
    _expect(row, "unflagged", "refused")
    if person.department != row.raised_by_department and not person.office:
        raise PermissionRefusedError("只有提出部门或领导小组办公室可以归档。", next_step="请提出部门确认答复后归档。")
    _step(connection, correction_id, "archived", person, today=today)
    connection.execute(
        update(correction).where(correction.c.correction_id == correction_id).values(state="archived", closed_on=today)
    )
    fix_alert(connection, "correction_answered", str(correction_id))


def settle_corrected(connection: Connection, rows_of: Callable[[str], pa.Table], *, today: date) -> list[int]:
    """标注撤销 for answered disputes whose disputed value is no longer in its dataset: the corrected row has arrived.
    `rows_of` gives a dataset's rows; run every night before publishing. Returns the numbers."""
    import pyarrow.compute as pc

    waiting = connection.execute(
        select(correction).where(correction.c.state == "answered", correction.c.outcome == "corrected")
    ).all()
    settled = []
    for row in waiting:
        if row.field is None or row.value is None:
            continue
        rows = rows_of(row.dataset)
        held = rows.filter(pc.equal(rows.column("coop_id"), row.coop_id)).column(row.field)
        if row.value not in [None if v is None else str(v) for v in held.to_pylist()]:
            unflag(connection, row.correction_id, Person(ledger.HUB, ledger.HUB), today=today)
            settled.append(int(row.correction_id))
    return settled


def _tell_disputing_side(connection: Connection, row: Row[Any], what: str) -> None:
    raise_alert(
        connection,
        "correction_answered",
        str(row.correction_id),
        f"校核纠错第{row.correction_id}号已答复",
        f"您部门提出的校核纠错第{row.correction_id}号已有答复，请登录枢纽查看并归档。",
        {"correction": row.correction_id, "department": row.raised_by_department, "answer": what[:10]},
    )


def overdue(connection: Connection, *, today: date) -> list[Row[Any]]:
    """Open disputes whose clock has run out; raises an alert for each (one open alert a dispute)."""
    rows = list(
        connection.execute(
            select(correction)
            .where(correction.c.state.in_(OPEN_STATES), correction.c.due_on < today)
            .order_by(correction.c.due_on)
        )
    )
    for row in rows:
        raise_alert(
            connection,
            "correction_overdue",
            str(row.correction_id),
            f"校核纠错第{row.correction_id}号逾期未办",
            f"应于 {row.due_on.isoformat()} 前办理，现为“{STATE_TITLES[row.state]}”。",
            {"correction": row.correction_id, "department": row.source_department},
        )
    return rows


def queue(
    connection: Connection, *, department: str | None = None, side: str = "source", state: str | None = None
) -> list[Row[Any]]:
    """Disputes, oldest clock first: a source department's queue (`side` source), what a department raised (`raised`),
    or both sides (`any`); all departments when none is named."""
    c = correction.c
    query = select(correction).order_by(c.due_on, c.correction_id)
    if department and side == "any":
        query = query.where(or_(c.source_department == department, c.raised_by_department == department))
    elif department:
        query = query.where((c.source_department if side == "source" else c.raised_by_department) == department)
    if state:
        query = query.where(c.state == state)
    return list(connection.execute(query))


def history(connection: Connection, correction_id: int) -> list[Row[Any]]:
    """The steps of a dispute in order."""
    return list(
        connection.execute(
            select(correction_step)
            .where(correction_step.c.correction_id == correction_id)
            .order_by(correction_step.c.step_id)
        )
    )


@dataclass(frozen=True, slots=True)
class DepartmentFigures:
    """A source department's disputes in a period."""

    department: str
    raised: int
    open: int
    overdue: int
    corrected: int
    upheld: int
    refused: int
    days: float | None  # mean working days from raising to closing


def figures(
    connection: Connection, calendar: WorkingCalendar, *, first: date, last: date, today: date
) -> list[DepartmentFigures]:
    """Figures by source department over disputes raised from `first` to `last`."""
    c = correction.c
    is_open = c.state.in_(OPEN_STATES)
    rows = connection.execute(
        select(
            c.source_department,
            func.count().label("raised"),
            func.count().filter(is_open).label("open"),
            func.count().filter(is_open, c.due_on < today).label("overdue"),
            func.count().filter(c.outcome == "corrected").label("corrected"),
            func.count().filter(c.outcome == "upheld").label("upheld"),
            func.count().filter(c.state == "refused").label("refused"),
            func.array_agg(c.raised_on).filter(c.closed_on.is_not(None)).label("raised_days"),
            func.array_agg(c.closed_on).filter(c.closed_on.is_not(None)).label("closed_days"),
        )
        .where(c.raised_on.between(first, last))
        .group_by(c.source_department)
        .order_by(c.source_department)
    )
    return [
        DepartmentFigures(
            r.source_department,
            r.raised,
            r.open,
            r.overdue,
            r.corrected,
            r.upheld,
            r.refused,
            _mean([calendar.between(a, b) for a, b in zip(r.raised_days or (), r.closed_days or (), strict=True)]),
        )
        for r in rows
    ]


def _mean(days: Sequence[int]) -> float | None:
    return sum(days) / len(days) if days else None
