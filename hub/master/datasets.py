"""What the master room hands out: named datasets with declared columns. `cooperatives` is the master table; the others are
child records, one row a record, each beginning with the cooperative's coop_id, name, uscc and town.

Reading is in hub.master.reading; what may leave, and to whom, is hub.sharing's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from hub.errors import ConfigurationError
from hub.feeds import Bilingual, Choice, Kind, Privacy, Role, feed_catalogue
from hub.master.fields import ANSWERS, master_field, master_fields

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class DatasetField:
    """A column. `source_feed` is the feed that declares it (for a master field: its declared source; None for ids).
    Arrow types: DATE date32, YEAR and INTEGER int64, NUMBER and MONEY float64, BOOLEAN bool, all else string; a choice holds
    the value of its code list, and `choices` its titles."""

    name: str
    title: Bilingual
    kind: Kind
    privacy: Privacy
    source_feed: str | None
    choices: tuple[Choice, ...] = ()

    @property
    def arrow_type(self) -> pa.DataType:
        import pyarrow as pa

        types = {
            Kind.DATE: pa.date32(),
            Kind.YEAR: pa.int64(),
            Kind.INTEGER: pa.int64(),
            Kind.NUMBER: pa.float64(),
            Kind.MONEY: pa.float64(),
            Kind.BOOLEAN: pa.bool_(),
        }
        return types.get(self.kind, pa.string())


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset. `feeds` are the feeds its records come from; `where` narrows their rows (SQL over the feed's fields)."""

    name: str
    title: Bilingual
    fields: tuple[DatasetField, ...]
    feeds: tuple[str, ...] = ()
    where: str = "true"

    def schema(self) -> pa.Schema:
        """The Arrow schema of `read_dataset`."""
        import pyarrow as pa

        return pa.schema([(f.name, f.arrow_type) for f in self.fields])

    def field(self, name: str) -> DatasetField:
        """One column. Raises ConfigurationError when there is none of that name."""
        for one in self.fields:
            if one.name == name:
                return one
        raise ConfigurationError(
            f"数据集 {self.name} 没有名为 {name} 的列。",
            next_step=f"可用的有：{'、'.join(f.name for f in self.fields)}。",
        )


COOP_ID = DatasetField("coop_id", Bilingual(zh="合作社编号", en="Cooperative id"), Kind.TEXT, Privacy.PUBLIC, None)

# dataset -> (title zh, title en, feed, narrowing)
_RECORDS: dict[str, tuple[str, str, str, str]] = {
    "registry": ("登记名录", "Registry", "registry", "true"),
    "abnormal_decisions": ("经营异常名录决定", "Decisions of the abnormal list", "market_abnormal", "true"),
    "inspections": (
        "抽查检查",
        "Spot checks and inspections",
        "market_inspection",
        "verdict is null and product is null",
    ),
    "product_samples": (
        "产品抽检",
        "Product samples",
        "market_inspection",
        "verdict is not null or product is not null",
    ),
    "tax_registrations": ("税务登记", "Tax registrations", "tax_registration", "true"),
    "traceability_subjects": ("追溯平台主体", "Subjects of the traceability platform", "traceability_subjects", "true"),
    "batches": ("生产批次与合格证", "Batches and certificates", "traceability_batches", "true"),
    "demonstration_titles": ("示范社称号与监测", "Demonstration titles and monitoring", "demonstration", "true"),
    "standardisation": ("规范化建设", "Standardisation", "standardisation", "true"),
    "cleanup_entries": ("清理整顿台账", "Clean-up entries", "township_cleanup", "true"),
    "complaints": ("群众举报线索", "Public reports", "complaints", "true"),
    "supply_marketing": ("供销社领办合作社", "Led by supply and marketing", "supply_marketing", "true"),
    "union_memberships": ("参加联合社情况", "Memberships in unions", "union_members", "true"),
    "forestry": ("林业合作社", "Forestry cooperatives", "forestry", "true"),
    "water": ("农民用水合作组织", "Water users' cooperatives", "water", "true"),
    "finance": ("信用与贷款", "Credit grades and loans", "finance", "true"),
    "fiscal_support": ("财政扶持", "Fiscal support", "fiscal_support", "true"),
    "development_reform": ("发改（科技）项目", "Development and reform projects", "development_reform", "true"),
    "support_measures": ("扶持措施", "Support measures", "support_measures", "true"),
}
# the same six things said by three departments, under one head
SUPPORT_FEEDS: dict[str, dict[str, str]] = {
    "fiscal_support": {"measure": "'project'", "content": "project", "amount": "amount", "year": "year", "document_number": "document_number"},
    "development_reform": {"measure": "'project'", "content": "project", "amount": "amount", "year": "year"},
    "support_measures": {"measure": "measure", "content": "content", "amount": "amount", "year": "year(supported_on)",
                         "supported_on": "supported_on", "provided_by": "provided_by"},
}  # fmt: skip


def _own_fields(feed: str) -> list[DatasetField]:
    taken = {"name", "town", "uscc", "coop_id"}
    return [
        DatasetField(f.name, f.title, f.kind, f.privacy, feed, f.choices)
        for f in feed_catalogue()[feed].fields
        if f.kind is not Kind.SERIAL and f.name not in taken and f.role not in (Role.NAME, Role.TOWN)
    ]


def _of_cooperative(*names: str) -> list[DatasetField]:
    return [
        COOP_ID,
        *(
            DatasetField(f.name, f.title, f.kind, f.privacy, f.source_feeds[0] if f.source_feeds else None, f.choices)
            for f in map(master_field, names)
        ),
    ]


