"""The timeline of a dossier: dated things that happened to a cooperative, from its records and from the master's own history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from hub.feeds import get_feed
from hub.master.id_changes import renames_of

if TYPE_CHECKING:
    import duckdb

# feed, SQL of the day, SQL of the sentence. Choice fields in {braces} become their Chinese titles.
HAPPENINGS: tuple[tuple[str, str, str], ...] = (
    ("registry", "founded_on", "'登记成立'"),
    ("registry", "ended_on", "'登记注（吊）销：' || {status}"),
    ("market_abnormal", "listed_on", "'列入经营异常名录：' || {reason}"),
    ("market_abnormal", "removed_on", "'移出经营异常名录' || coalesce('：' || {removal_reason}, '')"),
    (
        "market_inspection",
        "checked_on",
        "coalesce('抽检“' || product || '”：' || {verdict}, '抽查检查：' || {result}, '抽查检查')",
    ),
    ("tax_registration", "registered_on", "'办理税务登记'"),
    ("tax_registration", "abnormal_on", "'税务认定非正常'"),
    ("tax_registration", "deregistered_on", "'税务注销'"),
    ("traceability_subjects", "registered_on", "'在追溯平台注册'"),
    ("traceability_batches", "batch_on", "'生产批次' || coalesce('：' || product, '')"),
    ("complaints", "registered_on", "'群众举报' || coalesce('：' || content, '')"),
    ("complaints", "closed_on", "'举报办结' || coalesce('：' || {outcome}, '')"),
    ("standardisation", "checked_on", "'规范化检查'"),
    ("township_cleanup", "closed_on", "'清理整顿销号'"),
    ("township_cleanup", "due_on", "'清理整顿期限' || coalesce('（' || {proposed} || '）', '')"),
    ("support_measures", "supported_on", "'获得扶持：' || coalesce(content, {measure}, '')"),
    ("finance", "graded_on", "coalesce({record_type}, '金融记录') || coalesce('：' || credit_grade, '')"),
    ("supply_marketing", "led_since", "'供销社领办'"),
    ("union_members", "joined_on", "'加入联合社' || coalesce('：' || union_name, '')"),
    ("union_members", "left_on", "'退出联合社' || coalesce('：' || union_name, '')"),
)
_YEARLY: tuple[tuple[str, str, str], ...] = (
    (
        "demonstration",
        "awarded_in",
        "'获评' || coalesce({level}, '') || '示范社' || coalesce('（' || {system} || '）', '')",
    ),
    ("demonstration", "monitored_in", "coalesce({level}, '') || '示范社监测：' || coalesce({monitoring}, '结果未填')"),
    ("fiscal_support", "year", "'财政扶持' || coalesce('：' || project, '')"),
    ("development_reform", "year", "'发改（科技）项目' || coalesce('：' || project, '')"),
)
MOST_A_FEED = 60


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `day` is None where only the year is known; `kind` is a feed, `master` or `identity`."""

    year: int
    day: date | None
    what: str
    kind: str
    source: str

    @property
    def when(self) -> str:
        """The day as people write it, or the year."""
        return f"{self.day:%Y-%m-%d}" if self.day else f"{self.year} 年"


def _sentence(feed: str, template: str) -> str:
    titles = {}
    for f in get_feed(feed).fields:
        if f.choices:
            cases = " ".join(f"when '{c.value}' then '{c.title.zh}'" for c in f.choices)
            titles[f.name] = f"(case {f.name} {cases} else {f.name} end)"
    return template.format(**titles)


def timeline_of(
    connection: Connection,
    duck: duckdb.DuckDBPyConnection,
    coop_id: str,
    version: int,
    places: Mapping[int, Any],
    *,
    until: date | None,
) -> tuple[Moment, ...]:
    """Everything dated about a cooperative, oldest first; at most MOST_A_FEED of one feed, the newest ones. What befell its id is
    told up to the day `until` (None: to this day)."""
    found: list[Moment] = []
    for feed, day, template in HAPPENINGS:
        rows = duck.execute(
            f"""select distinct on (what, on_day) row_id, {day} as on_day, {_sentence(feed, template)} as what from now_{feed}
                where coop_id = ? and {day} is not null and year({day}) between 1980 and 2100
                order by on_day desc, what, row_id limit {MOST_A_FEED}""",
            [coop_id],
        ).fetchall()
        found += [Moment(d.year, d, what, feed, str(places[r])) for r, d, what in rows]
    for feed, year, template in _YEARLY:
        rows = duck.execute(
            f"""select row_id, {year} as in_year, {_sentence(feed, template)} as what from now_{feed}
                where coop_id = ? and {year} between 1980 and 2100 order by in_year desc, row_id limit {MOST_A_FEED}""",
            [coop_id],
        ).fetchall()
        found += [Moment(int(y), None, what, feed, str(places[r])) for r, y, what in rows]
    found += _of_the_hub(connection, coop_id, version, until)
    return tuple(sorted(found, key=lambda m: (m.year, m.day or date(m.year, 1, 1), m.kind, m.what)))


def _of_the_hub(connection: Connection, coop_id: str, version: int, until: date | None) -> list[Moment]:
    kinds = {
        "new": "首次出现，编号建立",
        "merged": "与另一编号合并",
        "split": "拆分出来",
        "restored": "合并撤销，编号恢复",
    }
    rows = connection.execute(
        text(
            """select e.kind, e.reason, coalesce(r.business_date, e.happened_at::date) as on_day from id_event e left join run r using (run_id)
               where (e.coop_id = :c or e.other_id = :c)
                 and (cast(:until as date) is null or coalesce(r.business_date, e.happened_at::date) <= :until) order by e.seq"""
        ),
        {"c": coop_id, "until": until},
    )
    found = [
        Moment(r.on_day.year, r.on_day, f"{kinds.get(r.kind, r.kind)}：{r.reason}", "identity", "本枢纽") for r in rows
    ]
    found += [
        Moment(night.year, night, f"更名：名称由“{before}”变为“{after}”", "identity", "本枢纽")
        for night, before, after in renames_of(connection, coop_id, version)
    ]
    changed = connection.execute(
        text(
            """select v.business_date as on_day from cooperative_history h join master_version v on v.version = h.to_version
               where h.coop_id = :c and h.to_version <= :v order by 1"""
        ),
        {"c": coop_id, "v": version},
    )
    found += [Moment(r.on_day.year, r.on_day, "总表内容更新", "master", "本枢纽") for r in changed]
    return found
