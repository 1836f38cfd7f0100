"""What the offices could know of each cooperative: decisions, tax states, batches, titles, support. Follows from its condition,
with a few contradictions on purpose, so that cross-checks have something to find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from random import Random

from hub.demo.world import (
    Batch,
    Check,
    Cleanup,
    Complaint,
    Condition,
    Cooperative,
    Decision,
    Money,
    Reason,
    Sample,
    TaxRegistration,
    Title,
    World,
    day_between,
)

C = Condition
FILED_LATE, CORRECTED, MOVED, REACHED, ENDED = (
    "已补报年度报告并公示",
    "已更正其公示的信息",
    "依法办理住所变更登记",
    "通过登记的住所可以重新取得联系",
    "注（吊）销登记",
)
PROBLEMS = (
    "无农民成员实际参与",
    "无实质性生产经营活动",
    "因经营不善停止运行",
    "涉嫌以虚假材料套取国家财政奖补和项目扶持资金",
    "群众举报的违法违规线索",
    "从事非法金融活动",
)
CHECK_RESULTS = {
    C.GOOD: ("未发现问题", "未发现问题", "未发现问题", "发现问题已责令改正"),
    C.ORDINARY: ("未发现问题", "未发现问题", "未按规定公示应当公示的信息", "发现问题已责令改正"),
    C.SHELL: (
        "未发现开展本次抽查涉及的经营活动",
        "通过登记的住所（经营场所）无法联系",
        "未发现开展本次抽查涉及的经营活动",
    ),
    C.STOPPED: ("已关闭停业或正在组织清算", "通过登记的住所（经营场所）无法联系"),
    C.GONE: ("已关闭停业或正在组织清算",),
    C.YOUNG: ("未发现问题",),
}
COMPLAINTS = ("长期无人经营，大门紧锁", "虚报成员人数套取补贴", "拖欠农户货款", "违规收取入社费", "未按章程分配盈余")


def chance(random: Random, by_condition: dict[Condition, float], cooperative: Cooperative) -> bool:
    """True with the probability of the cooperative's condition."""
    return random.random() < by_condition.get(cooperative.condition, 0.0)


def tax_serial(cooperative: Cooperative, nth: int) -> str:
    return f"1013{(cooperative.number * 137 + nth * 61_003) % 10_000_000:07d}"


def new_batch(random: Random, cooperative: Cooperative, day: date, nth: int) -> Batch:
    """One batch; its number starts with the day and ends unlike any other's."""
    product = random.choice(cooperative.trade.products or ("农产品",))
    test = random.choices(("合格", "未检测", "不合格"), (70, 28, 2))[0]
    certified = random.random() < (0.1 if test == "不合格" else 0.8)
    certificate = f"HGZ{day:%Y%m%d}{cooperative.number:05d}{nth:02d}" if certified else ""
    return Batch(
        f"{day:%Y%m%d}-{cooperative.number:05d}{nth:03d}", product, random.randint(20, 900) * 10, day, test, certificate
    )


def _lifecycle(random: Random, c: Cooperative, today: date) -> None:
    if c.condition is C.GONE:
        c.status = random.choices(("注销", "吊销"), (80, 20))[0]
        c.ended = day_between(
            random, max(date(2021, 1, 1), c.founded + timedelta(days=400)), today - timedelta(days=40)
        )
    elif c.condition is C.STOPPED and random.random() < 0.2:
        c.status = "歇业"


