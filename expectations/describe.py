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


SEVERITY_ZH: dict[Severity, str] = {"critical": "整份退回", "hold": "待人工确认", "row": "该行退回", "warning": "提醒"}


def describe_rules() -> tuple[RuleDescription, ...]:
    """Every rule of every feed of the catalogue, by feed, gravest first."""
    return tuple(
        RuleDescription(feed.feed, r.name, r.severity, r.field, r.description_zh, r.description_en)
        for feed in feed_catalogue().values()
        for r in rules_of(feed)
    )


def rules_as_markdown() -> str:
    """The same as a page of tables, a feed each: `docs/checks.md`."""
    lines = [
        "# 检查规则 · Checks",
        "",
        "每份来件按其数据目录项的规则检查。整份退回：文件不能使用。待人工确认：文件先不采用。该行退回：这一行进入待更正。"
        "提醒：行照常采用，请发送方核对。",
        "",
        "Every delivery is checked by the rules of its feed. This page is written by `expectations.describe`; "
        "`python -m expectations docs/checks.md` renews it.",
        "",
    ]
    for feed in feed_catalogue().values():
        lines += [f"## {feed.title.zh} · {feed.title.en} `{feed.feed}`", ""]
        lines += ["| 规则 rule | 后果 | 说明 | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{r.name}` | {SEVERITY_ZH[r.severity]} | {r.description_zh} | {r.description_en} |"
            for r in rules_of(feed)
        ]
        lines.append("")
    return "\n".join(lines)
