"""A small fictional county for tests of sharing: two datasets, five cooperatives, agreements made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from sqlalchemy import Connection, Engine, insert, text

from hub.deployment import Deployment, load_deployment
from hub.feeds import Bilingual, Choice, Kind, Privacy, feed_catalogue
from hub.settings import Settings
from hub.sharing import ExtractSummary, publish
from hub.store.tables.master import master_version
from hub.store.tables.matching import cooperative_id

TODAY = date(2026, 3, 10)


@dataclass(frozen=True)
class FakeField:
    name: str
    title: Bilingual
    kind: Kind
    privacy: Privacy
    source_feed: str | None
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class FakeDataset:
    name: str
    title: Bilingual
    fields: tuple[FakeField, ...]
    feeds: tuple[str, ...] = ()


def _head() -> list[FakeField]:
    return [
        FakeField("coop_id", Bilingual(zh="合作社编号", en="id"), Kind.TEXT, Privacy.PUBLIC, None),
        FakeField("name", Bilingual(zh="合作社名称", en="name"), Kind.COOPERATIVE_NAME, Privacy.PUBLIC, None),
        FakeField("uscc", Bilingual(zh="统一社会信用代码", en="code"), Kind.CODE, Privacy.PUBLIC, None),
        FakeField("town", Bilingual(zh="所在乡镇", en="town"), Kind.TOWN, Privacy.PUBLIC, None),
    ]


def _records(name: str, feed: str) -> FakeDataset:
    own = [
        FakeField(f.name, f.title, f.kind, f.privacy, feed, f.choices)
        for f in feed_catalogue()[feed].fields
        if f.kind is not Kind.SERIAL and f.name not in {"name", "town", "code"}
    ]
    return FakeDataset(name, feed_catalogue()[feed].title, (*_head(), *own), (feed,))


DATASETS = {
    "cooperatives": FakeDataset(
        "cooperatives",
        Bilingual(zh="合作社总表", en="Cooperatives"),
        (
            *_head(),
            FakeField("representative", Bilingual(zh="法定代表人", en="rep"), Kind.PERSON, Privacy.PUBLIC, "registry"),
            FakeField("phone", Bilingual(zh="联系电话", en="phone"), Kind.PHONE, Privacy.PERSONAL, None),
            FakeField("founded_on", Bilingual(zh="成立日期", en="founded"), Kind.DATE, Privacy.PUBLIC, "registry"),
            FakeField("members", Bilingual(zh="成员数", en="members"), Kind.INTEGER, Privacy.PUBLIC, "registry"),
            FakeField("contributions", Bilingual(zh="出资（元）", en="money"), Kind.MONEY, Privacy.PUBLIC, "registry"),
            FakeField("open_affairs", Bilingual(zh="社务公开", en="open"), Kind.BOOLEAN, Privacy.PUBLIC, None),
            FakeField("remark", Bilingual(zh="备注", en="remark"), Kind.TEXT, Privacy.PUBLIC, None),
        ),
    ),
    "abnormal_decisions": _records("abnormal_decisions", "market_abnormal"),
    "tax_registrations": _records("tax_registrations", "tax_registration"),
    "traceability_subjects": _records("traceability_subjects", "traceability_subjects"),
    "forestry": _records("forestry", "forestry"),
    "cleanup_entries": _records("cleanup_entries", "township_cleanup"),
}

_ARROW = {
    Kind.DATE: pa.date32(),
    Kind.YEAR: pa.int64(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.MONEY: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
}
COOPERATIVES = [
    {"coop_id": f"c{i}", "name": f"云岫县{n}专业合作社", "uscc": u, "town": t}
    for i, (n, u, t) in enumerate(
        [
            ("青禾茶叶", "93339127MA2AAAAA1X", "白石镇"),
            ("松风蔬菜", "93339127MA2BBBBB2X", "白石镇"),
            ("月湖水产", "93339127MA2CCCCC3X", "月湖乡"),
            ("云峰药材", "93339127MA2DDDDD4X", "云峰乡"),
            ("金沙瓜果", None, "金沙镇"),
        ],
        1,
    )
]


@dataclass
class FakeSource:
    """Rows by dataset; what a test does not give is empty."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    known: Mapping[str, FakeDataset] = field(default_factory=lambda: dict(DATASETS))
    tables: dict[str, pa.Table] = field(default_factory=dict)

    def datasets(self) -> Mapping[str, FakeDataset]:
        return self.known

    def stream(self, connection: Connection, names: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatchReader]]:
        for name in names:
            yield name, self.read(connection, name).to_reader()

    def read(self, connection: Connection, name: str) -> pa.Table:
        if name in self.tables:
            return self.tables[name]
        schema = pa.schema([(f.name, _ARROW.get(f.kind, pa.string())) for f in self.known[name].fields])
        heads = {c["coop_id"]: c for c in COOPERATIVES}
        filled = [{**heads.get(r.get("coop_id", ""), {}), **r} for r in self.rows.get(name, [])]
        return pa.Table.from_pylist([{f.name: r.get(f.name) for f in schema} for r in filled], schema=schema)


