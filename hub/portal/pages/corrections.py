"""校核纠错: disputing a value, a source department's queue, answers, and figures. The rules are in hub.sharing.corrections."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import Connection, RowMapping, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.errors import HubError, PermissionRefusedError
from hub.master.datasets import DATASETS
from hub.portal.access import DEPARTMENTS, Page
from hub.portal.audit import record_event
from hub.portal.pages.extracts import attachment, proven_parquet
from hub.portal.visit import Visit
from hub.sharing import corrections
from hub.sharing.access import extract_for
from hub.sharing.agreements import Mask
from hub.sharing.changes import identity_columns
from hub.sharing.columns import column_from_json
from hub.sharing.evidence import evidence_path, keep_evidence
from hub.sharing.sources import IDENTITY_FIELDS
from hub.sharing.working_days import working_calendar
from hub.store.tables.sharing import correction, extract

_TITLE = ("校核纠错", "Corrections")
_MOST_LINES = 50


def _me(visit: Visit) -> corrections.Person:
    return corrections.Person(visit.person.account, visit.person.department, office=visit.person.role == "office")


def list_page(visit: Visit) -> Response:
    """What this department must answer, what it raised; the office sees all, with figures of the last year."""
    mine, today = visit.person.department, visit.hub.today()
    with visit.read() as connection:
        to_answer = corrections.queue(connection, department=mine, side="source")
        raised = corrections.queue(connection, department=mine, side="raised")
        everything = corrections.queue(connection) if visit.person.role == "office" else []
        figures = (
            corrections.figures(
                connection,
                working_calendar(visit.deployment),
                first=today - timedelta(days=365),
                last=today,
                today=today,
            )
            if visit.person.role == "office"
            else []
        )
    seen = {r.correction_id for r in (*to_answer, *raised)}
    return visit.page(
        "corrections.html",
        to_answer=[r for r in to_answer if r.state in ("raised", "flagged")],
        raised=raised,
        others=[
            r for r in (*to_answer, *everything) if r.correction_id not in seen or r.state not in ("raised", "flagged")
        ],
        figures=figures,
        states=corrections.STATE_TITLES,
        outcomes=corrections.OUTCOME_TITLES,
        datasets=DATASETS,
    )


def detail_page(visit: Visit) -> Response:
    number = visit.number("correction_id")
    with visit.read() as connection:
        row = connection.execute(select(correction).where(correction.c.correction_id == number)).first()
        steps = corrections.history(connection, number) if row else []
    if row is None:
        with visit.begin() as connection:
            exists = connection.scalar(select(correction.c.correction_id).where(correction.c.correction_id == number))
        raise visit.refuse("correction") if exists else HTTPException(404)
    office, mine = visit.person.role == "office", visit.person.department
    source, raiser = office or mine == row.source_department, office or mine == row.raised_by_department
    dataset = DATASETS.get(row.dataset)
    return visit.page(
        "correction.html",
        row=row,
        steps=steps,
        states=corrections.STATE_TITLES,
        outcomes=corrections.OUTCOME_TITLES,
        dataset=dataset,
        record_titles={f.name: visit.t(f.title.zh, f.title.en) for f in dataset.fields} if dataset else {},
        field=next((f for f in dataset.fields if f.name == row.field), None) if dataset else None,
        may={
            "accept": source and row.state == "raised",
            "answer": source and row.state == "flagged",
            "unflag": source and row.state == "answered",
            "withdraw": raiser and row.state in corrections.OPEN_STATES,
            "archive": raiser and row.state in ("unflagged", "refused"),
        },
        late=row.state in corrections.OPEN_STATES and row.due_on < visit.hub.today(),
    )


def _extract_said(visit: Visit) -> int:
    said = visit.said("extract", 18)
    if not (said.isascii() and said.isdigit()):
        raise HTTPException(404)
    return int(said)


def _lines(visit: Visit, number: int, coop: str) -> tuple[RowMapping, list[dict[str, str | None]]]:
    """An extract of this department, and one cooperative's rows in it as texts."""
    import duckdb

    with visit.read() as connection:
        row = connection.execute(select(extract).where(extract.c.extract_id == number)).mappings().one_or_none()
    if row is None or row["department"] != visit.person.department:
        raise HTTPException(404)
    with visit.begin() as connection:
        extract_for(connection, number, visit.person.department, visit.hub.today())
    with duckdb.connect() as duck:
        found = duck.read_parquet(str(proven_parquet(visit, row)))
        if "coop_id" not in found.columns:
            raise HTTPException(404)
        texts = ", ".join(f'cast("{n}" as varchar)' for n in found.columns)
        lines = duck.execute(
            f"select {texts} from found where coop_id = $c limit {_MOST_LINES}", {"c": coop}
        ).fetchall()
        names = found.columns
    if not lines:
        raise HTTPException(404)
    return row, [dict(zip(names, line, strict=True)) for line in lines]


