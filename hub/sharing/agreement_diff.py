"""Two versions of an agreement side by side, in words a signing official reads."""

from __future__ import annotations

from typing import Any

from hub.sharing.agreements import MASK_TITLES, SHARE_TITLES, Agreement, Mask, RowFilter

_PLAIN = {
    "title": "名称",
    "providers": "提供部门",
    "recipient": "接收部门",
    "dataset": "数据集",
    "purpose": "用途",
    "legal_basis": "共享依据",
    "conditions": "共享条件",
    "update_cycle": "更新周期",
    "formats": "格式",
    "csv_encoding": "CSV 编码",
    "delivery": "交付方式",
    "terms_of_use": "使用要求",
    "order_matters": "保持行序",
}


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, tuple | list):
        return "、".join(map(str, value)) or "无"
    return str(value) or "无"


def row_words(rows: RowFilter) -> list[str]:
    """The conditions on rows, one sentence each."""
    words = []
    if rows.own_town:
        words.append("只限本乡镇（街道）的合作社")
    if rows.own_cooperatives:
        words.append("只限接收部门自己台账里的合作社")
    if rows.current:
        words.append("只限尚未终止的记录")
    words += [f"{f} 为 {_words(v)}" for f, v in rows.only.items()]
    words += [f"{f} 不为 {_words(v)}" for f, v in rows.excluding.items()]
    for title, listings in (("只限出现在", rows.listed_in), ("不含出现在", rows.not_listed_in)):
        for one in listings:
            more = "、".join(
                [*(["未终止"] if one.current else []), *(f"{f} 为 {_words(v)}" for f, v in one.only.items())]
            )
            words.append(f"{title} {one.dataset}{f'（{more}）' if more else ''} 的合作社")
    if rows.since:
        since = f"{rows.since.day.isoformat()} 以来" if rows.since.day else f"近 {rows.since.months} 个月"
        words.append(f"{rows.since.field} 在{since}")
    return words or ["全部行"]


def diff_words(old: Agreement, new: Agreement) -> list[str]:
    """What changed from `old` to `new`, one sentence a change, the widening ones marked 【扩大】; empty when equal."""
    lines: list[str] = []
    lines += [f"【扩大】新增字段 {f}（{MASK_TITLES[new.mask_of(f)]}）" for f in new.fields if f not in old.fields]
    lines += [f"不再提供字段 {f}" for f in old.fields if f not in new.fields]
    both = [f for f in new.fields if f in old.fields]
    for f in both:
        before, after = old.mask_of(f), new.mask_of(f)
        if before is not after:
            mark = "【扩大】" if after is Mask.CLEAR else ""
            lines.append(f"{mark}字段 {f} 的处理由“{MASK_TITLES[before]}”改为“{MASK_TITLES[after]}”")
    if [f for f in old.fields if f in new.fields] != both:
        lines.append("字段的先后次序有变")
    before_rows, after_rows = row_words(old.rows), row_words(new.rows)
    lines += [
        f"行范围不再要求：{w}" if w == "全部行" else f"【扩大】行范围不再要求：{w}"
        for w in before_rows
        if w not in after_rows
    ]
    lines += [f"行范围改为：{w}" for w in after_rows if w not in before_rows]
    if old.share_type is not new.share_type:
        lines.append(f"共享类型由“{SHARE_TITLES[old.share_type]}”改为“{SHARE_TITLES[new.share_type]}”")
    if old.term != new.term:
        mark = "【扩大】" if new.term.until > old.term.until or new.term.start < old.term.start else ""
        lines.append(f"{mark}期限由 {old.term.start} 至 {old.term.until} 改为 {new.term.start} 至 {new.term.until}")
    for name, title in _PLAIN.items():
        before_value, after_value = getattr(old, name), getattr(new, name)
        if before_value != after_value:
            mark = "【扩大】" if name in ("recipient", "dataset") else ""
            lines.append(f"{mark}{title}由“{_words(before_value)}”改为“{_words(after_value)}”")
    return lines