def _decisions(random: Random, c: Cooperative) -> None:
    def no_report(year: int) -> Decision:
        return Decision(Reason.NO_REPORT, day_between(random, date(year + 1, 7, 3), date(year + 1, 7, 28)))

    def removed(decision: Decision, how: str, within: int = 250) -> Decision:
        decision.removal, decision.removed_on = how, decision.listed_on + timedelta(days=random.randint(6, within))
        return decision

    if c.condition is C.SHELL:
        first = random.choice((2023, 2024, 2024))
        c.decisions += [no_report(year) for year in range(first, 2026)]
        if random.random() < 0.2:
            c.decisions.append(Decision(Reason.UNREACHABLE, day_between(random, date(2024, 3, 1), date(2026, 5, 30))))
    elif c.condition is C.STOPPED:
        c.decisions.append(Decision(Reason.UNREACHABLE, day_between(random, date(2023, 2, 1), date(2024, 9, 30))))
        c.decisions += [no_report(year) for year in (2024, 2025) if random.random() < 0.7]
    elif c.condition is C.GONE and c.ended and random.random() < 0.55:
        year = c.ended.year - 2
        decision = no_report(max(year, c.founded.year))
        if decision.listed_on < c.ended:
            decision.removal, decision.removed_on = ENDED, c.ended
            c.decisions.append(decision)
    elif chance(random, {C.ORDINARY: 0.25, C.GOOD: 0.06}, c):
        decision = removed(no_report(random.choice((2021, 2022, 2023, 2024))), FILED_LATE)
        c.decisions.append(decision)
    elif chance(random, {C.ORDINARY: 0.09}, c):
        c.decisions.append(no_report(2025))
    if chance(random, {C.ORDINARY: 0.03, C.GOOD: 0.02}, c):
        decision = Decision(Reason.FALSE_INFORMATION, day_between(random, date(2024, 4, 1), date(2026, 6, 30)))
        c.decisions.append(removed(decision, CORRECTED, 90) if random.random() < 0.6 else decision)
    if chance(random, {C.ORDINARY: 0.04}, c):
        decision = Decision(Reason.UNREACHABLE, day_between(random, date(2023, 4, 1), date(2025, 9, 30)))
        c.decisions.append(removed(decision, random.choice((MOVED, REACHED))))
    c.decisions.sort(key=lambda d: d.listed_on)


def _taxes(random: Random, c: Cooperative, today: date) -> None:
    registered = day_between(random, c.founded, min(c.founded + timedelta(days=120), today - timedelta(days=15)))

    def add(status: str, *, old: bool = False, **dates: date) -> None:
        c.taxes.append(TaxRegistration(tax_serial(c, len(c.taxes)), old, status, registered, **dates))

    old_kind = registered < date(2015, 10, 1)
    recently = day_between(random, today - timedelta(days=420), today - timedelta(days=20))
    if chance(random, {C.GOOD: 0.09, C.ORDINARY: 0.07, C.SHELL: 0.04, C.STOPPED: 0.05, C.GONE: 0.05}, c) and old_kind:
        add("注销", old=True, deregistered_on=day_between(random, date(2016, 1, 1), date(2018, 12, 31)))
    still_old = old_kind and random.random() < 0.22
    match c.condition:
        case C.GOOD:
            add("正常", old=still_old, modified_on=recently)
        case C.ORDINARY:
            draw = random.random()
            if draw < 0.9:
                add("正常", old=still_old, modified_on=recently)
            elif draw < 0.94:
                add("停业", old=still_old, modified_on=recently)
        case C.SHELL:
            draw = random.random()
            if draw < 0.62:
                add("非正常", old=still_old, abnormal_on=day_between(random, date(2023, 3, 1), date(2025, 12, 20)))
            elif draw < 0.72:
                add(
                    "非正常户注销",
                    old=still_old,
                    abnormal_on=day_between(random, date(2022, 3, 1), date(2023, 12, 20)),
                    deregistered_on=day_between(random, date(2024, 1, 1), date(2026, 6, 1)),
                )
        case C.STOPPED:
            if random.random() < 0.5:
                add("停业", old=still_old, modified_on=day_between(random, date(2023, 1, 5), date(2024, 9, 1)))
            else:
                add("非正常", old=still_old, abnormal_on=day_between(random, date(2022, 6, 1), date(2024, 9, 1)))
        case C.GONE:
            if random.random() < 0.85 and c.ended:
                closed = max(registered, c.ended - timedelta(days=random.randint(3, 60)))
                if random.random() < 0.25:
                    before = max(registered, closed - timedelta(days=300))
                    add("非正常户注销", old=still_old, abnormal_on=before, deregistered_on=closed)
                else:
                    add("注销", old=still_old, deregistered_on=closed)
        case C.YOUNG:
            draw = random.random()
            if draw < 0.75:
                add("正常", modified_on=day_between(random, registered, today))
            elif draw < 0.85:
                add("筹建期")


