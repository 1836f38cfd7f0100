"""The joint meeting's bulletin as a Word file, ready to edit: figures, charts, lists by township and department."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hub.master.bulletin import Bulletin
from hub.master.changes import CATEGORIES
from hub.master.cleanup import STAGE_TITLES, Stage
from hub.master.documents.charts import RED, bar_chart, line_chart
from hub.master.documents.word import Document

MOST_LISTED = 40  # names in one list; the whole list is in the portal
_NUMBERS = "一二三四五六七八九十"


def write_bulletin(bulletin: Bulletin, path: Path) -> None:
    """Writes the bulletin; charts where this machine has a Chinese font, bars made of text elsewhere."""
    b = bulletin
    month = f"{b.month.year} 年 {b.month.month} 月"
    doc = Document(title=f"{b.county}农民专业合作社联席会议通报（{month}）", subject="联席会议通报")
    doc.title(
        f"{b.county}农民专业合作社联席会议通报",
        f"（{month}）",
        f"{b.office}（领导小组办公室）编　　数据截至 {b.night.year} 年 {b.night.month} 月 {b.night.day} 日（总表第 {b.version} 版）",
    )
    sections = (_overall, _targets, _changes, _towns, _cleanup, _matters, _sendings)
    for number, section in zip(_NUMBERS, sections, strict=False):
        section(doc, b, number)
    doc.heading("说明", 2)
    doc.paragraph(
        "本通报由各部门报送数据自动汇总，“疑似线索”须经乡镇和主管部门核实，不作为认定结论；“不详”为现有数据不足以判断。"
        "名单只列前若干名，全部名单见数据共享枢纽。不含身份证号、电话等个人信息。",
        small=True,
    )
    doc.save(path)


def _overall(doc: Document, b: Bulletin, number: str) -> None:
    doc.heading(f"{number}、总体情况")
    by_title = {f.title: f for f in b.figures}
    total, listed, clues = by_title["合作社总数"], by_title["在经营异常名录上"], by_title["有疑似空壳线索"]
    changes = b.changes.counts
    doc.paragraph(
        f"截至 {b.night:%Y年%m月%d日}，全县纳入总表的农民专业合作社 {total.value} 家，其中示范社 {by_title['示范社（四级合计）'].value} 家，"
        f"在追溯平台注册 {by_title['在追溯平台注册'].value} 家；在经营异常名录上 {listed.value} 家，税务非正常 {by_title['税务非正常'].value} 家，"
        f"有疑似空壳社线索 {clues.value} 家，正在清理整顿 {by_title['正在清理整顿'].value} 家。"
    )
    if b.changes.from_version is not None:
        doc.paragraph(
            f"与上期（{b.changes.from_date:%Y-%m-%d}）相比，新列入异常名录 {changes['newly_listed']} 家、移出 {changes['removed']} 家，"
            f"税务状态变化 {changes['tax_turned']} 家，新获示范社称号 {changes['titles_won']} 家、失去 {changes['titles_lost']} 家，"
            f"新纳入追溯平台 {changes['platform_joined']} 家，清理整顿销号 {changes['cleanup_closed']} 家。"
        )
    else:
        doc.paragraph("本期为首期，没有上期数据可比。")
    if b.note:
        doc.paragraph(b.note, alert=True)
    if any(f.before is not None for f in b.figures):
        doc.table(
            ("指标", "本期", "上期", "增减"),
            ((f.title, str(f.value), "—" if f.before is None else str(f.before), f.difference) for f in b.figures),
            widths=(4, 1.3, 1.3, 1.3), size=10, right=(1, 2, 3),
        )  # fmt: skip
    else:  # a first issue: two columns of dashes tell nobody anything
        doc.table(("指标", "本期"), ((f.title, str(f.value)) for f in b.figures), widths=(4, 1.5), size=10, right=(1,))
    if chart := line_chart(b.trend, title="主要风险指标走势（家）"):
        doc.picture(chart, described="；".join(f"{name}：{points[-1][1]:.0f} 家" for name, points in b.trend if points))


def _targets(doc: Document, b: Bulletin, number: str) -> None:
    doc.heading(f"{number}、三年行动目标进展")
    doc.table(
        ("目标", "目标值", "现值", "差距", "不详", "期限", "进展"),
        (
            (
                s.target.title.zh, s.goal_shown, s.shown(), _gap(s.missing_count, s.reached if s.known else None), str(s.unknown) if s.base else "—",
                f"{s.target.deadline:%Y-%m-%d}" if s.target.deadline else "—", s.verdict,
            )
            for s in b.targets
        ),
        widths=(3.2, 1, 1, 1.3, 0.9, 1.5, 1), right=(1, 2, 3, 4),
    )  # fmt: skip
    titles = [s for s in b.targets if s.target.measure == "titles"]
    _chart(
        doc,
        [(s.target.title.zh, s.value) for s in titles],
        "四级示范社（家），红线为目标",
        [s.target.goal for s in titles],
    )
    for s in b.targets:
        if s.target.of == "demonstration" and s.missing:
            told = "、".join(f"{town} {n} 家" for town, n in _by_town(b, [m.town or "" for m in s.missing]))
            listed = "名单见第六部分" if s.target.rule in _LISTED_AS_MATTER else "名单见数据共享枢纽“目标”页"
            doc.paragraph(f"{s.target.title.zh}，尚缺 {s.missing_count} 家：{told}。{listed}。")


_LISTED_AS_MATTER = ("traceability_registered",)  # missing from it is a cross-check of its own


def _by_town(b: Bulletin, towns: Sequence[str]) -> list[tuple[str, int]]:
    """How many of each town, in the county's own order."""
    return sorted(Counter(t or "乡镇不详" for t in towns).items(), key=lambda p: _place(b, p[0]))