def new_page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """A form for one cooperative of an extract this department may see, each value beside its field."""
    number = visit.asked_number("extract", 0, most=2**62) or _extract_said(visit)
    coop = visit.asked("coop") or visit.said("coop", 32)
    row, lines = _lines(visit, number, coop)
    titles = {f["name"]: f["title"] for f in row["fields"]}
    words = {f["name"]: {v: visit.t(zh, en) for v, zh, en in f.get("choices") or ()} for f in row["fields"]}
    disputable = {f.name for f in DATASETS[row["dataset"]].fields} if row["dataset"] in DATASETS else set()
    return visit.page(
        "correction_new.html",
        status=status,
        fault=fault,
        row=row,
        coop=coop,
        names=list(lines[0]),
        titles=titles,
        words=words,
        lines=lines,
        disputable=disputable - {"coop_id"},
    )


def _singled_out(row: RowMapping, line: dict[str, str | None]) -> dict[str, str]:
    """What tells this record of a cooperative from its others: the key fields that stand in the extract unmasked, so that
    they can be found again in the dataset."""
    columns = [column_from_json(f) for f in row["fields"]]
    clear = {c.name for c in columns if c.mask is Mask.CLEAR} - IDENTITY_FIELDS
    return {k: v for k in identity_columns(columns) if k in clear and (v := line.get(k)) is not None}


def raise_one(visit: Visit) -> Response:
    """What is disputed is read from the extract itself, never taken from the form; attachments go into the evidence folder."""
    field, reason = visit.said("field", 64), visit.said("reason", 1000)
    number, coop = _extract_said(visit), visit.said("coop", 32)
    row, lines = _lines(visit, number, coop)
    chosen = visit.said("line", 4)
    line = lines[int(chosen)] if chosen.isascii() and chosen.isdigit() and int(chosen) < len(lines) else None
    if line is None and len(lines) == 1:
        line = lines[0]
    clear = any(f["name"] == field and f.get("mask") in (None, "clear", "none") for f in row["fields"])
    dispute = corrections.Dispute(
        dataset=row["dataset"],
        coop_id=coop,
        reason=reason,
        field=field or None,
        value=(line.get(field) if line else visit.said("value", 500)) or None if clear else None,
        record=_singled_out(row, line) if line and len(lines) > 1 else None,
        proposed=visit.said("proposed", 500) or None,
        extract_id=number,
    )
    try:
        evidence = keep_evidence(visit.settings.data, [(f.filename or "", f.file) for f in visit.files("evidence")])
        with visit.begin() as connection:
            made = corrections.raise_correction(
                connection, visit.deployment, working_calendar(visit.deployment), replace(dispute, evidence=evidence),
                _me(visit), datasets=DATASETS, today=visit.hub.today(),
            )  # fmt: skip
            record_event(
                connection, "correction_raised", visit.person.account, visit.person.department, correction_id=made
            )
    except HubError as error:
        return new_page(visit, visit.fault(error), 400)
    return visit.go(f"/corrections/{made}", visit.t("已提出，数据提供部门会收到提醒。", "Raised; the source is told."))


