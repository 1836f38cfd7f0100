"""`coop-hub ids`: the change feed of ids, for departments that stored them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import data_option, deployment_option
from hub.cli.office import opened, print_table, working
from hub.errors import ConfigurationError

if TYPE_CHECKING:
    from hub.master.id_changes import IdChanges

_TEXTS = ("name", "former_name", "reason")  # what people wrote is in them
_SHOWN = 50  # of a kind, on the terminal


class _Night(click.ParamType[date | int]):
    """A night (YYYY-MM-DD) or the number of a published version."""

    name = "YYYY-MM-DD|VERSION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date | int:
        if isinstance(value, date | int):
            return value
        if str(value).isascii() and str(value).isdigit() and len(str(value)) < 10:
            return int(value)
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date()  # noqa: DTZ007 -- a day, not a moment
        except ValueError:
            self.fail(f"{value!r} 不是日期（YYYY-MM-DD），也不是总表版本号。", param, ctx)


@click.command()
@click.option("--since", type=_Night(), required=True, help="自哪一夜（或总表哪一版）之后 after that night or version")
@click.option("--until", type=_Night(), help="到哪一夜（或哪一版）为止，默认最新 until that night or version")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help=".csv 或 .json；不给则显示在屏幕上")
@data_option
@deployment_option
def ids(
    since: date | int, until: date | int | None, out: Path | None, data: Path | None, deployment: Path | None
) -> None:
    """编号变更：新建、合并、拆分、恢复、更名，附理由，供存有合作社编号的部门照着更新。What became of stored ids."""
    from hub.master.id_changes import id_changes

    if out and out.suffix not in (".csv", ".json"):
        raise ConfigurationError(
            f"不认识的文件类型 {out.suffix or '（无后缀）'}。", next_step="--out 用 .csv 或 .json。"
        )
    with working("正在整理编号变更 …"), opened(data, deployment) as (connection, _):
        found = id_changes(connection, since, until=until)
    before = f"第 {found.from_version} 版（{found.from_night:%Y-%m-%d}）" if found.from_night else "最初"
    about = f"{before} → 第 {found.to_version} 版（{found.to_night:%Y-%m-%d}）"
    if out:
        _write(found, out)
        click.echo(f"已写出 {out}：{found.table.num_rows} 项，{about}；下次用 --since {found.to_version} 接着取。")
    else:
        click.echo(about)
        _show(found)


def _write(found: IdChanges, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.part")
    if out.suffix == ".json":
        found.write_json(temporary)
    else:
        _write_csv(found, temporary)
    temporary.replace(out)


def _write_csv(found: IdChanges, path: Path) -> None:
    """As extracts are written for people: with BOM, and no text that a spreadsheet would run."""
    from hub.master.projection import new_duck
    from hub.sharing.flat_files import BOM, neutral

    first, *others = found.table.column_names
    shown = [f'{first} as "{BOM}{first}"', *(f"{neutral(c)} as {c}" if c in _TEXTS else c for c in others)]
    duck = new_duck()
    try:
        duck.execute("set preserve_insertion_order = true")  # what happened first is told first
        duck.register("changes_in", found.table)
        duck.execute(
            f"copy (select {', '.join(shown)} from changes_in) to $file (format csv, header)", {"file": str(path)}
        )
    finally:
        duck.close()


def _show(found: IdChanges) -> None:
    import pyarrow.compute as pc

    from hub.master.id_changes import KINDS

    if not found.table.num_rows:
        click.echo("编号没有变更。No changes.")
    for kind, count in found.counts.items():
        if not count:
            continue
        zh, en, meaning = KINDS[kind]
        rows = found.table.filter(pc.equal(found.table["kind"], kind)).slice(0, _SHOWN).to_pylist()
        print_table(
            f"{zh} {en}：{count}（{meaning}）",
            ("夜", "编号", "另一编号", "合作社", "理由"),
            [(f"{r['night']:%Y-%m-%d}", r["coop_id"], r["other_id"] or "", r["name"] or "", r["reason"]) for r in rows],
            note=f"其余 {count - _SHOWN} 项用 --out 写成文件。" if count > _SHOWN else "",
        )
