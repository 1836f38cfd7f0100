"""Reading whatever an office sends: by its bytes, never by its name; with an account of every row; nothing lost.

`read_file` is the way in. What a cell means is not decided here (`hub.intake.normalise`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.intake.reader.model import Column, Reading, SheetReading, Skipped

if TYPE_CHECKING:
    from hub.intake.reader.read import read_file

__all__ = ["Column", "Reading", "SheetReading", "Skipped", "read_file"]


def __getattr__(name: str) -> Any:
    """`read_file` is imported when asked for: the child process that parses needs none of its imports."""
    if name == "read_file":
        from hub.intake.reader.read import read_file

        return read_file
    raise AttributeError(name)