def evidence_file(visit: Visit) -> Response:
    """An attachment, for both sides of the dispute."""
    number, place = visit.number("correction_id"), visit.number("place")
    with visit.read() as connection:
        kept = connection.scalar(select(correction.c.evidence).where(correction.c.correction_id == number))
    if kept is None or place >= len(kept):
        raise HTTPException(404)
    path = evidence_path(visit.settings.data, kept[place]["sha256"])
    if not path.is_file():
        raise HubError("附件不在了。", next_step="请提出部门重新提供。")
    with visit.begin() as connection:
        record_event(
            connection, "evidence_downloaded", visit.person.account, visit.person.department,
            correction_id=number, place=place,
        )  # fmt: skip
    return attachment(path.open("rb"), kept[place]["name"], path.stat().st_size)


def act(visit: Visit) -> Response:
    """One step of a dispute: accept, refuse, answer, unflag, withdraw or archive."""
    number, word, note = visit.number("correction_id"), visit.said("word", 16), visit.said("note", 1000)
    today = visit.hub.today()
    _visible(visit, number)
    try:
        with visit.begin() as connection:
            _step(visit, connection, number, word=word, note=note, today=today)
            record_event(
                connection, "correction_handled", visit.person.account, visit.person.department,
                correction_id=number, step=word,
            )  # fmt: skip
    except HubError as error:
        return visit.go(f"/corrections/{number}", visit.fault(error))
    return visit.go(f"/corrections/{number}", visit.t("已办理。", "Done."))


def _visible(visit: Visit, number: int) -> None:
    """Only disputes this person may see can be handled; others look as if they did not exist."""
    with visit.read() as connection:
        if connection.scalar(select(correction.c.correction_id).where(correction.c.correction_id == number)) is None:
            raise HTTPException(404)


def _step(visit: Visit, connection: Connection, number: int, *, word: str, note: str, today: date) -> None:
    me = _me(visit)
    if word == "accept":
        corrections.accept(connection, working_calendar(visit.deployment), number, me, today=today)
    elif word == "refuse":
        corrections.refuse(connection, number, me, note, today=today)
    elif word in ("corrected", "upheld"):
        value = visit.said("corrected_value", 500) if word == "corrected" else ""
        corrections.answer(connection, number, me, outcome=word, text=note, corrected_value=value or None, today=today)
    elif word == "unflag":
        source = connection.scalar(select(correction.c.source_department).where(correction.c.correction_id == number))
        if source != me.department and not me.office:
            raise PermissionRefusedError("只有数据提供部门可以撤销标注。", next_step="请数据提供部门办理。")
        corrections.unflag(connection, number, me, today=today)
    elif word == "withdraw":
        corrections.withdraw(connection, number, me, today=today)
    elif word == "archive":
        corrections.archive(connection, number, me, today=today)
    else:
        raise HTTPException(400)


PAGES = (
    Page("/corrections", list_page, DEPARTMENTS, title=_TITLE, menu="work", icon="flag"),
    Page("/corrections/new", new_page, DEPARTMENTS, title=("提出校核纠错", "Dispute a value")),
    Page(
        "/corrections/new",
        raise_one,
        DEPARTMENTS,
        method="POST",
        title=("提出校核纠错", "Dispute a value"),
        upload=True,
    ),
    Page("/corrections/{correction_id:int}", detail_page, DEPARTMENTS, title=_TITLE),
    Page(
        "/corrections/{correction_id:int}/evidence/{place:int}", evidence_file, DEPARTMENTS, title=_TITLE, download=True
    ),
    Page("/corrections/{correction_id:int}", act, DEPARTMENTS, method="POST", title=_TITLE),
)
