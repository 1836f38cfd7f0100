"""Where the tables lie on a sheet: their headers (one to several rows), their data, and an account of every other row.

A sheet is cut into tables; each row of a table is one of data, header, title, total, note, blank. The rules look at
shapes (how many cells, which are numbers, what is merged) first and at words second, so that they also hold for tables
nobody has seen. `model` says what a layout is told in, `cell` what a single cell reads like, `sheet` what rows are asked,
`header` and `header_text` where a header lies and what it says, `body` what the rows below it are, `blanks` the empty
ones, `plain_list` how lists are read; `tables` puts them together.
"""

from hub.intake.reader.layout.model import Account, TableLayout
from hub.intake.reader.layout.tables import find_tables, judge_rows

__all__ = ["Account", "TableLayout", "find_tables", "judge_rows"]
