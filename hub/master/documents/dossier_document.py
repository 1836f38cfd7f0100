"""A dossier as a Word file: what hub.master.dossier found, in the order a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hub.feeds import get_feed
from hub.master.documents.word import Document
from hub.master.dossier import GROUPS, Dossier
from hub.master.rules import Group

ANSWERS = {"yes": "是", "no": "否", "unknown": "不详"}
_GROUP_TITLES = {
    Group.STATE: "状态",
    Group.CLUE: "疑似空壳社线索",
    Group.CHECK: "交叉核对",
    Group.ELIGIBILITY: "资格提示",
}
_LINKS = {"identifier": "凭代码", "name": "凭名称", "model": "凭综合比对", "decision": "人工决定", "new": "首次出现"}
MOST_ROWS = 100


def write_dossier(dossier: Dossier, path: Path, *, departments: Mapping[str, str] | None = None) -> None:
    """Writes the dossier. `departments` gives names for department ids."""
    called = dict(departments or {})
    doc = Document(title=f"合作社档案 {dossier.name}", subject="一社一档")
    doc.title(
        dossier.name,
        f"一社一档 · 编号 {dossier.coop_id} · 数据截至 {dossier.as_of:%Y-%m-%d}（总表第 {dossier.version} 版）",
    )
    _summary(doc, dossier)
    doc.paragraph("方括号里是原件的序号，文件名见第八部分。", small=True, indent=False)
    doc.heading("一、基本情况")
    for group, title in GROUPS.items():
        if values := dossier.group(group):
            doc.heading(title, 2)
            doc.table(
                ("项目", "内容", "来源", "原件和行"),
                (
                    (
                        v.title,
                        v.value + ("（往期）" if v.past else ""),
                        v.source,
                        "；".join(p.short for p in v.places[:2]),
                    )
                    for v in values
                ),
                widths=(2, 3.8, 2.4, 2.8),
            )
    if dossier.differences:
        doc.heading("各部门说法不一之处", 2)
        doc.table(
            ("项目", "采用", "另一说法", "来源", "原件和行"),
            (
                (v.title, v.value, o.value, o.source, o.place.short if o.place else "")
                for v in dossier.differences
                for o in v.others
            ),
            widths=(1.6, 2.3, 2.3, 2.4, 2.8),
        )
    _answers(doc, dossier)
    doc.heading("三、大事记")
    doc.table(("时间", "事项", "依据"), ((m.when, m.what, m.source) for m in dossier.timeline), widths=(1.3, 3.6, 3.6))
    doc.heading("四、各部门记录")
    for records in dossier.records:
        doc.heading(f"{records.title}（{len(records.rows)} 条）", 2)
        shown = records.rows[:MOST_ROWS]
        for texts, place in shown:
            told = [(c, t) for c, t in zip(records.columns, texts, strict=True) if t]
            doc.paragraph("　".join(f"{c}：{t}" for c, t in told), indent=False)
            doc.paragraph(f"—— {place}，截至 {place.as_of:%Y-%m-%d}", indent=False, small=True)
        if len(records.rows) > len(shown):
            doc.paragraph(f"另有 {len(records.rows) - len(shown)} 条，见 JSON 档案。", small=True)
    if dossier.members:
        doc.heading(f"成员社（{len(dossier.members)} 家）", 2)
        doc.table(
            ("编号", "合作社", "乡镇", "加入", "退出"),
            ((c.coop_id, c.name, c.town or "", str(c.joined_on or ""), str(c.left_on or "")) for c in dossier.members),
            widths=(1.4, 4, 1.4, 1.2, 1.2), size=8.5,
        )  # fmt: skip
    _handling(doc, dossier, called)
    doc.save(path)


def _summary(doc: Document, dossier: Dossier) -> None:
    if dossier.clues:
        doc.paragraph(
            f"须关注：{'；'.join(a.title for a in dossier.clues)}。以上为疑似线索，须核实后认定。", alert=True
        )
    open_disputes = [d for d in dossier.disputes if d["closed_on"] is None]
    if open_disputes:
        doc.paragraph(f"有 {len(open_disputes)} 处数据正在校核纠错。", alert=True)


def _answers(doc: Document, dossier: Dossier) -> None:
    doc.heading("二、状态、线索和提示")
    doc.paragraph("“不详”表示现有数据不足以判断；线索和提示均须核实，不是结论。", small=True, indent=False)
    for group, title in _GROUP_TITLES.items():
        rows = []
        for a in (a for a in dossier.answers if a.group == group):
            told = [f"{name}：{'是' if holds else '否' if holds is False else '不详'}" for name, holds in a.parts]
            if a.others:
                told.append(f"另有：{'、'.join(a.others)}")
            if a.places:
                told.append(f"依据：{'；'.join(map(str, a.places[:3]))}{'等' if len(a.places) > 3 else ''}")
            rows.append((a.title, ANSWERS[a.answer], "；".join(told) or a.note, a.basis))
        doc.heading(title, 2)
        doc.table(("事项", "结论", "情形和依据", "政策依据"), rows, widths=(2.2, 0.8, 5, 2.6), size=8.5)


def _handling(doc: Document, dossier: Dossier, called: Mapping[str, str]) -> None:
    doc.heading("五、各处写法")
    doc.table(
        ("名称", "代码", "乡镇", "归入方式", "理由", "行数"),
        ((n.name, "、".join(n.codes), n.town, _LINKS.get(n.link, n.link), n.reason, str(n.rows)) for n in dossier.namings),
        widths=(3, 2.8, 1.2, 1.2, 3.2, 0.7), size=8.5, right=(5,),
    )  # fmt: skip
    doc.heading("六、校核纠错")
    if dossier.disputes:
        doc.table(
            ("提出日期", "提出部门", "数据", "理由", "核实部门", "期限", "结果"),
            (
                (str(d["raised_on"]), called.get(d["raised_by_department"], d["raised_by_department"]), f"{d['dataset']} {d['field'] or ''}",
                 d["reason"], called.get(d["source_department"], d["source_department"]), str(d["due_on"]), d["answer"] or d["state"])
                for d in dossier.disputes
            ),
            size=8.5,
        )  # fmt: skip
    else:
        doc.paragraph("无。")
    doc.heading("七、共享去向")
    if dossier.receipts:
        doc.table(
            ("时间", "部门", "方式", "数据"),
            ((f"{r['at']:%Y-%m-%d %H:%M}", called.get(r["department"], r["department"]), {"downloaded": "下载", "pushed": "推送"}[r["event"]], r["title"])
             for r in dossier.receipts),
        )  # fmt: skip
    else:
        doc.paragraph("尚无部门领取含本合作社的数据。")
    doc.heading("八、原件")
    doc.table(
        ("序号", "数据", "文件", "报送部门", "截至日期", "SHA-256"),
        ((f"[{a['number']}]", get_feed(a["feed"]).title.zh, a["name"], called.get(a["department"], a["department"]), str(a["as_of"]), a["sha256"][:16] + "…")
         for a in dossier.attachments),
        widths=(0.7, 1.8, 3.6, 1.8, 1.2, 1.8), size=8.5,
    )  # fmt: skip
