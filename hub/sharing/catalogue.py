"""The catalogue (政务数据目录): every feed that comes in and every dataset that may go out, with the entries the data
bureau asks for: 分类 名称 代码 提供方 提供方代码 摘要 格式 信息项 共享类型/条件/方式 开放属性 更新周期 发布日期 关联资源代码.

As data for a page (`catalogue_entries`) and as a workbook to hand in (`write_catalogue`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hub.deployment import Deployment
from hub.feeds import Kind, feed_catalogue
from hub.sharing.agreements import SHARE_TITLES, Agreement
from hub.sharing.sources import Dataset

KIND_TITLES = {
    Kind.TEXT: "字符型",
    Kind.COOPERATIVE_NAME: "字符型",
    Kind.CODE: "字符型",
    Kind.SUBJECT_CODE: "字符型",
    Kind.PERSON: "字符型",
    Kind.PHONE: "字符型",
    Kind.ID_CARD: "字符型",
    Kind.ADDRESS: "字符型",
    Kind.TOWN: "字符型",
    Kind.DATE: "日期型",
    Kind.YEAR: "数值型",
    Kind.INTEGER: "数值型",
    Kind.NUMBER: "数值型",
    Kind.MONEY: "货币型",
    Kind.CHOICE: "字符型（代码）",
    Kind.BOOLEAN: "逻辑型",
    Kind.SERIAL: "数值型",
}
OPENNESS = "不开放"  # co-ops' shared records are for departments; publicity goes by an agreement of its own


@dataclass(frozen=True, slots=True)
class Item:
    """One 信息项."""

    name: str
    title: str
    kind: str
    privacy: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of the catalogue. `shared_with` names recipients by the way they are called."""

    category: str
    title: str
    code: str
    provider: str
    provider_code: str
    summary: str
    formats: str
    items: tuple[Item, ...]
    share_type: str
    conditions: str
    ways: str
    openness: str
    update_cycle: str
    published_on: str
    related: str
    shared_with: str


_PRIVACY = {"public": "公开", "personal": "个人信息", "sensitive": "敏感个人信息"}
_WAYS = {"portal": "门户下载", "sftp": "SFTP 推送"}


def resource_code(deployment: Deployment, kind: str, name: str) -> str:
    """The resource's code here: county, kind (in: 来源, out: 共享), name."""
    return f"{deployment.county.code}-{kind}-{name}"


def _provider(deployment: Deployment, ids: Sequence[str]) -> tuple[str, str]:
    known = [deployment.department_by_id[i] for i in dict.fromkeys(ids) if i in deployment.department_by_id]
    return "、".join(d.name for d in known), "、".join(d.code or d.id for d in known)


def _items(fields: Sequence[Any]) -> tuple[Item, ...]:
    return tuple(Item(f.name, f.title.zh, KIND_TITLES[f.kind], _PRIVACY[f.privacy.value]) for f in fields)


def _called(deployment: Deployment, recipient: str) -> str:
    known = deployment.department_by_id.get(recipient)
    return known.name if known else "各乡镇（街道）"


