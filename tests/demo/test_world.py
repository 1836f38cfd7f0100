"""The demo county holds what the rules are there to find: cases of yes, of no, and of not knowing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest

from hub.demo.build import build_world, stem
from hub.demo.months import next_month
from hub.demo.world import Condition, Cooperative, Reason, World, night_date
from hub.deployment import load_deployment
from hub.settings import REPOSITORY


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_deployment(REPOSITORY / "deployments" / "demo").county, 20261031, 600)


def no_reports_standing(c: Cooperative) -> int:
    return sum(d.reason is Reason.NO_REPORT and d.removed_on is None for d in c.decisions)


def shell(c: Cooperative) -> bool:
    idle = not any(b.produced_on > date(2024, 10, 31) for b in c.batches)
    return no_reports_standing(c) >= 2 and c.best_tax_status != "正常" and idle


CASES: dict[str, tuple[Callable[[Cooperative], bool], int]] = {
    "no reports, no tax, no batch": (shell, 30),
    "no reports, but tax normal": (lambda c: bool(no_reports_standing(c)) and c.best_tax_status == "正常", 5),
    "suspended or non-compliant for long": (lambda c: c.condition is Condition.STOPPED and bool(c.taxes), 10),
    "never registered for tax": (lambda c: not c.taxes and c.ended is None, 20),
    "too young to judge": (lambda c: c.founded > date(2024, 10, 31), 15),
    "titled and listed": (lambda c: bool(c.titles) and c.listed, 4),
    "titled and non-compliant": (lambda c: bool(c.titles) and c.best_tax_status == "非正常", 2),
    "titled and not traced": (lambda c: bool(c.titles) and c.traced_since is None, 7),
    "titled and gone": (lambda c: bool(c.titles) and c.ended is not None, 1),
    "funded after its end": (lambda c: c.ended is not None and any(g.on > c.ended for g in c.grants), 3),
    "several decisions": (lambda c: len(c.decisions) > 1, 50),
    "several tax registrations": (lambda c: len(c.taxes) > 1, 15),
    "complained of": (lambda c: bool(c.complaints), 8),
    "in good order": (lambda c: c.condition is Condition.GOOD and not c.decisions and bool(c.batches), 60),
}


@pytest.mark.parametrize("case", CASES)
def test_there_are_cases_of(world: World, case: str) -> None:
    wanted, least = CASES[case]
    found = sum(map(wanted, world.cooperatives))
    assert least <= found < len(world.cooperatives) / 2


def test_some_people_chair_three_or_more(world: World) -> None:
    chairs = Counter((c.representative, c.phone) for c in world.cooperatives)
    assert sum(n >= 3 for n in chairs.values()) >= 4


def test_some_names_differ_only_in_suffix_or_region(world: World) -> None:
    stems = Counter(stem(c.name, world.county) for c in world.cooperatives)
    assert sum(n == 2 for n in stems.values()) >= 4
    assert len({c.name for c in world.cooperatives}) == len(world.cooperatives)


def test_dates_keep_their_order_and_never_lie_ahead(world: World) -> None:
    later = world
    for night in (1, 2, 3, 4):
        for c in later.cooperatives:
            assert c.founded <= later.date
            for d in c.decisions:
                assert c.founded < d.listed_on <= later.date
                assert d.removed_on is None or d.listed_on <= d.removed_on <= later.date
            for t in c.taxes:
                assert c.founded <= t.registered_on <= later.date
                dates = [x for x in (t.abnormal_on, t.deregistered_on, t.modified_on) if x]
                assert all(t.registered_on <= x <= later.date for x in dates), t
            assert all(b.produced_on <= later.date for b in c.batches)
            assert c.ended is None or c.founded < c.ended <= later.date
        assert later.date == night_date(night)
        later = next_month(later, night + 1)
