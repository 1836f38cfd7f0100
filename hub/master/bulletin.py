"""The joint meeting's bulletin (联席会议通报) of a month, as a model: figures against the month before, targets, changes, towns,
clean-up, what each department sent, and the matters for the meeting. hub.master.documents prints it.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, select, text

from hub.deployment import Deployment
from hub.errors import ConfigurationError
from hub.feeds import get_feed
from hub.master.changes import Changes, changes_since
from hub.master.cleanup import Board, cleanup_board
from hub.master.reading import master_at
from hub.master.rules import rules
from hub.master.targets import TargetStatus, target_statuses
from hub.store.tables.master import master_version

# cross-checks a meeting acts on, and which department takes them up
MATTERS: tuple[tuple[str, str], ...] = (
    ("demonstration_in_trouble", "agriculture"),
    ("demonstration_not_traceable", "traceability_platform"),
    ("ended_but_listed", "agriculture"),
    ("ended_but_funded", "finance_bureau"),
    ("cancellation_blocked", "market_supervision"),
    ("shell_subsidy", "finance_bureau"),
    ("shell_illegal_finance", "finance_institutions"),
    ("representative_of_several", "market_supervision"),
)
_TOWN_COLUMNS: tuple[tuple[str, str], ...] = (
    ("合作社", "true"),
    ("在异常名录", "fields->>'abnormal_now' = 'yes'"),
    ("税务非正常", "fields->>'tax_abnormal' = 'yes'"),
    ("示范社", "fields->>'demonstration_now' = 'yes'"),
    ("在追溯平台", "fields->>'traceability_registered' = 'yes'"),
    ("三会一章健全", "fields->>'governance' = 'yes'"),
    ("疑似空壳线索", "fields->>'shell_suspected' = 'yes'"),
    ("清理整顿中", "fields->>'in_cleanup' = 'yes'"),
)
_KEY_FIGURES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("合作社总数", ("cooperatives",)),
    ("在现行名单中的合作社", ("current",)),
    ("在经营异常名录上", ("answers", "abnormal_now", "yes")),
    ("税务非正常", ("answers", "tax_abnormal", "yes")),
    ("税务状态正常", ("answers", "tax_normal", "yes")),
    ("示范社（四级合计）", ("answers", "demonstration_now", "yes")),
    ("在追溯平台注册", ("answers", "traceability_registered", "yes")),
    ("三会一章健全", ("answers", "governance", "yes")),
    ("有疑似空壳线索", ("answers", "shell_suspected", "yes")),
    ("正在清理整顿", ("answers", "in_cleanup", "yes")),
    ("示范社出现异常", ("answers", "demonstration_in_trouble", "yes")),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the month beside the month before (None: there is none to compare with)."""

    title: str
    value: int
    before: int | None

    @property
    def difference(self) -> str:
        if self.before is None:
            return "—"
        return "持平" if self.value == self.before else f"{self.value - self.before:+d}"


@dataclass(frozen=True, slots=True)
class Sending:
    """What one department sent for one feed since the bulletin before, and how fresh its newest accepted data is."""

    department: str
    feed: str
    deliveries: int
    rows: int
    quarantined: int
    held: int
    newest: date | None
    late: bool