def _place(b: Bulletin, town: str) -> tuple[int, str]:
    order = {name: i for i, (name, _) in enumerate(b.towns)}
    return order.get(town, len(order)), town


def _gap(missing: int, reached: bool | None) -> str:
    if reached or reached is None:
        return "—"
    return f"差 {missing} 家"


def _changes(doc: Document, b: Bulletin, number: str) -> None:
    doc.heading(f"{number}、本期变化")
    if b.changes.from_version is None:
        doc.paragraph("首期不列变化。")
        return
    for name, (title, _, _, _) in CATEGORIES.items():
        items = b.changes.items[name]
        if not items:
            continue
        doc.heading(f"{title}（{len(items)} 家）", 2)
        doc.table(
            ("合作社", "乡镇", "变化前", "变化后"),
            ((i.name, i.town or "", i.before, i.after) for i in items[:MOST_LISTED]),
            widths=(4, 1.4, 2.3, 2.3),
        )
        _more(doc, len(items))
    if not any(b.changes.counts.values()):
        doc.paragraph("与上期相比没有变化。")


def _towns(doc: Document, b: Bulletin, number: str) -> None:
    doc.heading(f"{number}、分乡镇（街道）情况")
    totals = [sum(v[i] for _, v in b.towns) for i in range(len(b.town_columns))]
    doc.table(
        ("乡镇（街道）", *b.town_columns),
        [*((town, *map(str, values)) for town, values in b.towns), ("合计", *map(str, totals))],
        widths=(1.9, *([1.0] * len(b.town_columns))), right=tuple(range(1, len(b.town_columns) + 1)), size=8.5,
    )  # fmt: skip
    column = b.town_columns.index("疑似空壳线索")
    rows = [(town, float(values[column])) for town, values in b.towns if values[column]]
    _chart(doc, rows, "各乡镇疑似空壳社线索（家）", colour=RED)


