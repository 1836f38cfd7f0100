"""The fictional county as it really is, before any clerk writes it down: cooperatives with their states, and organisations
that are not cooperatives. Data only; `build` makes it, `months` moves it on, `books` writes it down.
"""

from __future__ import annotations

import calendar
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from hub.demo.names import Trade
from hub.demo.sheet import Subject
from hub.deployment import County, Town

FIRST_DATE = date(2026, 10, 31)


def night_date(night: int) -> date:
    """The business date of a demonstration night: month ends, the first on 2026-10-31."""
    month = FIRST_DATE.month - 1 + night - 1
    year, month = FIRST_DATE.year + month // 12, month % 12 + 1
    return date(year, month, calendar.monthrange(year, month)[1])


def day_between(random: Random, first: date, last: date) -> date:
    """A day of the span, both ends included; `first` when the span is empty."""
    return first + timedelta(days=random.randint(0, max(0, (last - first).days)))


class Condition(StrEnum):
    """How a cooperative is doing. Every state below follows from it, so that rules find what is there to be found."""

    GOOD = "good"
    ORDINARY = "ordinary"
    SHELL = "shell"  # reports nothing, does nothing
    STOPPED = "stopped"
    GONE = "gone"  # deregistered or revoked
    YOUNG = "young"  # under two years old


class Reason(StrEnum):
    NO_REPORT = "no_report"
    FALSE_INFORMATION = "false_information"
    UNREACHABLE = "unreachable"


@dataclass(slots=True)
class Decision:
    """Put on the abnormal list, and perhaps taken off it."""

    reason: Reason
    listed_on: date
    removal: str = ""
    removed_on: date | None = None


@dataclass(slots=True)
class TaxRegistration:
    serial: str
    old_number: bool  # carries the number of 15 characters
    status: str
    registered_on: date
    abnormal_on: date | None = None
    deregistered_on: date | None = None
    modified_on: date | None = None


@dataclass(frozen=True, slots=True)
class Check:
    checked_on: date
    result: str


@dataclass(frozen=True, slots=True)
class Sample:
    checked_on: date
    product: str
    tested_for: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Title:
    level: str  # 国家 省 市 县
    system: str
    year: int
    monitoring: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    number: str
    product: str
    quantity: int
    produced_on: date
    test: str
    certificate: str


@dataclass(slots=True)
class Cleanup:
    problem: str
    proposed: str
    progress: str
    due_on: date
    closed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """One project, loan, grade or measure."""

    what: str
    amount: float | None  # 万元
    on: date
    kind: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    registered_on: date
    content: str
    channel: str
    outcome: str
    closed_on: date | None


@dataclass(slots=True)
class Cooperative:
    """One cooperative. `uscc` never changes, so it is the entity of the truth."""

    number: int
    uscc: str
    name: str
    trade: Trade
    town: Town
    village: str
    representative: str
    phone: str
    address: str
    founded: date
    condition: Condition
    members: int
    contributions: int  # yuan
    former_names: tuple[str, ...] = ()
    registration_number: str = ""
    status: str = "存续"
    ended: date | None = None
    decisions: list[Decision] = field(default_factory=list)
    taxes: list[TaxRegistration] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    titles: list[Title] = field(default_factory=list)
    traced_since: date | None = None
    trace_approval: str = "审批通过"
    batches: list[Batch] = field(default_factory=list)
    cleanup: Cleanup | None = None
    standards: tuple[bool | None, ...] = ()  # nine answers, see books.ledgers; empty: never checked
    complaints: list[Complaint] = field(default_factory=list)
    led_since: date | None = None  # by the supply and marketing cooperative
    stake: float | None = None
    water_works: str = ""
    area_mu: int | None = None
    grants: list[Money] = field(default_factory=list)
    projects: list[Money] = field(default_factory=list)
    credits: list[Money] = field(default_factory=list)
    measures: list[Money] = field(default_factory=list)

    @property
    def subject(self) -> Subject:
        return Subject(self.uscc)

    @property
    def organisation_code(self) -> str:
        return self.uscc[8:17]

    @property
    def tax_number_15(self) -> str:
        return self.uscc[2:17]

    @property
    def listed(self) -> bool:
        """Whether it stands on the abnormal list now."""
        return any(d.removed_on is None for d in self.decisions)

    @property
    def best_tax_status(self) -> str:
        return self.taxes[-1].status if self.taxes else ""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Not a farmers' cooperative, though a clerk put it in a list of them."""

    name: str
    code: str
    town: Town
    representative: str
    kind: str  # collective, supply, farm, credit

    @property
    def subject(self) -> Subject:
        return Subject(f"OTHER:{self.code}", cooperative=False)


@dataclass(slots=True)
class World:
    """The county on one date."""

    county: County
    seed: int
    date: date
    cooperatives: list[Cooperative]
    strangers: list[Stranger]

    def copy(self) -> World:
        memo: dict[int, object] = {id(self.county): self.county}
        memo.update({id(town): town for town in self.county.towns})
        return deepcopy(self, memo)

    def in_town(self, town: Town) -> list[Cooperative]:
        return [c for c in self.cooperatives if c.town.name == town.name]