def _field(
    name: str, zh: str, en: str, kind: Kind, feed: str | None = None, *, choices: tuple[Choice, ...] = ()
) -> DatasetField:
    return DatasetField(name, Bilingual(zh=zh, en=en), kind, Privacy.PUBLIC, feed, choices)


def _declare() -> dict[str, Dataset]:
    head = _of_cooperative("name", "uscc", "town")
    found = {
        "cooperatives": Dataset(
            "cooperatives",
            Bilingual(zh="合作社总表", en="Cooperatives"),
            tuple(_of_cooperative(*(f.name for f in master_fields()))),
        )
    }
    for name, (zh, en, feed, where) in _RECORDS.items():
        found[name] = Dataset(name, Bilingual(zh=zh, en=en), (*head, *_own_fields(feed)), (feed,), where)
    memberships = found["union_memberships"]
    union = _field("union_coop_id", "联合社编号", "Id of the union", Kind.TEXT)
    found["union_memberships"] = replace(memberships, fields=(*head, union, *memberships.fields[len(head) :]))
    measure = feed_catalogue()["support_measures"].by_name["measure"]
    found["support"] = Dataset(
        "support",
        Bilingual(zh="获扶持情况", en="Support received"),
        (
            *head,
            _field("source", "来源", "Source", Kind.TEXT),
            _field("measure", "扶持类型", "Measure", Kind.CHOICE, "support_measures", choices=measure.choices),
            _field("content", "项目或内容", "Project or content", Kind.TEXT, "fiscal_support"),
            _field("amount", "金额（元）", "Amount (yuan)", Kind.MONEY, "fiscal_support"),
            _field("year", "年度", "Year", Kind.YEAR, "fiscal_support"),
            _field("supported_on", "扶持时间", "Date", Kind.DATE, "support_measures"),
            _field("provided_by", "扶持单位", "Provided by", Kind.TEXT, "support_measures"),
            _field("document_number", "文号", "Document number", Kind.TEXT, "fiscal_support"),
        ),
        tuple(SUPPORT_FEEDS),
    )
    found["clues"] = Dataset(
        "clues",
        Bilingual(zh="线索与交叉核对", en="Clues and cross-checks"),
        (
            *head,
            _field("rule", "规则", "Rule", Kind.TEXT),
            _field("rule_title", "线索", "Clue", Kind.TEXT),
            _field("group", "类别", "Group", Kind.TEXT),
            _field("answer", "结论", "Answer", Kind.CHOICE, None, choices=ANSWERS),
            _field("because", "依据的情形", "Because", Kind.TEXT),
            _field("basis", "政策依据", "Legal or local basis", Kind.TEXT),
        ),
    )
    found["differences"] = Dataset(
        "differences",
        Bilingual(zh="各部门说法不一之处", en="Where sources differ"),
        (
            *head,
            _field("field", "字段", "Field", Kind.TEXT),
            _field("field_title", "字段名称", "Title of the field", Kind.TEXT),
            _field("value", "采用的值", "Value taken", Kind.TEXT),
            _field("source", "采用来源", "Taken from", Kind.TEXT),
            _field("other_value", "另一说法", "Other value", Kind.TEXT),
            _field("other_source", "另一来源", "Said by", Kind.TEXT),
        ),
    )
    return found


@cache
def datasets() -> dict[str, Dataset]:
    """All datasets by name. Built once, when first asked for."""
    return _declare()


DATASETS: dict[str, Dataset] = datasets()


def read_dataset(
    connection: Connection, name: str, *, as_of: date | None = None, known_at: date | int | None = None
) -> pa.Table:
    """A dataset as an Arrow table with `DATASETS[name].schema()`, sorted by coop_id and then by the record's own fields.

    Args:
        connection: on the hub's database.
        name: a name of DATASETS.
        as_of: valid time: what was true on that day; default: on the day of the version read.
        known_at: known time: what the hub had published by the end of that night (or in that version); default: the newest version.

    Raises:
        ConfigurationError: no such dataset, or nothing was published by then.
    """
    return read_datasets(connection, (name,), as_of=as_of, known_at=known_at)[name]


def read_datasets(
    connection: Connection, names: Iterable[str], *, as_of: date | None = None, known_at: date | int | None = None
) -> dict[str, pa.Table]:
    """Several datasets of one moment at once: rows are fetched once, so this is far cheaper than one by one.

    Raises:
        ConfigurationError: as `read_dataset`.
    """
    from hub.master.reading import read

    return read(connection, _wanted(names), as_of=as_of, known_at=known_at)


def stream_datasets(
    connection: Connection, names: Iterable[str], *, as_of: date | None = None, known_at: date | int | None = None
) -> Iterator[tuple[str, pa.RecordBatchReader]]:
    """The same one after another, each in batches, for whoever writes them away: memory holds one batch of the rows handed
    on. A reader is good until the next is asked for.

    Raises:
        ConfigurationError: as `read_dataset`.
    """
    from hub.master.reading import stream

    return stream(connection, _wanted(names), as_of=as_of, known_at=known_at)


def _wanted(names: Iterable[str]) -> list[Dataset]:
    wanted = list(dict.fromkeys(names))
    if unknown := [n for n in wanted if n not in DATASETS]:
        raise ConfigurationError(
            f"没有名为 {'、'.join(unknown)} 的数据集。", next_step=f"可用的有：{'、'.join(DATASETS)}。"
        )
    return [DATASETS[n] for n in wanted]
