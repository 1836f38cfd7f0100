"""All rules of a feed, in the order they are reported. Needs neither Great Expectations nor pandas, so that an orchestrator
can declare its checks in no time.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from expectations.generic import day_rules, file_rules, generic_rules
from expectations.rule import Rule, Severity
from expectations.specific import own_rules
from hub.errors import ConfigurationError
from hub.feeds import Feed

__all__ = ["Rule", "Severity", "rules_of"]

ORDER: dict[str, int] = {"critical": 0, "hold": 1, "row": 2, "warning": 3}
_WORD = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@lru_cache(maxsize=256)
def rules_of(feed: Feed) -> tuple[Rule, ...]:
    """Every rule of this feed, gravest first; names are unique within the feed.

    Raises:
        ConfigurationError: two rules share a name, or a rule reads a field the feed does not declare.
    """
    found = (*file_rules(), *day_rules(), *generic_rules(feed), *own_rules(feed))
    names = [r.name for r in found]
    if twice := {n for n in names if names.count(n) > 1}:
        raise ConfigurationError(
            f"{feed.feed} 的检查规则重名：{'、'.join(sorted(twice))}。", next_step="改正 expectations/specific.py。"
        )
    unknown = {n for r in found for n in r.reads} - set(feed.by_name)
    if unknown:
        raise ConfigurationError(
            f"{feed.feed} 的检查规则用到了没有声明的字段：{'、'.join(sorted(unknown))}。",
            next_step="改正 expectations/specific.py 或该数据目录项。",
        )
    return tuple(sorted((_in_chinese(feed, r) for r in found), key=lambda r: ORDER[r.severity]))


def _in_chinese(feed: Feed, rule: Rule) -> Rule:
    """The description with field names replaced by the titles people know."""

    def title(match: re.Match[str]) -> str:
        return f"“{feed.by_name[match[0]].title.zh}”" if match[0] in feed.by_name else match[0]

    return replace(rule, description_zh=_WORD.sub(title, rule.description_zh))
