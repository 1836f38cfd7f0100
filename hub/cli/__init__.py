"""The command line: `coop-hub`. Each command is a module here that holds one click command of the same name; it is
imported only when asked for, so that `coop-hub inspect` never waits for Dagster.

An expected error (`HubError`) is printed as one Chinese sentence with its next step, and ends with exit code 1.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from hub.errors import HubError
from hub.settings import Settings, load_settings

# command -> (module below hub.cli, one line of help). The module's click command carries the name of the command.
COMMANDS: dict[str, tuple[str, str]] = {
    "sync": ("sync", "夜间同步一次 · one nightly run"),
    "connectors": ("connectors", "连接方式：列出、检查、查看对方有什么 · the ways in and out: list, check, discover"),
    "columns": ("columns", "列名对照：确认一次，以后自动识别 · what a sender's headers mean"),
    "deliver": ("deliver", "人工交件 · hand in files for a feed"),
    "inspect": ("inspect", "看阅读器如何理解文件 · what the reader makes of files"),
    "export": ("export", "导出对照表或总表 · export the crosswalk or the master table"),
    "deliveries": ("deliveries", "来件：列出、放行、退回、回执、退回工作簿 · deliveries and what became of them"),
    "agreements": ("agreements", "共享协议：列出、比较、批准、撤销 · agreements and their approval"),
    "extract": ("extract", "按过去某日提取一份摘录 · one extract as of a past day, as known on a past night"),
    "catalogue": ("catalogue", "数据目录 · the catalogue of feeds and datasets"),
    "corrections": ("corrections", "校核纠错 · disputes of values"),
    "ledger": ("ledger", "共享台账：查看、导出、离线核验 · the ledger"),
    "recall": ("recall", "召回已交付的数据 · calling delivered data back"),
    "match": ("match", "匹配自己的名单，不入库 · a list of one's own, matched and not stored"),
    "dossier": ("dossier", "一社一档：一个合作社的全部情况 · the dossier of one cooperative"),
    "targets": ("targets", "三年行动目标进展 · targets with their deadlines"),
    "changes": ("changes", "自某日以来的变化 · what changed since a day"),
    "meetings": ("meetings", "联席会议：登记召开日期 · the days of joint meetings"),
    "ids": ("ids", "编号变更：新建、合并、拆分、恢复、更名 · what became of stored ids"),
    "bulletin": ("bulletin", "联席会议通报 · the joint meeting's bulletin"),
    "cleanup": ("cleanup", "清理整顿台账 · the clean-up board"),
    "evaluate": ("evaluate", "对照真值衡量关联 · measure the links against a truth file"),
    "model": ("model", "匹配模型：训练、比较、采用 · the matching model"),
    "review": ("review", "待判清单：判断、撤销、导出导入 · the doubtful few: decide, undo, by workbook"),
    "reconcile": ("reconcile", "为本机 OpenRefine 提供匹配接口 · reconciliation service for OpenRefine, loopback only"),
    "verify": ("verify", "核验台账、存档和控制总数 · check ledger, archive and control totals"),
    "demo": ("demo", "演示县：生成数据、演示一夜 · the demo county"),
    "people": ("people", "门户账号：新增、列出、重置、停用 · accounts of the portal"),
    "serve": ("serve", "启动门户和 Dagster · portal and Dagster UI in the foreground"),
}


class _LazyGroup(click.Group):
    """Finds commands in COMMANDS and imports them when needed; help needs no import."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"hub.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        _accept_places(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("命令 Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """合作社数据共享枢纽 · Coop Hub: a county's data about its farmers' cooperatives, shared every night."""


def _accept_places(command: click.Command) -> None:
    """Lets a command, and all below it, take `--data` and `--deployment` even where it has no use for one of them: a script
    that calls several commands gives each the same two options."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _accept_places(inner)
        return
    has = {option for parameter in command.params for option in parameter.opts}
    for option in sorted({"--data", "--deployment"} - has):
        command.params.append(click.Option([option], expose_value=False, hidden=True))


data_option = click.option("--data", type=click.Path(path_type=Path), help="数据目录 data folder (默认 var/)")
deployment_option = click.option(
    "--deployment", type=click.Path(path_type=Path), help="县级部署目录 the county's folder (默认演示县)"
)


def settings_from(data: Path | None, deployment: Path | None = None, **more: Any) -> Settings:
    """Settings of a command: its options over the environment over the defaults."""
    return load_settings(data=data, deployment=deployment, **more)


def main() -> None:
    """Console entry: expected errors become sentences, never tracebacks; Ctrl-C ends quietly."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("已中断。Stopped.", err=True)
        sys.exit(130)
    except HubError as error:
        click.echo(f"错误：{error}", err=True)
        sys.exit(1)
