"""Targets: figures with a deadline, how far the county is, who is missing, and the trend over the nights published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, select, text

from hub.deployment import Deployment, load_yaml_model
from hub.errors import ConfigurationError
from hub.feeds import Bilingual
from hub.feeds.model import Identifier
from hub.master.reading import find_version, master_at
from hub.master.rules import rules
from hub.store.tables.master import master_version

FILE = "targets.yaml"
LEVELS = ("national", "provincial", "city", "county")


class Target(BaseModel):
    """One figure. `titles`: cooperatives with a valid title of `level`. `share`: those for whom `rule` says yes, among all that
    stand (`of: all`) or among demonstration cooperatives (`of: demonstration`). A target without a goal is only watched."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Identifier
    title: Bilingual
    measure: Literal["titles", "share"]
    level: Literal["national", "provincial", "city", "county"] | None = None
    rule: Identifier | None = None
    of: Literal["all", "demonstration"] = "all"
    goal: Annotated[float, Field(gt=0)] | None = None
    deadline: date | None = None
    note: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Target:
        if self.measure == "titles" and self.level is None:
            raise ValueError("measure: titles needs a level")
        if self.measure == "share":
            if self.rule not in {r.name for r in rules()}:
                raise ValueError(f"measure: share needs a rule of hub/master/rules, not {self.rule}")
            if self.goal is not None and self.goal > 1:
                raise ValueError("the goal of a share lies between 0 and 1")
        return self


class _Targets(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """A cooperative a target still waits for. `answer` is no or unknown."""

    coop_id: str
    name: str
    town: str | None
    answer: str


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """Where a target stands. `value` is a count, or a share of 1; `base` is what a share is a share of; `trend` holds one value
    a published version, oldest first; `missing_count` counts all that are missing, `missing` names the first of them."""

    target: Target
    value: float
    base: int | None
    unknown: int
    reached: bool | None
    days_left: int | None
    trend: tuple[tuple[date, float], ...]
    missing_count: int
    missing: tuple[Missing, ...]

    def shown(self, value: float | None = None) -> str:
        """The value as people write it: 12, 63.5%; 不详 when nothing is known of anybody."""
        if value is None and not self.known:
            return "不详"
        v = self.value if value is None else value
        return f"{v:.0f}" if self.target.measure == "titles" else f"{v:.1%}"

    @property
    def known(self) -> bool:
        """Whether anything is known: a share of which every answer is unknown is no share of nought."""
        return self.base is None or self.unknown < self.base

    @property
    def goal_shown(self) -> str:
        if self.target.goal is None:
            return "—"
        return f"{self.target.goal:.0f}" if self.target.measure == "titles" else f"{self.target.goal:.0%}"

    @property
    def verdict(self) -> str:
        """已达标, 未达标, 已逾期; 监测 for a figure without a goal; 缺数据 when nothing is known."""
        if not self.known:
            return "缺数据"
        if self.reached is None:
            return "监测"
        if self.reached:
            return "已达标"
        return "已逾期" if self.days_left is not None and self.days_left < 0 else "未达标"


def _usual() -> tuple[Target, ...]:
    titles = (("national", "国家级", 10), ("provincial", "省级", 30), ("city", "市级", 60), ("county", "县级", 100))
    counts = [
        Target(name=level, title=Bilingual(zh=f"{zh}示范社", en=f"{level.capitalize()} demonstration cooperatives"), measure="titles",
               level=level, goal=goal)  # type: ignore[arg-type]
        for level, zh, goal in titles
    ]  # fmt: skip
    return (
        *counts,
        Target(name="governance", title=Bilingual(zh="三会一章健全率", en="Working governance"), measure="share", rule="governance", goal=0.8),
        Target(name="traceable", title=Bilingual(zh="示范社纳入追溯平台", en="Demonstration cooperatives on the traceability platform"),
               measure="share", rule="traceability_registered", of="demonstration", goal=1.0),
    )  # fmt: skip


def load_targets(deployment: Deployment) -> tuple[Target, ...]:
    """The county's targets; the usual ones, without deadlines, when it has no targets.yaml.

    Raises:
        ConfigurationError: targets.yaml is wrong; every fault with its line.
    """
    problems: list[str] = []
    found = load_yaml_model(deployment.folder / FILE, _Targets, problems, wrap="targets")
    if problems:
        raise ConfigurationError(
            "目标有误。", next_step=f"改正“{deployment.folder / FILE}”里下列各处。", problems=tuple(problems)
        )
    return found.targets if found else _usual()


def _measure(target: Target, figures: dict[str, Any]) -> tuple[float, int | None, int]:
    """(value, base, unknown) from a version's figures."""
    if target.measure == "titles":
        return float(figures["levels"].get(target.level, 0)), None, 0
    among = figures.get("among_demonstration" if target.of == "demonstration" else "among_standing", {})
    counts = among.get(target.rule, {"yes": 0, "no": 0, "unknown": 0})
    base = sum(counts.values())
    return (counts["yes"] / base if base else 0.0), base, counts["unknown"]


def _missing(connection: Connection, target: Target, version: int, most: int) -> tuple[int, tuple[Missing, ...]]:
    if target.measure == "titles":
        return 0, ()
    among = (
        "fields->>'demonstration_now' = 'yes'"
        if target.of == "demonstration"
        else "fields->>'ended' is distinct from 'yes'"
    )
    condition = f"from {master_at(version)} m where {among} and fields->>:rule is distinct from 'yes'"
    p = {"rule": target.rule, "most": most}
    count = connection.execute(text(f"select count(*) {condition}"), p).scalar_one()
    rows = connection.execute(
        text(
            f"""select coop_id, fields->>'name' as name, fields->>'town' as town, coalesce(fields->>:rule, 'unknown') as answer
                {condition} order by answer, town nulls last, name, coop_id limit :most"""
        ),
        p,
    )
    return int(count), tuple(Missing(r.coop_id, r.name, r.town, r.answer) for r in rows)


def target_statuses(
    connection: Connection, deployment: Deployment, *, known_at: date | int | None = None, most_missing: int = 200
) -> list[TargetStatus]:
    """Every target of the county as a published version has it (default: the newest).

    Raises:
        ConfigurationError: nothing was published yet, or targets.yaml is wrong.
    """
    version = find_version(connection, known_at)
    nights = connection.execute(
        select(master_version.c.version, master_version.c.business_date, master_version.c.figures)
        .where(master_version.c.version <= version.version)
        .order_by(master_version.c.version)
    ).all()
    found = []
    for target in load_targets(deployment):
        by_day = {n.business_date: _measure(target, n.figures)[0] for n in nights}
        value, base, unknown = _measure(target, nights[-1].figures)
        count, missing = _missing(connection, target, version.version, most_missing)
        reached = None if target.goal is None else value >= target.goal
        if target.measure == "titles" and target.goal is not None:
            count = max(0, int(target.goal - value))
        days = (target.deadline - version.business_date).days if target.deadline else None
        found.append(TargetStatus(target, value, base, unknown, reached, days, tuple(by_day.items()), count, missing))
    return found
