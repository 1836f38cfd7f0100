"""Nights: what each run did, how long each step took, what came in."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.portal.access import WATCHERS, Page
from hub.portal.visit import Visit
from hub.store.tables.intake import delivery, run

_PER_PAGE = 30
STEP_TITLES = {
    "fetch": ("取数", "Fetch"),
    "stage": ("读取与检查", "Read and check"),
    "accept": ("入库", "Accept"),
    "match": ("关联身份", "Match"),
    "master": ("更新总表", "Master"),
    "publish": ("发布摘录", "Publish"),
    "watch": ("巡查", "Watch"),
}


def list_page(visit: Visit) -> Response:
    page = visit.asked_number("page")
    counts = (
        select(
            delivery.c.run_id,
            func.count().label("files"),
            func.sum(delivery.c.rows_in).label("rows_in"),
            func.sum(delivery.c.rows_accepted).label("accepted"),
            func.sum(delivery.c.rows_quarantined).label("quarantined"),
            func.sum(delivery.c.rows_duplicate).label("duplicate"),
            func.sum(delivery.c.rows_out_of_scope).label("out_of_scope"),
            func.count().filter(delivery.c.state == "held").label("held"),
            func.count().filter(delivery.c.state == "failed").label("failed"),
        )
        .group_by(delivery.c.run_id)
        .subquery()
    )
    with visit.begin() as connection:
        rows = (
            connection.execute(
                select(run, *[c for c in counts.c if c.name != "run_id"])
                .outerjoin(counts, counts.c.run_id == run.c.run_id)
                .order_by(run.c.run_id.desc())
                .limit(_PER_PAGE + 1)
                .offset((page - 1) * _PER_PAGE)
            )
            .mappings()
            .all()
        )
    return visit.page("nights.html", rows=rows[:_PER_PAGE], page=page, more=len(rows) > _PER_PAGE)


def detail_page(visit: Visit) -> Response:
    number = visit.number("run_id")
    with visit.begin() as connection:
        night = connection.execute(select(run).where(run.c.run_id == number)).mappings().one_or_none()
        if night is None:
            raise HTTPException(404)
        deliveries = (
            connection.execute(
                select(delivery).where(delivery.c.run_id == number).order_by(delivery.c.feed, delivery.c.delivery_id)
            )
            .mappings()
            .all()
        )
    steps = [
        (visit.t(*STEP_TITLES.get(str(s["step"]), (str(s["step"]),) * 2)), float(s.get("seconds") or 0))
        for s in night["steps"]
    ]
    counts = Counter(d["state"] for d in deliveries)
    names = deliveries if visit.person.role == "office" else []
    return visit.page("night.html", night=night, deliveries=names, counts=counts, steps=steps)


PAGES = (
    Page("/nights", list_page, WATCHERS, title=("夜间同步", "Nights"), menu="watch", icon="moon"),
    Page("/nights/{run_id:int}", detail_page, WATCHERS, title=("夜间同步", "Night")),
)
