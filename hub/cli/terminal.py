"""Terminals for what others wrote: file names, cells and reasons are printed as they are, never read as markup or emoji (else a
cell with [/b] in it ends the command that shows it)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def plain_console(width: int = 160) -> Console:
    """A console that prints texts as they are; `width` characters wide where the output is no terminal."""
    from rich.console import Console

    is_terminal = Console().is_terminal
    return Console(highlight=False, markup=False, emoji=False, width=None if is_terminal else width)