def _cleanup(doc: Document, b: Bulletin, number: str) -> None:
    doc.heading(f"{number}、清理整顿进展")
    counts = b.board.counts
    doc.paragraph(
        "清理整顿台账和线索共 {} 家：{}。".format(
            len(b.board.entries), "，".join(f"{STAGE_TITLES[s]} {counts[s]} 家" for s in Stage)
        )
    )
    by_town = b.board.by_town()
    doc.table(
        ("乡镇（街道）", *(STAGE_TITLES[s] for s in Stage)),
        ((town, *(str(stages[s]) for s in Stage)) for town, stages in sorted(by_town.items(), key=lambda p: _place(b, p[0]))),
        widths=(2, 1.2, 1.2, 1.2, 1.2), right=(1, 2, 3, 4),
    )  # fmt: skip
    overdue = [e for e in b.board.entries if e.stage is Stage.OVERDUE]
    if overdue:
        doc.heading(f"逾期未销号（{len(overdue)} 家）", 2)
        doc.table(
            ("合作社", "乡镇", "问题", "处置意见", "期限", "逾期天数"),
            ((e.name, e.town or "", e.problem, e.proposed, str(e.due_on), str(e.days_overdue)) for e in overdue[:MOST_LISTED]),
            widths=(3.4, 1.3, 2.6, 1, 1.3, 1), right=(5,),
        )  # fmt: skip
        _more(doc, len(overdue))
    waiting = [e for e in b.board.entries if e.stage is Stage.SUSPECTED]
    if waiting:
        doc.heading(f"有线索、请乡镇核实（{len(waiting)} 家）", 2)
        doc.table(
            ("乡镇", "合作社", "线索"),
            (
                (e.town or "", e.name, "；".join(e.clues))
                for e in sorted(waiting, key=lambda e: (_place(b, e.town or ""), e.name))[:MOST_LISTED]
            ),
            widths=(1.3, 3.4, 4.4),
        )
        _more(doc, len(waiting))


def _matters(doc: Document, b: Bulletin, number: str) -> None:
    doc.heading(f"{number}、需会议研究和部门办理的事项")
    if not any(m.cooperatives for m in b.matters):
        doc.paragraph("本期没有交叉核对出的事项。")
    for department in dict.fromkeys(m.department for m in b.matters if m.cooperatives):
        doc.heading(department, 2)
        for matter in (m for m in b.matters if m.department == department and m.cooperatives):
            doc.paragraph(f"{matter.title}（{len(matter.cooperatives)} 家）。依据：{matter.basis}。")
            _names(doc, sorted(((n, t) for n, t, _ in matter.cooperatives), key=lambda p: (_place(b, p[1]), p[0])))


def _sendings(doc: Document, b: Bulletin, number: str) -> None:
    doc.heading(f"{number}、各部门报送情况")
    doc.table(
        ("部门", "数据", "本期来件", "接收行数", "退回行数", "待放行", "数据截至", "备注"),
        (
            (s.department, s.feed, str(s.deliveries), str(s.rows), str(s.quarantined), str(s.held), str(s.newest or "—"),
             "逾期未报" if s.late else "" if s.newest else "尚未报送")
            for s in b.sendings
        ),
        widths=(2.3, 2.2, 1.05, 1.05, 1.05, 0.9, 1.4, 1.05), right=(2, 3, 4, 5), size=8.5,
    )  # fmt: skip


def _names(doc: Document, cooperatives: Sequence[tuple[str, str]]) -> None:
    """Names by town, in one paragraph a town: short enough to read out."""
    by_town: dict[str, list[str]] = {}
    for name, town in cooperatives[:MOST_LISTED]:
        by_town.setdefault(town or "乡镇不详", []).append(name)
    for town, names in by_town.items():
        doc.paragraph(f"{town}：{'、'.join(names)}", indent=False)
    _more(doc, len(cooperatives))


def _more(doc: Document, total: int) -> None:
    if total > MOST_LISTED:
        doc.paragraph(f"（共 {total} 家，以上列前 {MOST_LISTED} 家，全部名单见数据共享枢纽。）", small=True)


def _chart(
    doc: Document,
    rows: list[tuple[str, float]],
    title: str,
    goals: Sequence[float | None] = (),
    colour: str | None = None,
) -> None:
    if not rows:
        return
    chart = bar_chart(rows, title=title, goals=goals, **({"colour": colour} if colour else {}))
    if chart is not None:
        doc.picture(chart, share=0.92, described=title + "：" + "；".join(f"{n} {v:g}" for n, v in rows))
        return
    doc.paragraph(title, indent=False)
    shown = [
        f"{v:g} / {g:g}" if g else f"{v:g}" for (_, v), g in zip(rows, [*goals, *([None] * len(rows))], strict=False)
    ]
    doc.bars([(n, v, s) for (n, v), s in zip(rows, shown, strict=True)], most=max([g for g in goals if g] or [0.0]))