@dataclass(frozen=True, slots=True)
class Matter:
    """One cross-check with its cooperatives: (name, town, USCC)."""

    rule: str
    title: str
    department: str
    basis: str
    cooperatives: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A month's bulletin. `note` tells when its data is of another night than the month's last."""

    county: str
    office: str
    month: date
    version: int
    night: date
    note: str
    figures: tuple[Figure, ...]
    targets: tuple[TargetStatus, ...]
    changes: Changes
    towns: tuple[tuple[str, tuple[int, ...]], ...]
    town_columns: tuple[str, ...]
    board: Board
    sendings: tuple[Sending, ...]
    matters: tuple[Matter, ...]
    trend: tuple[tuple[str, tuple[tuple[date, float], ...]], ...]


_YEARS = range(2000, 2100)


def parse_month(text_: str) -> date:
    """ "2026-10" as the first day of that month.

    Raises:
        ConfigurationError: it is not a month.
    """
    try:
        year, month = map(int, text_.split("-"))
        if year not in _YEARS:
            raise ValueError(year)
        return date(year, month, 1)
    except ValueError:
        raise ConfigurationError(f"“{text_}”不是月份。", next_step="写成 2026-10 这样。") from None


def _pick(figures: dict[str, Any], path: tuple[str, ...]) -> int:
    value: Any = figures
    for step in path:
        value = value.get(step, 0) if isinstance(value, dict) else 0
    return int(value)


def read_bulletin(connection: Connection, deployment: Deployment, month: date) -> Bulletin:
    """The bulletin of a month: the last version published in it, against the last one published before it. If the month's own
    nights published nothing, the first version after it stands in, and `note` says so.

    Raises:
        ConfigurationError: nothing was published at all.
    """
    last_day = date(month.year, month.month, calendar.monthrange(month.year, month.month)[1])
    nights = connection.execute(
        select(master_version.c.version, master_version.c.business_date, master_version.c.figures).order_by(
            master_version.c.version
        )
    ).all()
    if not nights:
        raise ConfigurationError("还没有发布过总表。", next_step="先运行 coop-hub sync。")
    own = [n for n in nights if n.business_date <= last_day]
    chosen = own[-1] if own else [n for n in nights if n.business_date == nights[0].business_date][-1]
    earlier = [n for n in nights if n.business_date < month and n.version < chosen.version]
    before = earlier[-1] if earlier else None
    note = (
        ""
        if month <= chosen.business_date <= last_day
        else f"本月内没有新发布的总表，采用 {chosen.business_date:%Y年%m月%d日} 夜间发布的数据。"
    )
    names = {d.id: d.name for d in deployment.departments}
    figures = tuple(
        Figure(title, _pick(chosen.figures, path), _pick(before.figures, path) if before else None)
        for title, path in _KEY_FIGURES
    )
    seen = [n for n in nights if n.version <= chosen.version]
    trend = tuple(
        (title, tuple({n.business_date: float(_pick(n.figures, path)) for n in seen}.items()))
        for title, path in _KEY_FIGURES
        if title in ("在经营异常名录上", "税务非正常", "有疑似空壳线索", "正在清理整顿")
    )
    return Bulletin(
        county=deployment.county.name,
        office=deployment.office.name,
        month=month,
        version=int(chosen.version),
        night=chosen.business_date,
        note=note,
        figures=figures,
        targets=tuple(target_statuses(connection, deployment, known_at=int(chosen.version), most_missing=60)),
        changes=changes_since(connection, int(before.version) if before else 0, until=int(chosen.version)),
        towns=_towns(connection, deployment, int(chosen.version)),
        town_columns=tuple(title for title, _ in _TOWN_COLUMNS),
        board=cleanup_board(connection, known_at=int(chosen.version)),
        sendings=_sendings(connection, deployment, before.business_date if before else date.min, chosen.business_date),
        matters=_matters(connection, int(chosen.version), names),
        trend=trend,
    )


def _towns(connection: Connection, deployment: Deployment, version: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    columns = ", ".join(f"count(*) filter (where {condition})" for _, condition in _TOWN_COLUMNS)
    rows = connection.execute(
        text(f"select coalesce(fields->>'town', '') as town, {columns} from {master_at(version)} m group by 1")
    ).all()
    order = {t.name: i for i, t in enumerate(deployment.county.towns)}
    ranked = sorted(rows, key=lambda r: (r[0] == "", order.get(r[0], len(order)), r[0]))
    return tuple((r[0] or "（乡镇不详）", tuple(int(v) for v in r[1:])) for r in ranked)


def _sendings(connection: Connection, deployment: Deployment, after: date, night: date) -> tuple[Sending, ...]:
    rows = {
        r.feed: r
        for r in connection.execute(
            text(
                """select feed, count(*) filter (where coalesce(r.business_date, received_at::date) between :a and :b) as n,
                       coalesce(sum(rows_accepted) filter (where d.state = 'accepted' and coalesce(r.business_date, received_at::date) between :a and :b), 0) as rows,
                       coalesce(sum(rows_quarantined) filter (where coalesce(r.business_date, received_at::date) between :a and :b), 0) as quarantined,
                       count(*) filter (where d.state = 'held') as held,
                       max(as_of) filter (where d.state = 'accepted') as newest
                from delivery d left join run r using (run_id) group by feed"""
            ),
            {"a": after + timedelta(days=1), "b": night},
        )
    }
    found = []
    for declared in deployment.feeds:
        r = rows.get(declared.feed)
        newest = r.newest if r else None
        due = declared.every_days
        found.append(
            Sending(
                department=deployment.department_by_id[deployment.sender_of(declared.feed)].name,
                feed=get_feed(declared.feed).title.zh,
                deliveries=int(r.n) if r else 0,
                rows=int(r.rows) if r else 0,
                quarantined=int(r.quarantined) if r else 0,
                held=int(r.held) if r else 0,
                newest=newest,
                late=due is not None and (newest is None or (night - newest).days > due),
            )
        )
    return tuple(sorted(found, key=lambda s: (s.department, s.feed)))


def _matters(connection: Connection, version: int, names: dict[str, str]) -> tuple[Matter, ...]:
    by_name = {r.name: r for r in rules()}
    found = []
    for rule, department in MATTERS:
        rows = connection.execute(
            text(
                f"""select fields->>'name' as name, coalesce(fields->>'town', '') as town, coalesce(fields->>'uscc', '') as uscc
                    from {master_at(version)} m where fields->>'{rule}' = 'yes' order by town, name, coop_id"""
            )
        ).all()
        found.append(
            Matter(
                rule,
                by_name[rule].title.zh,
                names.get(department, department),
                by_name[rule].basis,
                tuple((r.name, r.town, r.uscc) for r in rows),
            )
        )
    return tuple(found)
