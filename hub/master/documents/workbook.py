"""A dataset as a workbook for the office's own use: Chinese heads, code lists in words, codes as text, dates as dates, and a sheet
that says what each column is and whose word it is. What leaves the office is hub.sharing's business.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.feeds import Kind, feed_catalogue
from hub.master.datasets import Dataset, DatasetField
from hub.master.fields import MasterField, master_fields

if TYPE_CHECKING:
    import pyarrow as pa

_WIDTHS = {
    Kind.COOPERATIVE_NAME: 34, Kind.CODE: 21, Kind.DATE: 12, Kind.YEAR: 9, Kind.INTEGER: 9, Kind.MONEY: 14, Kind.NUMBER: 12, Kind.PHONE: 15,
    Kind.PERSON: 11, Kind.TOWN: 11, Kind.ADDRESS: 38, Kind.BOOLEAN: 9, Kind.CHOICE: 14,
}  # fmt: skip
_MOST_ROWS = 1_048_575  # below the head, as far as a sheet goes
RULES = {
    "ranked": "按来源次序取", "newest": "取最新的", "code": "按来源次序取，校验通过的优先", "full_name": "按来源次序取；手填名单取最常见、最全的写法",
    "derived": "由明细汇总", "answer": "按规则判定（是、否、不详）",
}  # fmt: skip


def write_workbook(dataset: Dataset, table: pa.Table, path: Path, *, about: str = "") -> None:
    """Writes a dataset: one sheet of data (more where a sheet's rows do not suffice), one that explains the columns.

    Args:
        about: of what day and as known when, printed on the sheet of explanations.
    """
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(str(path), options)
    head = book.add_format({"bold": True, "bg_color": "#DDE8F0", "border": 1, "text_wrap": True, "valign": "vcenter"})
    day, money = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "#,##0.00"})
    show = [_shown(f) for f in dataset.fields]
    rows = _rows(table)
    number = 0
    more = True
    while more:
        number += 1
        sheet = book.add_worksheet(f"{dataset.title.zh[:27]}{number if number > 1 else ''}")
        sheet.freeze_panes(1, 2)
        sheet.set_row(0, 32)
        for column, field in enumerate(dataset.fields):
            width = _WIDTHS.get(field.kind, 18) if field.name != "coop_id" else 13
            sheet.set_column(column, column, max(width, min(16, len(field.title.zh) + 4)))
            sheet.write_string(0, column, field.title.zh, head)
        written = 0
        more = False
        for record in rows:
            written += 1
            for column, value in enumerate(record):
                if value is None:
                    continue
                if isinstance(value, dt.date):
                    sheet.write_datetime(written, column, dt.datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
                elif isinstance(value, int | float) and not isinstance(value, bool):
                    sheet.write_number(
                        written, column, value, money if dataset.fields[column].kind is Kind.MONEY else None
                    )
                else:
                    sheet.write_string(written, column, show[column](value))
            if written == _MOST_ROWS:
                more = True
                break
        sheet.autofilter(0, 0, max(written, 1), len(dataset.fields) - 1)
        sheet.set_landscape()
        sheet.repeat_rows(0)
    _explain(book, head, dataset, about)
    book.close()


def _rows(table: pa.Table) -> Any:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from zip(*(c.to_pylist() for c in batch.columns), strict=True)


def _shown(field: DatasetField) -> Callable[[Any], str]:
    words = {c.value: c.title.zh for c in field.choices}

    def show(value: Any) -> str:
        if isinstance(value, bool):
            return "是" if value else "否"
        return words.get(value, str(value))

    return show


def _explain(book: Any, head: Any, dataset: Dataset, about: str) -> None:
    sheet = book.add_worksheet("字段说明")
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for column, (title, width) in enumerate(
        (("列", 24), ("字段名", 26), ("权威来源", 26), ("取值办法", 30), ("说明", 60))
    ):
        sheet.set_column(column, column, width, wrapped)
        sheet.write_string(1, column, title, head)
    sheet.write_string(0, 0, f"{dataset.title.zh}　{about}")
    known: dict[str, MasterField] = {f.name: f for f in master_fields()}
    titles = {f.feed: f.title.zh for f in feed_catalogue().values()}
    for row, field in enumerate(dataset.fields, 2):
        declared = known.get(field.name) if dataset.name == "cooperatives" else None
        of = titles.get(field.source_feed or "", "本枢纽")
        words = "、".join(c.title.zh for c in field.choices[:20])
        note = "；".join(t for t in (declared.note if declared else "", f"取值：{words}" if words else "") if t)
        texts = (field.title.zh, field.name, of, RULES[declared.rule] if declared else "", note)
        for column, text in enumerate(texts):
            sheet.write_string(row, column, text, wrapped)
    sheet.freeze_panes(2, 0)