def _tracing(random: Random, c: Cooperative, today: date) -> None:
    edible = c.trade.sector not in ("services", "water")
    if not (edible and chance(random, {C.GOOD: 0.88, C.ORDINARY: 0.38, C.SHELL: 0.1, C.GONE: 0.1, C.YOUNG: 0.25}, c)):
        return
    c.traced_since = day_between(random, max(date(2018, 5, 1), c.founded), today - timedelta(days=30))
    c.trace_approval = random.choices(("审批通过", "待审批", "审批不通过"), (93, 5, 2))[0]
    counts = {C.GOOD: (1, 8), C.ORDINARY: (0, 4), C.YOUNG: (0, 2), C.SHELL: (0, 1), C.GONE: (0, 0)}[c.condition]
    first = max(c.traced_since, date(2024, 1, 10))
    last = date(2024, 8, 31) if c.condition is C.SHELL else today - timedelta(days=2)
    for nth in range(random.randint(*counts)):
        if first <= last:
            c.batches.append(new_batch(random, c, day_between(random, first, last), nth))
    c.batches.sort(key=lambda b: b.number)


def _checks(random: Random, c: Cooperative) -> None:
    if c.ended is None and chance(
        random, {C.GOOD: 0.12, C.ORDINARY: 0.14, C.SHELL: 0.3, C.STOPPED: 0.4, C.YOUNG: 0.05}, c
    ):
        first = max(date(2025, 1, 6), c.founded)
        c.checks.append(Check(day_between(random, first, date(2026, 9, 28)), random.choice(CHECK_RESULTS[c.condition])))
    if c.trade.products and chance(random, {C.GOOD: 0.1, C.ORDINARY: 0.03}, c):
        day = day_between(random, date(2026, 7, 2), date(2026, 9, 28))
        tested = "毒死蜱" if c.trade.sector in ("plants", "forest") else "恩诺沙星"
        c.samples.append(Sample(day, random.choice(c.trade.products), tested, random.random() < 0.93))


def _cleanup(random: Random, c: Cooperative) -> None:
    if not chance(random, {C.SHELL: 0.8, C.STOPPED: 0.85, C.GONE: 0.35, C.ORDINARY: 0.05}, c):
        return
    problem = {C.SHELL: PROBLEMS[random.choice((0, 1, 1, 1))], C.STOPPED: PROBLEMS[2]}.get(c.condition)
    problem = problem or PROBLEMS[random.choice((1, 1, 2, 4))]
    if random.random() < 0.04:
        problem = PROBLEMS[random.choice((3, 5))]
    c.cleanup = Cleanup(
        problem,
        random.choices(("注销", "整改", "扶持"), (5, 4, 1))[0],
        random.choices(("未开始", "进行中", "已完成"), (4, 5, 1))[0],
        random.choice((date(2026, 11, 30), date(2026, 12, 20), date(2026, 12, 31))),
    )
    if c.condition is C.GONE and c.ended:
        c.cleanup.proposed, c.cleanup.progress = "注销", "已完成"
    if c.cleanup.progress == "已完成":
        c.cleanup.closed_on = day_between(random, date(2026, 3, 1), date(2026, 10, 25))


def _standards(random: Random, c: Cooperative) -> None:
    if c.ended or not (c.titles or chance(random, {C.GOOD: 0.7, C.ORDINARY: 0.35, C.SHELL: 0.08, C.YOUNG: 0.2}, c)):
        return
    share = {C.GOOD: 0.93, C.ORDINARY: 0.68, C.YOUNG: 0.6}.get(c.condition, 0.2)
    c.standards = tuple(None if random.random() < 0.02 else random.random() < share for _ in range(9))


