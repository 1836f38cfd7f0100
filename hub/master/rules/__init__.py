"""Rules as data: states, clues, cross-checks and eligibility hints, each three-valued. The YAML files beside this one say
what a rule asks (SQL over the facts of a cooperative), on what law, since when, and which rows stand behind an answer.

What is not here: the facts themselves (hub.master.facts) and thresholds (hub.master.thresholds).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, ValidationError

from hub.errors import ConfigurationError
from hub.feeds import Bilingual
from hub.feeds.model import Identifier
from hub.yaml_text import read_yaml

RULE_FILES = ("states.yaml", "shell.yaml", "checks.yaml", "eligibility.yaml")


class Group(StrEnum):
    """What an answer is for."""

    STATE = "state"
    CLUE = "clue"
    CHECK = "check"
    ELIGIBILITY = "eligibility"


class Part(BaseModel):
    """One condition of a rule, shown beside the answer so that a person sees what it hangs on."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    zh: str
    en: str
    sql: str


class Rule(BaseModel):
    """A rule. `holds` is SQL over `facts` and the answers named in `needs`: true, false or null (unknown). `rows` is SQL for
    the list of source rows behind the answer. `across` names the fact that compares cooperatives with one another."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Identifier
    title: Bilingual
    group: Group
    basis: str
    dated: date
    feeds: tuple[Identifier, ...]
    needs: tuple[Identifier, ...] = ()
    holds: str
    rows: str
    parts: dict[Identifier, Part] = {}
    across: str | None = None
    note: str = ""


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in an order in which each stands behind those it needs.

    Raises:
        ConfigurationError: a rule file is wrong; every fault at once.
    """
    found: dict[str, Rule] = {}
    problems: list[str] = []
    for file in RULE_FILES:
        for entry in read_yaml((files(__name__) / file).read_text(encoding="utf-8")):
            try:
                rule = Rule.model_validate(entry)
            except ValidationError as error:
                problems.append(f"{file}：{error}")
                continue
            if rule.name in found:
                problems.append(f"{file}：规则 {rule.name} 写了两次")
            if missing := [n for n in rule.needs if n not in found]:
                problems.append(f"{file}：规则 {rule.name} 要用的 {'、'.join(missing)} 须写在它前面")
            found[rule.name] = rule
    if problems:
        raise ConfigurationError("规则有误。", next_step="改正 hub/master/rules 下的文件。", problems=tuple(problems))
    return tuple(found.values())