def catalogue_entries(
    deployment: Deployment, datasets: Mapping[str, Dataset], agreements: Mapping[str, Agreement]
) -> list[Entry]:
    """All resources: the feeds this county has switched on, then the datasets, in their order."""
    entries = []
    for declared in deployment.feeds:
        feed = feed_catalogue()[declared.feed]
        provider, code = _provider(deployment, [deployment.sender_of(feed.feed)])
        related = [resource_code(deployment, "out", d.name) for d in datasets.values() if feed.feed in d.feeds]
        entries.append(
            Entry(
                "来源数据",
                feed.title.zh,
                resource_code(deployment, "in", feed.feed),
                provider,
                code,
                feed.summary.zh,
                "电子表格、CSV、数据库、接口",
                _items(feed.fields),
                "汇聚至枢纽",
                feed.legal_basis,
                "由提供部门报送",
                OPENNESS,
                feed.update,
                "",
                "、".join(related),
                deployment.office.name,
            )
        )
    for dataset in datasets.values():
        under = [a for a in agreements.values() if a.dataset == dataset.name]
        provider, code = _provider(
            deployment,
            [deployment.sender_of(f) for f in dataset.feeds if f in deployment.feed_by_name] or [deployment.office.id],
        )
        cycles = list(dict.fromkeys(a.update_cycle for a in under))
        dates = sorted(a.term.start for a in under)
        entries.append(
            Entry(
                "共享数据",
                dataset.title.zh,
                resource_code(deployment, "out", dataset.name),
                provider,
                code,
                f"{dataset.title.zh}，按合作社关联整理",
                "、".join(dict.fromkeys(f for a in under for f in a.formats)) or "—",
                _items(dataset.fields),
                "、".join(dict.fromkeys(SHARE_TITLES[a.share_type] for a in under)) or "未共享",
                "；".join(dict.fromkeys(a.conditions for a in under if a.conditions)),
                "、".join(dict.fromkeys(_WAYS[w] for a in under for w in a.delivery)) or "—",
                OPENNESS,
                "、".join(cycles) or "—",
                dates[0].isoformat() if dates else "",
                "、".join(resource_code(deployment, "in", f) for f in dataset.feeds if f in deployment.feed_by_name),
                "、".join(dict.fromkeys(_called(deployment, a.recipient) for a in under)) or "—",
            )
        )
    return entries


_COLUMNS = (
    ("分类", "category", 10), ("名称", "title", 24), ("代码", "code", 30), ("提供方", "provider", 24), ("提供方代码", "provider_code", 18),
    ("摘要", "summary", 40), ("格式", "formats", 20), ("共享类型", "share_type", 14), ("共享条件或依据", "conditions", 36),
    ("共享方式", "ways", 16), ("开放属性", "openness", 10), ("更新周期", "update_cycle", 12), ("发布日期", "published_on", 12),
    ("关联资源代码", "related", 40), ("接收部门", "shared_with", 50),
)  # fmt: skip


def write_catalogue(entries: Sequence[Entry], deployment: Deployment, path: Path, *, today: date) -> None:
    """The catalogue as a workbook: 目录, and 信息项 with every field of every resource."""
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": f"{deployment.county.name}合作社数据目录", "created": datetime(1980, 1, 1)})  # noqa: DTZ001
    head = book.add_format(
        {"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", "border": 1, "text_wrap": True}
    )
    cell = book.add_format(
        {"text_wrap": True, "valign": "top", "border": 1, "border_color": "#B8C4CE", "num_format": "@"}
    )
    sheet = book.add_worksheet("目录")
    for i, (title, _, width) in enumerate(_COLUMNS):
        sheet.set_column(i, i, width)
        sheet.write_string(0, i, title, head)
    for row, entry in enumerate(entries, 1):
        for i, (_, attribute, _) in enumerate(_COLUMNS):
            sheet.write_string(row, i, str(getattr(entry, attribute)), cell)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, len(entries), len(_COLUMNS) - 1)
    items = book.add_worksheet("信息项")
    heads = (("资源名称", 24), ("资源代码", 30), ("信息项", 24), ("英文名", 24), ("类型", 16), ("个人信息", 14))
    for i, (title, width) in enumerate(heads):
        items.set_column(i, i, width)
        items.write_string(0, i, title, head)
    row = 0
    for entry in entries:
        for item in entry.items:
            row += 1
            for i, value in enumerate((entry.title, entry.code, item.title, item.name, item.kind, item.privacy)):
                items.write_string(row, i, value, cell)
    items.freeze_panes(1, 0)
    items.autofilter(0, 0, row, len(heads) - 1)
    note = book.add_worksheet("说明")
    note.set_column(0, 0, 80)
    for i, text in enumerate(
        (
            f"{deployment.county.name}农民专业合作社数据目录",
            f"导出日期：{today.isoformat()}",
            "格式参照政务数据目录编制要求；本枢纽消费并产生目录资源，不另建交换平台。",
        )
    ):
        note.write_string(i, 0, text)
    book.close()