def master_rows() -> list[dict[str, Any]]:
    """The five cooperatives with a little about each."""
    return [
        {
            **c,
            "representative": "张三丰",
            "phone": f"1380000000{i}",
            "founded_on": date(2015, 1, i + 1),
            "members": 10 + i,
            "contributions": 1000.5 * (i + 1),
            "open_affairs": [True, False, None, True, False][i],
            "remark": None,
        }
        for i, c in enumerate(COOPERATIVES)
    ]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource({"cooperatives": master_rows()})


def an_agreement(**changes: Any) -> dict[str, Any]:
    """An agreement as its file has it, approved and in force on TODAY."""
    base: dict[str, Any] = {
        "id": "master_to_tax",
        "title": "合作社总表（税务局）",
        "providers": ["agriculture"],
        "recipient": "tax",
        "dataset": "cooperatives",
        "fields": [
            "coop_id",
            "name",
            "uscc",
            "town",
            "founded_on",
            "members",
            "contributions",
            "open_affairs",
            "remark",
        ],
        "purpose": "核对税务登记",
        "legal_basis": "政务数据共享条例",
        "share_type": "unconditional",
        "term": {"start": "2026-01-01", "until": "2026-12-31"},
        "update_cycle": "每日",
        "approved_by": "领导小组办公室",
        "approved_on": "2026-01-01",
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not None}


@dataclass
class County:
    """A county under test: its folder can be written to, its nights can be published."""

    folder: Path
    engine: Engine
    settings: Settings
    source: FakeSource

    @property
    def deployment(self) -> Deployment:
        return load_deployment(self.folder)

    def agree(self, *agreements: dict[str, Any]) -> None:
        """Replaces the county's agreements."""
        (self.folder / "agreements").mkdir(exist_ok=True)
        path = self.folder / "agreements" / "all.yaml"
        path.write_text(yaml.safe_dump({"agreements": list(agreements)}, allow_unicode=True), encoding="utf-8")

    def new_master(self, day: date = TODAY) -> int:
        """A new master version, as a night makes one."""
        with self.engine.begin() as connection:
            version = connection.scalar(
                insert(master_version).values(business_date=day, digest="x").returning(master_version.c.version)
            )
        return int(version or 0)

    def publish(self, today: date | None = None) -> list[ExtractSummary]:
        return publish(self.engine, self.deployment, self.settings, None, source=self.source, today=today)

    def night(self, day: date = TODAY) -> list[ExtractSummary]:
        self.new_master(day)
        return self.publish()

    def replace(self, **changes: Any) -> County:
        return replace(self, **changes)


@pytest.fixture
def county(tmp_path: Path, engine: Engine, settings: Settings, source: FakeSource) -> County:
    folder = tmp_path / "county"
    folder.mkdir()
    demo = Path(__file__).resolve().parents[2] / "deployments" / "demo" / "county.yaml"
    (folder / "county.yaml").write_text(demo.read_text(encoding="utf-8"), encoding="utf-8")
    with engine.begin() as connection:
        connection.execute(insert(cooperative_id), [{"coop_id": c["coop_id"]} for c in COOPERATIVES])
    return County(folder, engine, settings, source)


@pytest.fixture
def sql(engine: Engine) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs a query and gives its rows as tuples."""

    def run(query: str, **values: Any) -> list[tuple[Any, ...]]:
        with engine.connect() as connection:
            return [tuple(r) for r in connection.execute(text(query), values)]

    return run
