"""Prints a night's report as tables a person understands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.deployment import Deployment
from hub.feeds import feed_catalogue
from hub.master.fields import master_fields
from hub.night.report import NightReport

_LINKS = {
    "identifier": "凭代码 by identifier",
    "name": "凭名称 by name",
    "model": "凭综合证据 by model",
    "decision": "人工认定 by decision",
    "new": "新建 new cooperative",
    "review": "待人工核对 under review",
}
_STEPS = {
    "fetch": "取数 fetch", "stage": "读取与检查 read and check", "accept": "入库 accept", "match": "关联 match",
    "master": "总表 master", "publish": "摘录 extracts", "watch": "巡查 watch",
}  # fmt: skip
_STATES = {
    "done": "完成 done",
    "attention": "完成，有事项待处理 done, needs attention",
    "failed": "失败 failed",
    "running": "未完成 not finished",
}


def print_report(report: NightReport, deployment: Deployment, *, console: Console | None = None) -> None:
    """The whole report: feeds, reasons, links, what changed, extracts, steps, where to look."""
    out = console or Console(highlight=False, width=None if Console().is_terminal else 132)
    out.print()
    out.print(
        f"[bold]{deployment.county.name} · 第 {report.number} 夜 night {report.number} · {report.business_date}[/bold]"
        f"  —  {_STATES.get(report.state, report.state)}"
    )
    _print_feeds(out, report)
    _print_trouble(out, report)
    _print_links(out, report)
    _print_changes(out, report)
    _print_extracts(out, report, deployment)
    _print_steps(out, report)
    if report.open_alerts:
        out.print(f"\n[bold yellow]待处理告警 open alerts（{len(report.open_alerts)}）[/]")
        for subject in report.open_alerts[:12]:
            out.print(f"  · {escape(subject)}")


def _table(title: str, *columns: tuple[str, str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", pad_edge=False)
    for name, justify in columns:
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return table


def _print_feeds(out: Console, report: NightReport) -> None:
    fetched: dict[str, Any] = report.summary.get("fetch", {})
    by_feed = {f["feed"]: f for f in report.feeds}
    number = "right"
    table = _table(
        "\n来件 What came in", ("数据", ""), ("新文件\nnew", number), ("未变\nsame", number), ("行\nrows in", number),
        ("接收\naccepted", number), ("退回\nquarantined", number), ("重复\nduplicate", number), ("范围外\nout of scope", number),
        ("主要退回原因 top reasons", ""),
    )  # fmt: skip
    totals = [0] * 7
    for feed in sorted({*by_feed, *fetched}):
        one, got = by_feed.get(feed), fetched.get(feed, {})
        if not one and not got.get("new") and not got.get("unchanged") and not got.get("problem"):
            continue
        figures = [
            len(got.get("new", [])), len(got.get("unchanged", [])),
            *(int(one[k]) if one else 0 for k in ("rows_in", "accepted", "quarantined", "duplicate", "out_of_scope")),
        ]  # fmt: skip
        totals = [a + b for a, b in zip(totals, figures, strict=True)]
        reasons = "；".join(f"{m}（{n} 行）" for m, n in report.reasons.get(feed, []))
        said = escape(got.get("problem") or reasons)
        table.add_row(feed_catalogue()[feed].title.zh, *(str(f) for f in figures), said)
    table.add_section()
    table.add_row("合计 total", *(str(t) for t in totals), "")
    out.print(table)


def _print_trouble(out: Console, report: NightReport) -> None:
    for one in report.trouble:
        words = {"held": "待人工确认 held", "failed": "无法使用 refused"}
        word = words.get(one["state"], "程序没能处理，下一夜再读 stumbled, read again next night")
        out.print(
            f"  [yellow]{word}[/]：{feed_catalogue()[one['feed']].title.zh} · {escape(one['name'])}：{escape(one['reason'])}"
        )
    for path in report.summary.get("returned", []):
        out.print(f"  退回工作簿 to be corrected by its sender：{escape(_near(path))}", soft_wrap=True)  # to be copied
    for name in report.summary.get("unknown_folders", []):
        out.print(f"  [yellow]未知目录 unknown folder[/]：{escape(name)}")


def _print_links(out: Console, report: NightReport) -> None:
    table = _table("\n关联 How rows were linked", ("方式", ""), ("身份画像\nprofiles", "right"), ("行\nrows", "right"))
    for one in report.links:
        table.add_row(_LINKS.get(one["link"], one["link"]), str(one["profiles"]), str(one["rows"]))
    if report.links:
        out.print(table)


def _print_changes(out: Console, report: NightReport) -> None:
    master = report.summary.get("master", {})
    if not master:
        return
    out.print(f"\n[bold]合作社总表 Master table[/]：{master['rows']} 个合作社，版本 version {master['version']}")
    if master["previous"] is None:
        return
    if master["version"] == master["previous"]:
        out.print("  与上次相同，没有变化 nothing changed")
        return
    out.print(f"  新增 new {master['new']} · 变化 changed {master['changed']} · 减少 gone {master['gone']}")
    titles = {f.name: f.title.zh for f in master_fields()}
    fields = sorted(master["fields"].items(), key=lambda f: -f[1])[:8]
    if fields:
        out.print("  变化最多的字段 most changed：" + "、".join(f"{titles.get(n, n)} {c}" for n, c in fields))
    for example in master["examples"][:6]:
        before, after = (
            escape(str(example[k])) if example[k] not in (None, "") else "（空）" for k in ("before", "after")
        )
        out.print(f"  · {escape(example['name'])}：{titles.get(example['field'], example['field'])} {before} → {after}")


def _print_extracts(out: Console, report: NightReport, deployment: Deployment) -> None:
    """One line a department: what it gets, with rows, and the folder. Townships, which all get the same, as one."""
    extracts = report.summary.get("extracts", [])
    if not extracts:
        return
    table = _table(
        "\n数据摘录 What each department gets",
        ("部门", ""),
        ("内容（行数） contents (rows)", ""),
        ("变化\nchanged", "right"),
        ("在哪里 where", ""),
    )
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in extracts:
        township = deployment.department_by_id[one["department"]].kind == "township"
        groups.setdefault("townships" if township else one["department"], []).append(one)
    for key, group in groups.items():
        department = deployment.department_by_id[group[0]["department"]]
        label = (
            f"{len({e['department'] for e in group})} 个乡镇（街道）"
            if key == "townships"
            else department.short or department.name
        )
        totals: dict[str, int] = {}
        for one in group:
            title = re.sub(r"（[^（）]*(?:（[^（）]*）[^（）]*)*）$", "", one["title"])
            totals[title] = totals.get(title, 0) + int(one["rows"])
        changed = sum(bool(e["published"]) for e in group)
        folder = Path(group[0]["files"][0]).parents[1 if key != "townships" else 2] if group[0]["files"] else Path()
        contents = "；".join(f"{t} {n}" for t, n in totals.items())
        table.add_row(
            label, contents, f"{changed}/{len(group)}", _near(str(folder)) + ("/town_*" if key == "townships" else "")
        )
    out.print(table)


def _near(path: str) -> str:
    """A path as seen from here, when that is shorter."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


def _print_steps(out: Console, report: NightReport) -> None:
    line = " · ".join(f"{_STEPS.get(s['step'], s['step'])} {s['seconds']:.1f} s" for s in report.steps)
    out.print(f"\n[bold]用时 Time[/]：{line}")
