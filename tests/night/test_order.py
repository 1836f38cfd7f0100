"""In which order a night's files come in makes no difference: not to a row, not to who is who, not to the master table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import Phase, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text

from hub import night as nights
from hub.deployment import load_deployment
from hub.night.hand import hand_in
from hub.store.database import database_url
from tests.conftest import NewHub
from tests.night.conftest import abnormal_csv, abnormal_rows, uscc

ROWS = abnormal_rows(14)
GONE = [(*row, "2026-07-25") for row in ROWS[:3]]
ABNORMAL = "企业名称,统一社会信用代码/注册号,列入原因,列入日期"
BATCHES = "企业名称,企业证件号码,生产批次"
WATER = "乡镇,合作社名称,统一社会信用代码,负责人,联系电话"


def lines(head: str, rows: Sequence[Sequence[str]]) -> bytes:
    return "\n".join([head, *(",".join(r) for r in rows), ""]).encode()


def batches(first: int, last: int) -> list[tuple[str, str, str]]:
    return [(ROWS[n % 14][0], uscc(n % 14 + 1), f"P{n:03d}") for n in range(first, last)]


FILES: tuple[tuple[str, str, bytes], ...] = (
    # two editions of one list, another list of the same sender, and the first once more under another name
    ("market_abnormal", "列入名单20260630.csv", abnormal_csv(ROWS[:9])),
    ("market_abnormal", "列入名单20260731.csv", abnormal_csv(ROWS[2:12])),
    ("market_abnormal", "移出名单20260731.csv", lines(ABNORMAL + ",移出日期", GONE)),
    ("market_abnormal", "名录（备份）20260630.csv", abnormal_csv(ROWS[:9])),
    # windows that overlap, one that repeats itself, one that cannot be read
    ("traceability_batches", "批次一.csv", lines(BATCHES, batches(0, 12))),
    ("traceability_batches", "批次二.csv", lines(BATCHES, [*batches(6, 20), batches(7, 8)[0]])),
    ("traceability_batches", "批次三.csv", b"PK\x03\x04 no workbook"),
    # names alone, names one character away, one phone under two names, rows of nobody and of no cooperative
    ("water", "用水合作组织.csv", lines(WATER, [
        ("东河镇", ROWS[0][0], "", "王一", "13800000001"), ("东河镇", ROWS[0][0].replace("茶叶", "茶业"), "", "王一", "13800000001"),
        ("西山乡", "云山县清泉用水专业合作社", uscc(40), "李二", ""), ("西山乡", "", "", "李二", ""),
        ("西山乡", "云山县西山乡甲村股份经济合作社", "", "赵三", ""),
    ])),
    ("demonstration", "示范社名单.csv", lines("合作社名称,乡镇,级别,评定年份", [
        (ROWS[1][0], "东河镇", "省级", "2024"), ("云山县清泉用水专业合作社", "西山乡", "市级", "2025"), (ROWS[5][0][3:], "", "县级", "2025"),
    ])),
)  # fmt: skip

_QUERIES = {
    "deliveries": """select d.feed, d.name, d.state, d.as_of::text, d.rows_in, d.rows_accepted, d.rows_quarantined, d.rows_duplicate,
                            d.rows_out_of_scope, d.reason from delivery d order by 1, 2""",
    "checks": """select d.feed, d.name, c.rule, c.passed, c.rows_failed from check_result c join delivery d using (delivery_id)
                 order by 1, 2, 3""",
    "rows": """select d.feed, d.name, s.sheet, s."row", s.part, s.disposition, s.profile_key, s.fields::text, s.raw::text
               from source_row s join delivery d using (delivery_id) order by 1, 2, 3, 4, 5""",
    "reasons": """select d.feed, d.name, s."row", s.part, r.rule, r.message from row_reason r join source_row s using (row_id)
                  join delivery d using (delivery_id) order by 1, 2, 3, 4, 5""",
    "master": "select name, uscc, town, (fields - 'coop_id')::text, records from cooperative order by 1, 2, 3, 4",
    "alerts": "select kind, key from alert where fixed_at is null order by 1, 2",
}  # fmt: skip


def outcome(engine: Engine) -> dict[str, Any]:
    """All that a night left, told without numbers that count arrivals."""
    with engine.connect() as connection:
        found: dict[str, Any] = {k: list(map(tuple, connection.execute(text(q)))) for k, q in _QUERIES.items()}
        groups, links = defaultdict(set), {}
        for key, coop_id, link in connection.execute(text("select profile_key, coop_id, link from link")):
            links[key] = link
            groups[coop_id if coop_id is not None else key].add(key)
    return {**found, "links": links, "groups": {frozenset(g) for g in groups.values()}}


def night_of(new_hub: NewHub, county: Path, folder: Path, order: Sequence[int], feeds: Sequence[str]) -> dict[str, Any]:
    """What a hub's first night leaves when its files come in this order and its feeds are worked on in that."""
    deployment = load_deployment(county)
    data = folder / f"var{uuid4().hex[:8]}"
    with new_hub(data) as settings:
        settings.data.mkdir()
        engine = create_engine(database_url(settings))
        try:
            for place in order:
                feed, name, _ = FILES[place]
                hand_in(engine, settings, deployment, feed, folder / feed / name)
            night = nights.open_night(engine, settings, deployment, dagster_run_id=None)
            nights.stage_deliveries(night, feeds)
            nights.accept_deliveries(night, feeds)
            nights.link_profiles(night)
            nights.project_master(night)
            return outcome(engine)
        finally:
            engine.dispose()


@pytest.mark.slow
def test_a_nights_files_in_any_order_give_the_same_rows_the_same_groups_and_the_same_master_table(
    new_hub: NewHub, county: Path, tmp_path: Path
) -> None:
    for feed, name, content in FILES:
        (tmp_path / feed).mkdir(exist_ok=True)
        (tmp_path / feed / name).write_bytes(content)
    places, feeds = list(range(len(FILES))), sorted({feed for feed, _, _ in FILES})
    plain = night_of(new_hub, county, tmp_path, places, feeds)
    assert len(plain["master"]) >= 15
    assert {r[5] for r in plain["rows"]} == {"accepted", "duplicate", "quarantined", "out_of_scope"}

    # no search for the smallest example: each is a night
    @hypothesis_settings(max_examples=2, phases=(Phase.explicit, Phase.generate))
    @example(order=places[::-1], turns=feeds[::-1])
    @given(order=st.permutations(places), turns=st.permutations(feeds))
    def in_any_order(order: list[int], turns: list[str]) -> None:
        other = night_of(new_hub, county, tmp_path, order, turns)
        for what, found in plain.items():
            assert other[what] == found, what

    in_any_order()
