"""All rules of all feeds as a list, for the documentation and for whoever declares checks elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from expectations.rule import Severity
from expectations.rules import rules_of
from hub.feeds import feed_catalogue


@dataclass(frozen=True, slots=True)
class RuleDescription:
    feed: str
    rule: str
    severity: Severity
    field: str | None
    zh: str
    en: str


SEVERITY_ZH: dict[Severity, str] = {"critical": "整份退回", "hold": "待人工确认", "row": "该行退回", "warning": "提示"}


def describe_rules() -> tuple[RuleDescription, ...]:
    """Every rule of every feed of the catalogue, by feed, gravest first."""
    return tuple(
        RuleDescription(feed.feed, r.name, r.severity, r.field, r.description_zh, r.description_en)
        for feed in feed_catalogue().values()
        for r in rules_of(feed)
    )


def rules_as_markdown() -> str:
    """The same as a page of tables, a feed each."""
    lines: list[str] = []
    for feed in feed_catalogue().values():
        lines += [f"## {feed.title.zh} `{feed.feed}`", "", "| 规则 | 后果 | 说明 | |", "|---|---|---|---|"]
        lines += [
            f"| `{r.name}` | {SEVERITY_ZH[r.severity]} | {r.description_zh} | {r.description_en} |"
            for r in rules_of(feed)
        ]
        lines.append("")
    return "\n".join(lines)
