"""A small office for tests of the way back: hands files in and takes them through archive, staging and acceptance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from sqlalchemy import Engine, text

from hub.deployment import Deployment, load_deployment
from hub.feeds import Coverage
from hub.identifiers.codes import make_uscc, organisation_check_character
from hub.intake.acceptance import accept_delivery
from hub.intake.archive import store_file
from hub.intake.deliveries import get_delivery, register_delivery
from hub.intake.series import edition_to_replace
from hub.intake.staging import stage_delivery
from hub.settings import Settings

DAY = date(2026, 11, 1)
HEADERS = ("序号", "企业名称", "统一社会信用代码", "法定代表人", "列入原因", "列入日期", "移出日期")
NO_REPORT = "未按规定报送年度报告"


def code(number: int) -> str:
    first = f"{number:08d}"
    return make_uscc("339127", first + organisation_check_character(first))


def abnormal_rows() -> list[list[Any]]:
    """Eight rows: five good ones, one of nobody, one without its date, one that repeats the first."""
    good = [
        [str(i), f"云岫县白石第{i}茶叶专业合作社", code(i), f"王{i}", NO_REPORT, f"2024-07-0{i}", None]
        for i in range(1, 6)
    ]
    nobody = ["6", None, None, '=HYPERLINK("http://example.invalid")', NO_REPORT, "2024-07-06", None]
    undated = ["7", "云岫县龙潭金穗水稻专业合作社", code(7), "李七", NO_REPORT, None, None]
    return [*good, nobody, undated, ["8", *good[0][1:]]]


def write_list(path: Path, rows: list[list[Any]], *, sheet: str = "异常名录") -> Path:
    """A list as an office prints it: a merged title, a line of facts, a header, rows, a footer."""
    workbook = Workbook()
    page = workbook.active
    assert page is not None
    page.title = sheet
    page.append(["云岫县农民专业合作社经营异常名录"])
    page.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(HEADERS))
    page.append(["填报单位：云岫县市场监督管理局", None, None, None, None, "填报日期：2026-10-31"])
    page.append(list(HEADERS))
    for number, row in enumerate(rows, 4):
        for column, value in enumerate(row, 1):
            cell = page.cell(number, column, value)
            if isinstance(value, str):
                cell.data_type = "s"
    page.append(["填表人：", None, None, "审核人："])
    workbook.save(path)
    return path


@dataclass(frozen=True)
class Office:
    engine: Engine
    settings: Settings
    deployment: Deployment

    def hand_in(self, feed: str, path: Path, *, name: str | None = None, day: date = DAY) -> int:
        """Archives, stages and accepts a file; returns the delivery's id."""
        self.settings.data.mkdir(parents=True, exist_ok=True)
        file = store_file(path, self.settings.data)
        with self.engine.begin() as connection:
            delivery_id, new = register_delivery(
                connection,
                feed=feed,
                department=self.deployment.sender_of(feed),
                name=name or path.name,
                file=file,
                coverage=Coverage(self.deployment.coverage_of(feed)),
                business_date=day,
                run_id=None,
            )
        assert new
        with self.engine.connect() as connection:
            one = get_delivery(connection, delivery_id)
            assert one is not None
        staged = stage_delivery(
            one,
            archive_file=self.settings.data / file.path,
            settings=self.settings,
            deployment=self.deployment,
            mapping={},
            before=partial(edition_to_replace, self.engine, one),
            business_date=day,
        )
        accept_delivery(self.engine, staged, run_id=None)
        return delivery_id

    def archive_file(self, delivery_id: int) -> Path:
        with self.engine.connect() as connection:
            query = text("select path from delivery join archived_file using (sha256) where delivery_id = :id")
            return self.settings.data / str(connection.scalar(query, {"id": delivery_id}))

    def delivery(self, delivery_id: int) -> dict[str, Any]:
        with self.engine.connect() as connection:
            row = connection.execute(text("select * from delivery where delivery_id = :id"), {"id": delivery_id})
            return dict(row.mappings().one())

    def rows(self, delivery_id: int) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            query = text('select * from source_row where delivery_id = :id order by sheet, "row", part')
            return [dict(r) for r in connection.execute(query, {"id": delivery_id}).mappings()]

    def set_received(self, delivery_id: int, moment: datetime) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                text("update delivery set received_at = :at where delivery_id = :id"), {"at": moment, "id": delivery_id}
            )


def open_office(engine: Engine, settings: Settings) -> Office:
    return Office(engine, settings, load_deployment(settings.deployment))