def _support(random: Random, c: Cooperative) -> None:
    def some(rates: dict[Condition, float]) -> bool:
        return chance(random, rates, c)

    def day(first: int, last: int = 2026) -> date:
        return day_between(random, max(date(first, 2, 1), c.founded), date(last, 9, 30))

    if some({C.GOOD: 0.22, C.ORDINARY: 0.12, C.SHELL: 0.05, C.GONE: 0.05}):
        c.led_since, c.stake = day(2015, 2024), random.choice((None, 2.0, 3.5, 5.0, 10.0, 20.0))
    if c.trade.sector == "forest":
        c.area_mu = random.randint(8, 260) * 10
    if c.trade.sector == "water":
        c.area_mu = random.randint(20, 400) * 10
        c.water_works = f"{c.village or c.town.name}{random.choice(('灌区渠系', '泵站', '山塘', '堰坝'))}工程"
    if some({C.GOOD: 0.24, C.ORDINARY: 0.08, C.SHELL: 0.06, C.STOPPED: 0.1, C.GONE: 0.05}):
        what = random.choice(
            ("农产品初加工项目", "冷链物流设施项目", "高标准农田建设项目", "品牌建设项目", "绿色生产基地项目")
        )
        c.grants += [
            Money(what, random.choice((5.0, 8.0, 10.0, 20.0, 30.0, 50.0)), day(2022, 2025))
            for _ in range(random.choice((1, 1, 1, 2)))
        ]
    if some({C.GOOD: 0.07, C.ORDINARY: 0.03}):
        what = random.choice(
            ("农产品产地冷藏保鲜设施", "科技特派员示范基地", "农村产业融合发展示范", "数字农业应用推广")
        )
        c.projects.append(Money(what, random.choice((15.0, 36.8, 60.0, 120.5, 200.0)), day(2023, 2026)))
    if some({C.GOOD: 0.3, C.ORDINARY: 0.12, C.SHELL: 0.03}):
        bank = random.choice(("云岫农商银行", "岚江银行云岫支行", "云岫县农信担保公司"))
        grade = random.choice(("AAA", "AA", "AA", "A", "B"))
        c.credits.append(Money(grade, random.choice((10.0, 30.0, 50.0, 100.0)), day(2023, 2026), "信用评级", bank))
        if random.random() < 0.4:
            c.credits.append(Money(grade, random.choice((20.0, 30.0, 80.0)), day(2025, 2026), "贷款", bank))
    if some({C.SHELL: 0.02}):
        c.credits.append(Money("", None, day(2025, 2026), "涉嫌非法金融活动线索", "县金融工作部门"))
    if some({C.GOOD: 0.3, C.ORDINARY: 0.15, C.YOUNG: 0.3}):
        kind, what, by = random.choice(
            (
                ("培训", "合作社理事长能力提升班", "县农业农村局"),
                ("培训", "合作社财务人员培训", "县农业农村局"),
                ("保险", "政策性农业保险", "县人保财险"),
                ("电商", "直播助农专场", "县商务局"),
                ("贷款", "农担贷贴息", "县财政局"),
                ("项目", "生产托管服务项目", "县农业农村局"),
            )
        )
        amount = None if kind in ("培训", "电商") else random.choice((0.6, 1.2, 3.0, 8.0))
        c.measures.append(Money(what, amount, day(2025, 2026), kind, by))
    if some({C.SHELL: 0.08, C.STOPPED: 0.1, C.ORDINARY: 0.03, C.GOOD: 0.01}):
        c.complaints.append(new_complaint(random, day(2025, 2026)))


