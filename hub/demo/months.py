"""What happens in the county between one demonstration night and the next: a month of small changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from hub.demo import names
from hub.demo.build import NameMaker, found, stem
from hub.demo.states import FILED_LATE, REACHED, new_batch, new_complaint
from hub.demo.world import (
    Check,
    Condition,
    Cooperative,
    Decision,
    Money,
    Reason,
    TaxRegistration,
    World,
    day_between,
    night_date,
)


def next_month(world: World, night: int) -> World:
    """The county on a night, from the county on the night before. The old one is left alone."""
    world = world.copy()
    random = Random(f"{world.seed}/month/{night}")
    first, last = night_date(night - 1) + timedelta(days=1), night_date(night)
    world.date = last

    def pick(wanted: Callable[[Cooperative], object], share: float, least: int = 1) -> list[Cooperative]:
        pool = [c for c in world.cooperatives if wanted(c)]
        count = min(len(pool), max(least, round(len(world.cooperatives) * share)))
        return random.sample(pool, count)

    alive = [c for c in world.cooperatives if c.ended is None]
    maker = NameMaker(
        world.county, {stem(n, world.county) for c in world.cooperatives for n in (c.name, *c.former_names)}
    )
    for c in pick(lambda c: c.ended is None and not c.former_names and "农民" not in c.name, 0.003):
        renamed = maker.make(random, c.trade, c.town, c.village)
        c.former_names, c.name = (*c.former_names, c.name), renamed
    for c in pick(lambda c: c.ended is None, 0.004, 2):
        c.representative = names.person_name(random)
    for c in pick(lambda c: c.ended is None and not c.listed, 0.012, 3):
        c.decisions.append(Decision(Reason.UNREACHABLE, day_between(random, first, last - timedelta(days=2))))
    for c in pick(lambda c: c.listed and c.ended is None, 0.015, 3):
        decision = next(d for d in c.decisions if d.removed_on is None)
        if decision.listed_on < first:
            decision.removal = FILED_LATE if decision.reason is Reason.NO_REPORT else REACHED
            decision.removed_on = day_between(random, first, last - timedelta(days=1))
    _tax_changes(random, world, pick)
    for c in pick(lambda c: c.condition in (Condition.SHELL, Condition.STOPPED) and c.ended is None, 0.005, 2):
        _end(random, c, world)
    for c in alive:
        if c.traced_since and c.condition in (Condition.GOOD, Condition.ORDINARY) and random.random() < 0.25:
            c.batches.append(new_batch(random, c, day_between(random, first, last - timedelta(days=1)), len(c.batches)))
    for c in pick(lambda c: c.titles and not c.traced_since, 0.002):
        c.traced_since = day_between(random, first, last - timedelta(days=3))
    for c in pick(lambda c: c.cleanup and c.cleanup.progress != "已完成", 0.02, 4):
        assert c.cleanup is not None  # noqa: S101 (chosen for having one)
        c.cleanup.progress = "已完成" if c.cleanup.progress == "进行中" else "进行中"
        c.cleanup.closed_on = day_between(random, first, last) if c.cleanup.progress == "已完成" else None
    for c in pick(lambda c: c.ended is None and not c.complaints, 0.006, 2):
        c.complaints.append(new_complaint(random, day_between(random, first, last)))
    for c in pick(lambda c: c.ended is None, 0.02, 4):
        c.checks.append(Check(day_between(random, first, last), "未发现问题"))
    for c in pick(lambda c: c.condition in (Condition.GOOD, Condition.YOUNG) and c.ended is None, 0.02, 4):
        c.measures.append(Money("冬季生产技术培训", None, day_between(random, first, last), "培训", "县农业农村局"))
    taken = {c.uscc for c in world.cooperatives}
    for _ in range(max(1, round(len(world.cooperatives) * 0.004))):
        founded = day_between(random, first, last - timedelta(days=2))
        c = found(random, world.county, maker, number=len(world.cooperatives) + 1, taken=taken, when=founded)
        world.cooperatives.append(c)
    return world


def _tax_changes(
    random: Random, world: World, pick: Callable[[Callable[[Cooperative], object], float, int], list[Cooperative]]
) -> None:
    month = world.date.replace(day=1)
    for c in pick(lambda c: c.condition is Condition.ORDINARY and c.best_tax_status == "正常", 0.006, 2):
        tax = c.taxes[-1]
        tax.status, tax.abnormal_on = "非正常", day_between(random, month, world.date)
        tax.modified_on = tax.abnormal_on
    for c in pick(lambda c: c.condition is Condition.SHELL and c.best_tax_status == "非正常", 0.004, 2):
        tax = c.taxes[-1]
        tax.status, tax.modified_on = "正常", day_between(random, month, world.date)
        tax.abnormal_on = None
    for c in pick(lambda c: c.condition is Condition.YOUNG and not c.taxes and c.founded < month, 0.003, 1):
        day = day_between(random, month, world.date)
        c.taxes.append(
            TaxRegistration(f"1013{(c.number * 137 + world.date.month * 7) % 10_000_000:07d}", False, "正常", day)
        )


def _end(random: Random, c: Cooperative, world: World) -> None:
    """Deregistered this month: the abnormal list and the tax bureau follow."""
    c.status, c.ended = "注销", day_between(random, world.date.replace(day=1), world.date)
    for d in c.decisions:
        if d.removed_on is None:
            d.removal, d.removed_on = "注（吊）销登记", c.ended
    if c.cleanup:
        c.cleanup.progress, c.cleanup.closed_on = "已完成", c.ended
