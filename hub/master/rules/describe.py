"""All rules as a page: `docs/rules.md`. What a rule means, on what law, since when, from which lists, and the county's thresholds."""

from __future__ import annotations

from hub.feeds import feed_catalogue
from hub.master.rules import Group, Rule, rules
from hub.master.thresholds import FILE, Thresholds

_GROUPS = {
    Group.STATE: ("状态", "States", "直接从一个部门的名单读出。"),
    Group.CLUE: ("线索", "Clues", "一律是“疑似线索”，不是结论：提示人去看，不自动处理。"),
    Group.CHECK: ("比对", "Cross-checks", "几个部门的名单放在一起才看得出的矛盾。"),
    Group.ELIGIBILITY: ("资格提示", "Eligibility hints", "帮助办理时先看一眼，不代替审核。"),
}


def rules_as_markdown() -> str:
    """The page of rules and thresholds."""
    lines = [
        "# 规则 · Rules",
        "",
        "每条规则的答案有三种：**是**、**否**、**不详**。名单是全量、且没有过期，才会因为“不在名单上”答“否”；否则答“不详”。"
        "每个答案都带着它依据的原始行。门槛数字是设置，见文末。",
        "",
        "Every rule answers yes, no or unknown; “not in the list” means no only where the list is complete and current. "
        "Each answer carries the rows behind it. This page is written by `hub.master.rules.describe`; "
        "`python -m hub.master.rules docs/rules.md` renews it.",
        "",
    ]
    for group, (zh, en, words) in _GROUPS.items():
        lines += [f"## {zh} · {en}", "", words, ""]
        lines += ["| 规则 rule | 含义 | meaning | 依据 basis | 自 since | 来源 feeds |", "|---|---|---|---|---|---|"]
        lines += [_line(rule) for rule in rules() if rule.group is group]
        lines.append("")
    lines += ["## 门槛 · Thresholds", "", f"写在县文件夹的 `{FILE}`，不写用默认值。", ""]
    lines += ["| 名称 name | 说明 | 默认 default |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {field.description} | {'不填' if field.default is None else field.default} |"
        for name, field in Thresholds.model_fields.items()
    ]
    return "\n".join(lines) + "\n"


def _line(rule: Rule) -> str:
    feeds = "、".join(feed_catalogue()[f].title.zh for f in rule.feeds)
    parts = "；".join(p.zh for p in rule.parts.values())
    meaning = rule.title.zh + (f"。看：{parts}" if parts else "") + (f"。{rule.note}" if rule.note else "")
    return f"| `{rule.name}` | {meaning} | {rule.title.en} | {rule.basis} | {rule.dated} | {feeds} |"