def new_complaint(random: Random, registered: date) -> Complaint:
    """A public report, closed or not."""
    outcome = random.choice(("属实", "不属实", "不属实", "办理中"))
    closed = None if outcome == "办理中" else registered + timedelta(days=random.randint(5, 30))
    return Complaint(
        registered, random.choice(COMPLAINTS), random.choice(("12345热线", "来信", "来访", "网络")), outcome, closed
    )


def _titles(random: Random, world: World) -> None:
    """Titles of four levels. Three in ten of a level held one of the level below before; a few holders are in trouble."""
    good = [c for c in world.cooperatives if c.condition is C.GOOD]
    other = [c for c in world.cooperatives if c.condition in (C.ORDINARY, C.SHELL, C.GONE)]
    random.shuffle(good)
    random.shuffle(other)
    scale = len(world.cooperatives) / 600
    systems = ("农业农村",) * 7 + ("供销", "林草")
    below = {"国家": "省", "省": "市", "市": "县"}
    for level, count in (("国家", 6), ("省", 17), ("市", 34), ("县", 62)):
        for nth in range(max(1, round(count * scale))):
            holders = other if other and (nth % 12 == 5 or not good) else good
            if not holders:
                return
            c = holders.pop()
            system = "农业农村" if level == "国家" else random.choice(systems)
            year = max(random.choice((2018, 2019, 2020, 2021, 2022, 2023, 2024)), min(c.founded.year + 1, 2025))
            monitoring = random.choices(("监测合格", "监测不合格", "取消", ""), (86, 5, 2, 7))[0]
            c.titles.append(Title(level, system, year, monitoring))
            if level in below and random.random() < 0.3 and year - 2 > c.founded.year:
                c.titles.append(Title(below[level], system, year - 2, ""))


def _contradictions(random: Random, world: World) -> None:
    """What cross-checks must find: titles in trouble, titles untraced, support for those who ceased to be."""

    def pick(wanted: Callable[[Cooperative], bool], count: int) -> Sequence[Cooperative]:
        pool = [c for c in world.cooperatives if wanted(c)]
        return random.sample(pool, min(count, len(pool)))

    def titled(c: Cooperative) -> bool:
        return bool(c.titles) and c.condition is C.GOOD

    for c in pick(titled, 4):
        c.decisions.append(Decision(Reason.NO_REPORT, day_between(random, date(2026, 7, 3), date(2026, 7, 28))))
    for c in pick(lambda c: titled(c) and not c.listed and bool(c.taxes), 2):
        c.taxes[-1].status, c.taxes[-1].abnormal_on = "非正常", date(2026, 3, 16)
    for c in pick(lambda c: titled(c) and c.traced_since is not None, 7):
        c.traced_since, c.batches = None, []
    for c in pick(lambda c: c.condition is C.GONE and c.ended is not None and c.ended.year < 2025, 3):
        c.grants.append(Money("品牌建设项目", 5.0, date(2025, 6, 12)))


def _in_order(c: Cooperative) -> None:
    """No report is owed for years before the founding; nothing happens to a registration before it exists."""
    c.decisions = [
        d
        for d in c.decisions
        if d.listed_on.year > c.founded.year and (d.removed_on is None or d.removed_on > d.listed_on)
    ]
    for tax in c.taxes:
        tax.abnormal_on = tax.abnormal_on and max(tax.abnormal_on, tax.registered_on)
        earliest = tax.abnormal_on or tax.registered_on
        tax.deregistered_on = tax.deregistered_on and max(tax.deregistered_on, earliest)
        tax.modified_on = tax.modified_on and max(tax.modified_on, tax.registered_on)


def give_states(random: Random, world: World) -> None:
    """Fills in every cooperative of the first night."""
    for c in world.cooperatives:
        _lifecycle(random, c, world.date)
        _decisions(random, c)
        _taxes(random, c, world.date)
        _tracing(random, c, world.date)
        _checks(random, c)
        _cleanup(random, c)
        _support(random, c)
    _titles(random, world)
    _contradictions(random, world)
    for c in world.cooperatives:
        _standards(random, c)
        _in_order(c)
