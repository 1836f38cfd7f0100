"""What the office reads off the master: targets with their trends, what changed since, the clean-up board."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from hub.errors import ConfigurationError, HubError
from hub.master.changes import CATEGORIES, changes_since, nights
from hub.master.cleanup import STAGE_TITLES, Stage, cleanup_board
from hub.master.meetings import meetings, note_meeting
from hub.master.targets import target_statuses
from hub.portal.access import OFFICE, Page
from hub.portal.audit import record_event
from hub.portal.pages.extracts import written
from hub.portal.visit import Visit

_SHOWN = 100


def targets_page(visit: Visit) -> Response:
    try:
        with visit.begin() as connection:
            statuses = target_statuses(connection, visit.deployment, most_missing=60)
    except ConfigurationError as error:
        return visit.page("nothing_yet.html", why=visit.fault(error))
    return visit.page("targets.html", statuses=statuses)


def changes_page(visit: Visit) -> Response:
    """What changed between a night and the newest: since the last joint meeting, or since the night before if none was noted, unless
    another day is chosen."""
    with visit.read() as connection:
        known = nights(connection)
    days: list[date] = list(dict.fromkeys(day for _, day in reversed(known)))
    if not known:
        return visit.page("nothing_yet.html", why=visit.t("还没有发布过总表。", "No master was published yet."))
    with visit.begin() as connection:
        held = [meeting.held_on for meeting in meetings(connection) if meeting.held_on >= days[-1]]
        usual = held[0] if held else days[1] if len(days) > 1 else days[0]
        since = visit.asked_date("since") or usual
        changed = changes_since(connection, since)
    choices = sorted({*days[:60], *held[:24], since}, reverse=True)
    return visit.page(
        "changes.html", changed=changed, categories=CATEGORIES, days=choices, held=held, since=since, shown=_SHOWN
    )


def note_held(visit: Visit) -> Response:
    """The office notes that a joint meeting was held."""
    try:
        held_on = date.fromisoformat(visit.said("held_on", 10))
    except ValueError:
        return visit.go("/changes", visit.t("请选择会议日期。", "Choose the day of the meeting."))
    try:
        with visit.begin() as connection:
            note_meeting(connection, held_on, by=visit.person.account, today=visit.hub.today())
            record_event(
                connection, "meeting_noted", visit.person.account, visit.person.department, held_on=held_on.isoformat()
            )
    except HubError as error:
        return visit.go("/changes", visit.fault(error))
    return visit.go("/changes", visit.t("已登记。", "Noted."))


def bulletin(visit: Visit) -> Response:
    """The joint meeting's bulletin of a month as a Word file, ready to edit."""
    from hub.master.bulletin import parse_month, read_bulletin
    from hub.master.documents.bulletin_document import write_bulletin

    try:
        month = parse_month(visit.asked("month"))
        with visit.begin() as connection:
            model = read_bulletin(connection, visit.deployment, month)
            record_event(
                connection, "bulletin_downloaded", visit.person.account, visit.person.department, month=f"{month:%Y-%m}"
            )
    except ConfigurationError as error:
        return visit.go("/changes", visit.fault(error))
    return written(
        f"{visit.deployment.county.name}联席会议通报-{month:%Y-%m}.docx", lambda out: write_bulletin(model, out)
    )


def cleanup_page(visit: Visit) -> Response:
    town, stage = visit.asked("town"), visit.asked("stage")
    try:
        with visit.begin() as connection:
            whole = cleanup_board(connection)
    except ConfigurationError as error:
        return visit.page("nothing_yet.html", why=visit.fault(error))
    entries = [
        e for e in whole.entries if (not town or (e.town or "") == town) and (not stage or e.stage.value == stage)
    ]
    return visit.page(
        "cleanup.html",
        board=whole,
        entries=entries[:500],
        total=len(entries),
        stages=list(Stage),
        stage_titles=STAGE_TITLES,
        town_asked=town,
        stage_asked=stage,
    )


PAGES = (
    Page("/targets", targets_page, OFFICE, title=("目标进度", "Targets"), menu="data", icon="target"),
    Page("/changes", changes_page, OFFICE, title=("近期变化", "What changed"), menu="data", icon="change"),
    Page("/changes/bulletin.docx", bulletin, OFFICE, title=("联席会议通报", "Bulletin"), download=True),
    Page("/changes/meetings", note_held, OFFICE, method="POST", title=("近期变化", "What changed")),
    Page("/cleanup", cleanup_page, OFFICE, title=("清理整顿", "Clean-up"), menu="data", icon="broom"),
)
