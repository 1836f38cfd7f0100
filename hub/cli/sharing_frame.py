"""What the commands about sharing have in common: opening the county, today's date, who acts, printing tables."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from hub.cli import settings_from
from hub.cli.terminal import plain_console

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.deployment import Deployment
    from hub.settings import Settings

person_option = click.option(
    "--person", default=getpass.getuser, show_default="登录名", help="经办人，记入台账 who does it, for the ledger"
)


@dataclass(frozen=True, slots=True)
class Place:
    """An opened county: settings, database, deployment, today in the county."""

    settings: Settings
    engine: Engine
    deployment: Deployment
    today: date

    def called(self, department: str) -> str:
        """A department's name as people say it."""
        known = self.deployment.department_by_id.get(department)
        return known.name if known else department


@contextmanager
def opened(data: Path | None, deployment: Path | None) -> Iterator[Place]:
    """The county with its database, closed at the end."""
    from hub.deployment import load_deployment
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings)
    now = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    try:
        yield Place(settings, engine, county, date.fromisoformat(settings.today) if settings.today else now)
    finally:
        engine.dispose()


def print_table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "没有。None.") -> None:
    """A table for people; a plain sentence when there is nothing."""
    from rich.table import Table

    listed = list(rows)
    if not listed:
        click.echo(empty)
        return
    table = Table(*heads)
    for row in listed:
        table.add_row(*("" if v is None else str(v) for v in row))
    plain_console().print(table)
