"""Why a profile is linked as it is: one Chinese sentence a clerk understands, and the evidence behind it as JSON.
No personal value is written into either: a representative "agrees", a phone "differs", by whom is in the rows."""

from __future__ import annotations

from typing import Any

from hub.matching.comparison import COMPARISONS, level_name, level_title
from hub.matching.model import Model


def evidence_items(levels: dict[str, int], model: Model) -> list[dict[str, Any]]:
    """What was compared, the strongest first: `{field, level, title, weight}`; weight is log2(m/u), above 0 speaks for."""
    items = []
    for comparison in COMPARISONS:
        value = levels.get(comparison.name, -1)
        if value < 0:
            continue
        items.append(
            {
                "field": comparison.name,
                "level": level_name(comparison, value),
                "title": level_title(comparison, value),
                "weight": round(model.weights(comparison)[value], 2),
            }
        )
    return sorted(items, key=lambda item: -abs(item["weight"]))


def percent(probability: float) -> str:
    """A probability as staff read it: never a false 100 %."""
    return "99.9% 以上" if probability > 0.999 else f"{probability:.1%}"


def model_reason(levels: dict[str, int], probability: float, model: Model, *, with_name: str | None) -> str:
    """The sentence for a link found by comparing."""
    items = evidence_items(levels, model)
    speaking = [i["title"] for i in items if i["weight"] > 1]
    against = [i["title"] for i in items if i["weight"] < -1]
    who = f"“{with_name}”" if with_name else "已有记录"
    text = f"与{who}{'、'.join(speaking) or '总体相符'}"
    if against:
        text += f"，但{'、'.join(against)}"
    return f"{text}，判断为同一家（把握 {percent(probability)}）。"


def pasted_code(owner: str | None) -> str:
    """What is added where a row's code belongs to another cooperative."""
    return f"所填代码属于“{owner or '另一家'}”，像是抄错了行，请核对后更正。"


def identifier_reason(how: str) -> str:
    """The sentence for a link by a code."""
    return f"{how}与该社其他记录一致，名称相符。"


def review_reason(kind: str, probability: float, with_name: str | None, owner: str | None = None) -> str:
    """The sentence for a profile that waits for a person. `owner` is the name a code in conflict belongs to."""
    who = f"“{with_name}”" if with_name else "另一条记录"
    if kind == "conflict":
        if owner and owner != with_name:
            return f"代码属于“{owner}”，名称却与{who}相符，可能抄错了行，待人工判断。"
        return f"代码与{who}的相同，名称却不同，可能抄错了行，待人工判断。"
    return f"可能与{who}是同一家（把握 {percent(probability)}），待人工判断。"


NEW_REASON = "没有找到这一家更早的记录，由此新建合作社编号。"
DECISION_REASON = "工作人员判断与“{name}”是同一家。"
EMPTY_REASON = "没有名称也没有可用的代码，无法认定是哪一家。"
