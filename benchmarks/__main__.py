"""`make bench` runs every benchmark; `make bench BENCH="night --scale 2"` runs one, larger.

Each module of this package with a `run(scale: float)` that returns a list of `Measure` is a benchmark; `scale` multiplies its
usual number of rows.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.frame import Measure


def _names() -> list[str]:
    return sorted(
        m.name
        for m in pkgutil.iter_modules(benchmarks.__path__)
        if m.name not in ("frame", "master_data", "county_world", "county_rows", "__main__")
    )


def _show(console: Console, name: str, measures: list[Measure]) -> None:
    table = Table(title=name, title_justify="left", header_style="bold")
    for column in ("what", "seconds", "rows", "rows/s", "peak MiB", "beside", "ratio", "note"):
        table.add_column(column, justify="left" if column in ("what", "beside", "note") else "right")
    by_name = {m.name: m for m in measures}
    for m in measures:
        other = by_name.get(m.against or "")
        speed = m.rows_per_second
        table.add_row(
            m.name,
            f"{m.seconds:.2f}",
            f"{m.rows:,}" if m.rows else "",
            f"{speed:,.0f}" if speed else "",
            f"{m.peak_mb:,.0f}" if m.peak_mb else "",
            m.against or "",
            f"{m.seconds / other.seconds:.2f} ×" if other else "",
            m.note,
        )
    console.print(table)


def main() -> None:
    """Runs the benchmarks named, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Benchmarks, as ratios side by side in one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(_names())}")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the usual number of rows")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(_names()):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    console = Console(width=None if Console().is_terminal else 150)
    for name in arguments.names or _names():
        _show(console, name, importlib.import_module(f"benchmarks.{name}").run(arguments.scale))


if __name__ == "__main__":
    main()
