"""What the office reads off the master: targets with their trends, what changed since, the clean-up board."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from hub.errors import ConfigurationError
from hub.master.changes import CATEGORIES, changes_since, nights
from hub.master.cleanup import STAGE_TITLES, Stage, cleanup_board
from hub.master.targets import target_statuses
from hub.portal.access import OFFICE, Page
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
    """What changed between a night and the newest; from the night before unless another is chosen."""
    with visit.read() as connection:
        known = nights(connection)
    days: list[date] = list(dict.fromkeys(day for _, day in reversed(known)))
    if not known:
        return visit.page("nothing_yet.html", why=visit.t("还没有发布过总表。", "No master was published yet."))
    since = visit.asked_date("since") or (days[1] if len(days) > 1 else days[0])
    with visit.begin() as connection:
        changed = changes_since(connection, since)
    return visit.page("changes.html", changed=changed, categories=CATEGORIES, days=days[:60], since=since, shown=_SHOWN)


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
    Page("/cleanup", cleanup_page, OFFICE, title=("清理整顿", "Clean-up"), menu="data", icon="broom"),
)
