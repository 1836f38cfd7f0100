"""What the layout of a sheet is told in: tables, and the account of every row that is no data. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Account:
    """What one row is; `text` is what to show of it; a run of blank rows ends at `until`."""

    kind: str
    text: str = ""
    until: int | None = None


@dataclass(slots=True)
class TableLayout:
    """One table: header rows, header texts by column (levels from the top), data rows, and all other rows."""

    header_rows: list[int]
    levels: dict[int, tuple[str, ...]]  # column -> header texts
    data: list[int]
    other: dict[int, Account]
    unit: str | None = None
    titles: list[str] = field(default_factory=list)
    page: int = 0  # of pages laid beside each other, from the left
