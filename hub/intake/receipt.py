"""The receipt (回执) of a delivery: what was taken and what was not, with control totals and the reasons, for the sender."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from hub.errors import ConfigurationError
from hub.feeds import feed_catalogue

STATES_ZH = {
    "received": "已收到，待处理",
    "staged": "已读取，待采用",
    "held": "待人工确认",
    "accepted": "已采用",
    "rejected": "已退回",
    "failed": "不能使用",
    "unchanged": "与以前的来件相同",
}
_KINDS_ZH = {"header": "表头", "title": "标题", "total": "合计", "note": "说明", "blank": "空行"}
_TOP = 20
_ROWS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason rows were not accepted: how many, and which first (sheet, row)."""

    message: str
    rows: int
    first: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SheetAccount:
    """What the reader made of one table: rows of data, and rows of each other kind."""

    name: str
    data_rows: int
    others: dict[str, int]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A delivery's receipt; plain data."""

    delivery_id: int
    name: str
    feed: str
    title: str
    department: str
    received_at: datetime
    as_of: date
    sha256: str
    sm3: str
    state: str
    state_zh: str
    reason: str | None
    decided_by: str | None
    corrects: int | None
    rows_in: int
    accepted: int
    quarantined: int
    duplicate: int
    out_of_scope: int
    replaced: int  # rows of this delivery that a corrected delivery has replaced since
    sheets: tuple[SheetAccount, ...]
    reasons: tuple[Reason, ...]
    warnings: tuple[tuple[str, int], ...]  # message, rows; 0 rows: about the delivery as a whole
    remarks: tuple[str, ...]  # what the reader says about the file as a whole

    @property
    def balanced(self) -> bool:
        """in = accepted + quarantined + duplicate + out_of_scope"""
        return self.rows_in == self.accepted + self.quarantined + self.duplicate + self.out_of_scope

    @property
    def next_step(self) -> str:
        """What the sender has to do now."""
        if self.state == "failed":
            return "请按上面的原因更正后，重新报送整份文件。"
        if self.state == "rejected":
            return "这份来件没有采用。请与领导小组办公室联系，更正后重新报送。"
        if self.state == "held":
            return "这份来件要由领导小组办公室确认后才采用，请等候联系，或核对后重新报送。"
        if self.quarantined > self.replaced:
            return "请在退回工作簿里把标红的单元格改好，再报送一次。"
        return "不需要做什么。"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: dates as text, the control total checked."""
        plain = asdict(self)
        plain["received_at"], plain["as_of"] = self.received_at.isoformat(), self.as_of.isoformat()
        return plain | {"balanced": self.balanced, "next_step": self.next_step}


def make_receipt(connection: Connection, delivery_id: int, *, department_name: str | None = None) -> Receipt:
    """The receipt of a delivery, whatever its state.

    Args:
        department_name: how the sender is called here; its id is shown otherwise.

    Raises:
        ConfigurationError: there is no such delivery.
    """
    one = connection.execute(
        text("select d.*, a.sm3 from delivery d join archived_file a using (sha256) where delivery_id = :id"),
        {"id": delivery_id},
    ).first()
    if one is None:
        raise ConfigurationError(
            f"没有编号为 {delivery_id} 的来件。", next_step="用 coop-hub deliveries 查看有哪些来件。"
        )
    feed = feed_catalogue().get(one.feed)
    replaced = connection.execute(
        text(
            "select count(*) from source_row where delivery_id = :id and superseded_by is not null "
            "and disposition = 'quarantined'"
        ),
        {"id": delivery_id},
    ).scalar_one()
    return Receipt(
        delivery_id=one.delivery_id,
        name=one.name,
        feed=one.feed,
        title=feed.title.zh if feed else one.feed,
        department=department_name or one.department,
        received_at=one.received_at.astimezone(ZoneInfo("Asia/Shanghai")),
        as_of=one.as_of,
        sha256=one.sha256,
        sm3=one.sm3,
        state=one.state,
        state_zh=STATES_ZH.get(one.state, one.state),
        reason=one.reason,
        decided_by=one.decided_by,
        corrects=one.supersedes,
        rows_in=one.rows_in,
        accepted=one.rows_accepted,
        quarantined=one.rows_quarantined,
        duplicate=one.rows_duplicate,
        out_of_scope=one.rows_out_of_scope,
        replaced=replaced,
        sheets=_sheets(one.account),
        reasons=_reasons(connection, delivery_id),
        warnings=warnings_of(connection, delivery_id),
        remarks=tuple(one.account.get("remarks", ())) if isinstance(one.account, dict) else (),
    )


def _sheets(account: Any) -> tuple[SheetAccount, ...]:
    listed = account.get("sheets", []) if isinstance(account, dict) else account
    found = []
    for sheet in listed:
        others = {"header": len(headers)} if (headers := sheet.get("header_rows")) else {}
        for skipped in sheet.get("skipped", ()):
            rows = (skipped.get("until") or skipped["row"]) - skipped["row"] + 1
            others[skipped["kind"]] = others.get(skipped["kind"], 0) + rows
        found.append(SheetAccount(sheet.get("name") or "", sheet.get("data_rows", 0), others))
    return tuple(found)


def _reasons(connection: Connection, delivery_id: int) -> tuple[Reason, ...]:
    rows = connection.execute(
        text(
            """
            select message, count(*) as rows,
                   (array_agg(sheet order by sheet, "row"))[1:10] as sheets, (array_agg("row" order by sheet, "row"))[1:10] as first
            from (select distinct r.message, s.sheet, s."row", s.part from row_reason r join source_row s using (row_id)
                  where s.delivery_id = :id) told
            group by message order by count(*) desc, message limit :top
            """
        ),
        {"id": delivery_id, "top": _TOP},
    )
    return tuple(Reason(r.message, r.rows, tuple(zip(r.sheets, r.first, strict=True))) for r in rows)


def warnings_of(connection: Connection, delivery_id: int) -> tuple[tuple[str, int], ...]:
    """The warnings of a delivery: message, and of how many rows."""
    rows = connection.execute(
        text(
            "select message, rows_failed from check_result where delivery_id = :id and not passed and severity = 'warning' "
            "order by rows_failed desc, rule limit :top"
        ),
        {"id": delivery_id, "top": _TOP},
    )
    return tuple((r.message, r.rows_failed) for r in rows)


def _place(sheet: str, row: int) -> str:
    return f"“{sheet}”第 {row} 行" if sheet else f"第 {row} 行"


def _places(reason: Reason) -> str:
    return "、".join(_place(*p) for p in reason.first) + ("等" if reason.rows > _ROWS_SHOWN else "")


def _how_many(rows: int) -> str:
    return f"{rows} 行" if rows else "整份"


def _facts(receipt: Receipt) -> list[tuple[str, str]]:
    facts = [
        ("来件", f"{receipt.name}（编号 {receipt.delivery_id}）"),
        ("数据", receipt.title),
        ("报送单位", receipt.department),
        ("收到时间", receipt.received_at.strftime("%Y-%m-%d %H:%M")),
        ("数据截至", receipt.as_of.isoformat()),
        ("状态", receipt.state_zh + (f"（{receipt.decided_by}）" if receipt.decided_by else "")),
    ]
    if receipt.reason:
        facts.append(("原因", receipt.reason))
    if receipt.corrects is not None:
        facts.append(("更正", f"这是来件 {receipt.corrects} 的更正件"))
    return [*facts, ("文件摘要", f"SHA-256 {receipt.sha256}　SM3 {receipt.sm3}")]


def _totals(receipt: Receipt) -> list[tuple[str, int]]:
    return [
        ("收到", receipt.rows_in),
        ("采用", receipt.accepted),
        ("退回", receipt.quarantined),
        ("重复", receipt.duplicate),
        ("不属于农民专业合作社", receipt.out_of_scope),
    ]


def _account_words(sheet: SheetAccount) -> str:
    others = "，".join(f"{_KINDS_ZH.get(k, k)} {n} 行" for k, n in sorted(sheet.others.items()))
    return f"{'“' + sheet.name + '”：' if sheet.name else ''}数据 {sheet.data_rows} 行{'，' + others if others else ''}"


def receipt_as_text(receipt: Receipt) -> str:
    """The receipt as a page of text."""
    lines = ["来件回执", "", *(f"{k}：{v}" for k, v in _facts(receipt)), ""]
    lines.append("行数：" + "　".join(f"{k} {v}" for k, v in _totals(receipt)))
    lines.append("核对：收到 = 采用 + 退回 + 重复 + 不属于，" + ("相符" if receipt.balanced else "不符"))
    lines += [_account_words(s) for s in receipt.sheets]
    lines += [f"提示：{remark}" for remark in receipt.remarks]
    if receipt.reasons:
        lines += ["", "没有采用的原因："]
        lines += [f"  {r.rows} 行　{r.message}（{_places(r)}）" for r in receipt.reasons]
    if receipt.warnings:
        lines += ["", "已采用，但请核对："]
        lines += [f"  {_how_many(rows)}　{message}" for message, rows in receipt.warnings]
    return "\n".join([*lines, "", f"下一步：{receipt.next_step}", ""])


def receipt_as_html(receipt: Receipt) -> str:
    """The receipt as one page without any outside resource."""

    def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
        top = "".join(f"<th>{html.escape(h)}</th>" for h in head)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in r) + "</tr>" for r in rows)
        return f"<table>{'<tr>' + top + '</tr>' if top else ''}{body}</table>"

    parts = [
        "<h1>来件回执</h1>",
        table((), _facts(receipt)),  # type: ignore[arg-type]
        "<h2>行数</h2>",
        table(tuple(k for k, _ in _totals(receipt)), [tuple(str(v) for _, v in _totals(receipt))]),
        "<p>收到 = 采用 + 退回 + 重复 + 不属于：" + ("相符" if receipt.balanced else "<strong>不符</strong>") + "</p>",
        "".join(f"<p>{html.escape(_account_words(s))}</p>" for s in receipt.sheets),
        "".join(f"<p>提示：{html.escape(remark)}</p>" for remark in receipt.remarks),
    ]
    if receipt.reasons:
        parts += [
            "<h2>没有采用的原因</h2>",
            table(("行数", "原因", "所在行"), [(str(r.rows), r.message, _places(r)) for r in receipt.reasons]),
        ]
    if receipt.warnings:
        parts += [
            "<h2>已采用，但请核对</h2>",
            table(("行数", "问题"), [(str(n) if n else "整份", m) for m, n in receipt.warnings]),
        ]
    parts.append(f"<h2>下一步</h2><p>{html.escape(receipt.next_step)}</p>")
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>来件回执</title><style>'
        "body{font-family:'Noto Sans CJK SC','Microsoft YaHei',SimSun,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
        "color:#222}table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #bbb;padding:.3rem .6rem;"
        "text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#eee}</style></head><body>"
        + "".join(parts)
        + "</body></html>\n"
    )


def write_receipt(receipt: Receipt, out: Path) -> None:
    """Writes the receipt as its ending says: .html, .json, anything else as text (UTF-8)."""
    ending = out.suffix.lower()
    if ending == ".json":
        words = json.dumps(receipt.as_dict(), ensure_ascii=False, indent=2) + "\n"
    else:
        words = receipt_as_html(receipt) if ending in (".html", ".htm") else receipt_as_text(receipt)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.part")
    temporary.write_text(words, encoding="utf-8")
    temporary.replace(out)
