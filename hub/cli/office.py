"""What the office's commands share: opening the county and its database, and printing tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hub.cli import settings_from
from hub.cli.terminal import plain_console

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.deployment import Deployment


@contextmanager
def opened(data: Path | None, deployment: Path | None) -> Iterator[tuple[Connection, Deployment]]:
    """A read connection and the county."""
    from hub.deployment import load_deployment
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings)
    try:
        with engine.connect() as connection:
            yield connection, county
    finally:
        engine.dispose()


@contextmanager
def working(label: str) -> Iterator[None]:
    """A spinner on stderr while something takes its time; silent when stderr is not a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(label):
        yield


def print_table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), note: str = ""
) -> None:
    """A table on the terminal; plain and wide enough to be piped when there is none."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption=note or None, caption_justify="left")
    for i, name in enumerate(head):
        table.add_column(name, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    plain_console().print(table)
