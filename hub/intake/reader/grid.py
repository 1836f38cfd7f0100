"""A sheet before anything is understood: rows of text, merged ranges, hidden rows. Every parser ends here, every rule
about layout starts here. Also how Excel's numbers become the text a person sees.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

Range = tuple[int, int, int, int]  # first row, first column, last row, last column; rows from 1, columns from 0

MAX_COLUMNS = 16384
MAX_ROWS = 1_048_576


@dataclass(slots=True)
class Grid:
    """A sparse sheet: `rows` maps row number (from 1) to its cells from column 0, trailing empty cells cut off."""

    name: str
    rows: dict[int, list[str]] = field(default_factory=dict)
    merges: list[Range] = field(default_factory=list)
    hidden: bool = False
    hidden_rows: set[int] = field(default_factory=set)
    has_merges: bool = False  # real merged ranges were in the file: an empty cell under a town is "the same"
    height: int = 0  # rows of the table as drawn, empty ones too (HTML, Word)
    context: list[str] = field(default_factory=list)  # what stands round the table outside its rows: titles, dates
    paragraphs: bool = False  # free text, one line a row, rather than a table

    def put(self, row: int, column: int, text: str) -> None:
        cells = self.rows.setdefault(row, [])
        if column >= len(cells):
            cells.extend([""] * (column + 1 - len(cells)))
        cells[column] = text


# --- numbers as shown ------------------------------------------------------------------------------------------------

_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DATE_LETTERS = re.compile(r"[ymdhs年月日]", re.IGNORECASE)
_ZEROS = re.compile(r"^0{2,}$")
_EPOCH_1900 = dt.datetime(1899, 12, 30)  # noqa: DTZ001  Excel knows no time zones
_EPOCH_1904 = dt.datetime(1904, 1, 1)  # noqa: DTZ001
BUILTIN_DATES = {*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)}


def is_date_format(code: str) -> bool:
    """Whether an Excel number format shows a date or a time."""
    bare = _LITERALS.sub("", code.split(";", maxsplit=1)[0])
    return bool(_DATE_LETTERS.search(bare)) and "General" not in bare


def number_text(value: float, number_format: str = "General") -> str:
    """A number as a person sees it: whole numbers without ".0", percentages, leading zeros kept by the format.

    A whole number of more than 15 digits is written 9.33310981792645E+17: Excel no longer knows the rest, and the text
    must say so (see `hub.intake.cells`).
    """
    if number_format.endswith("%") and abs(value) < 1e12:
        decimals = len(number_format.split(".")[1].rstrip("%").rstrip()) if "." in number_format else 0
        return f"{value * 100:.{decimals}f}%"
    if value == int(value) if abs(value) < 1e300 else False:
        whole = int(value)
        if abs(whole) >= 10**15:
            return f"{value:.15g}".upper()
        if _ZEROS.match(number_format) and whole >= 0:
            return str(whole).zfill(len(number_format))
        return str(whole)
    return f"{value:.15g}".upper()


def date_text(value: float, *, base_1904: bool = False) -> str | None:
    """A serial as ISO date, or date and time, or time of day; None when it is no date Excel could show."""
    if not 0 <= value < 2_958_466:
        return None
    if value < 1:
        seconds = round(value * 86400)
        return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    # Excel believes 1900 was a leap year: serials before 1 March 1900 are a day off
    days = value if base_1904 or value >= 61 else value + 1
    moment = (_EPOCH_1904 if base_1904 else _EPOCH_1900) + dt.timedelta(seconds=round(days * 86400))
    if moment.time() == dt.time():
        return moment.date().isoformat()
    return moment.isoformat(sep=" ")


def cell_number(value: float, number_format: str, *, is_date: bool, base_1904: bool = False) -> str:
    """The text of a numeric cell."""
    if is_date and (text := date_text(value, base_1904=base_1904)) is not None:
        return text
    return number_text(value, number_format)
