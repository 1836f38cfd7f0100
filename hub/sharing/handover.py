"""The ledger's head, handed to another department every day: what it keeps proves later that nobody wrote the ledger anew.

`ledger_handover.yaml` of the county's folder says who keeps it and how it gets there; without the file nothing is handed
over, and the office does it by hand (`coop-hub ledger head`):

    to: market_supervision        # not the office: whoever keeps the ledger cannot vouch for it
    ways: [mail, sftp]            # mail · sftp (its target of deliveries_out.yaml) · folder
    folder: /mnt/exchange/heads   # for the way folder: an absolute path

The keeping department also finds every head handed to it in the portal.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy import Connection, Engine, Row, select

from hub.alerts import fix_alert, raise_alert
from hub.deployment import Deployment, load_yaml_model
from hub.errors import ConfigurationError, HubError, TransientError
from hub.settings import Settings
from hub.sharing import ledger
from hub.sharing.delivery import push_targets
from hub.sharing.ledger import Head
from hub.sharing.notices import notify
from hub.store.tables.sharing import ledger as ledger_table

Way = Literal["mail", "sftp", "folder"]


class Handover(BaseModel):
    """Who keeps the heads, and how they get there."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    to: str
    ways: tuple[Way, ...]
    folder: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Handover:
        if not self.ways:
            raise ValueError("ways 不能为空：mail、sftp、folder 至少一种")
        if ("folder" in self.ways) != (self.folder is not None and self.folder.is_absolute()):
            raise ValueError("用 folder 方式时须写 folder（绝对路径），否则不写")
        return self


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of a day's head: the ways it went, and those that failed with the reason in words."""

    head: Head
    to: str
    done: tuple[str, ...]
    failed: Mapping[str, str]


def handover_rule(deployment: Deployment) -> Handover | None:
    """The county's rule, or None without a file.

    Raises:
        ConfigurationError: the file has faults, or names a department that is not there or is the office itself.
    """
    problems: list[str] = []
    rule = load_yaml_model(deployment.folder / "ledger_handover.yaml", Handover, problems)
    if rule is not None:
        known = deployment.department_by_id.get(rule.to)
        if known is None:
            problems.append(f"ledger_handover.yaml：没有名为 {rule.to} 的部门")
        elif rule.to == deployment.office.id:
            problems.append("ledger_handover.yaml：摘要须交办公室以外的部门保存")
        elif "mail" in rule.ways and not known.mail:
            problems.append(f"ledger_handover.yaml：{known.name}没有登记邮箱（departments.yaml 的 mail）")
    if problems:
        raise ConfigurationError(
            "台账摘要的交存规则有误。", next_step="改正 ledger_handover.yaml 后重试。", problems=tuple(problems)
        )
    return rule


def head_text(deployment: Deployment, head: Head, day: date) -> str:
    """A head as one line of JSON, which `coop-hub ledger check --head` takes."""
    return json.dumps({"county": deployment.county.code, "date": day.isoformat(), "seq": head.seq, "hash": head.hash})


def file_name(deployment: Deployment, head: Head, day: date) -> str:
    return f"台账摘要-{deployment.county.code}-{day:%Y%m%d}-{head.seq}.json"


def heads_handed(connection: Connection, *, department: str | None = None, limit: int = 400) -> list[Row[int, object]]:
    """The ledger's lines about heads handed over, the newest first."""
    query = (
        select(ledger_table.c.seq, ledger_table.c.at, ledger_table.c.department, ledger_table.c.details)
        .where(ledger_table.c.event == "head_exported")
        .order_by(ledger_table.c.seq.desc())
        .limit(limit)
    )
    if department:
        query = query.where(ledger_table.c.department == department)
    return list(connection.execute(query))


def hand_over_head(
    engine: Engine,
    deployment: Deployment,
    settings: Settings,
    *,
    today: date,
    environment: Mapping[str, str] | None = None,
) -> HandedOver | None:
    """Hands the head over by every way it has not gone today; None without a rule. A way that fails is told in an alert and
    tried again by the next run; a rule that is wrong is told, too. Never raises for either: the night goes on."""
    try:
        rule = handover_rule(deployment)
    except ConfigurationError as error:
        _tell(engine, "rule", str(error))
        return None
    if rule is None:
        return None
    with engine.connect() as connection:
        today_done = [
            r.details for r in heads_handed(connection, department=rule.to) if r.details["on"] == today.isoformat()
        ]
        head = Head(int(today_done[0]["seq"]), str(today_done[0]["hash"])) if today_done else ledger.head(connection)
    done, failed = [str(d["way"]) for d in today_done], dict[str, str]()
    for way in rule.ways:
        if way in done or not head.seq:
            continue
        try:
            _hand(engine, deployment, settings, rule, way, head, today, environment)
        except HubError as error:
            failed[way] = error.message
        else:
            done.append(way)
    if failed:
        words = "；".join(f"{way}：{why}" for way, why in failed.items())
        _tell(engine, "ways", f"{today} 的台账摘要没有交到{deployment.department_by_id[rule.to].name}（{words}）。")
    else:
        with engine.begin() as connection:
            for key in ("rule", "ways"):
                fix_alert(connection, "head_not_handed", key)
    return HandedOver(head, rule.to, tuple(done), failed)


def _tell(engine: Engine, key: str, words: str) -> None:
    with engine.begin() as connection:
        raise_alert(connection, "head_not_handed", key, "台账摘要没有交存", words)


def _hand(  # noqa: PLR0917 -- called in one place
    engine: Engine,
    deployment: Deployment,
    settings: Settings,
    rule: Handover,
    way: Way,
    head: Head,
    day: date,
    environment: Mapping[str, str] | None,
) -> None:
    """One way. The ledger's line follows what went out, so that a line means that it is there (a mail: in the outbox)."""
    text, name = head_text(deployment, head, day), file_name(deployment, head, day)
    if way == "folder" and rule.folder is not None:
        _into_folder(rule.folder, name, text)
    elif way == "sftp":
        _by_sftp(deployment, settings, rule.to, (name, text), environment)
    with engine.begin() as connection:
        if way == "mail":
            notify(
                connection,
                deployment,
                rule.to,
                occasion=f"ledger-head:{day.isoformat()}",
                subject=f"[{deployment.county.name}合作社数据共享枢纽] {day} 台账摘要（第 {head.seq} 条）",
                body=f"请保存下面这一行，日后可用它证明共享台账没有被改写：\n\n{text}\n\n不含任何业务数据，无需回复。\n",
            )
        ledger.record(
            connection, "head_exported", rule.to, ledger.HUB, None,
            {"seq": head.seq, "hash": head.hash, "on": day.isoformat(), "way": way},
        )  # fmt: skip


def _into_folder(folder: Path, name: str, text: str) -> None:
    temporary = folder / f".{name}.part"
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name)
    except OSError as error:
        raise TransientError(
            f"写不进目录 {folder}（{type(error).__name__}）。", next_step="检查目录是否挂载、可写；下一夜会再试。"
        ) from None


def _by_sftp(
    deployment: Deployment,
    settings: Settings,
    department: str,
    content: tuple[str, str],
    environment: Mapping[str, str] | None,
) -> None:
    from connectors.sftp_upload import open_uploader

    targets = push_targets(deployment)
    if department not in targets:
        raise ConfigurationError(
            f"没有写明{deployment.department_by_id[department].name}的推送目标。",
            next_step="在 deliveries_out.yaml 里写明，或改用 mail、folder。",
        )
    name, text = content
    scratch = settings.data / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=scratch, prefix="head-", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        with open_uploader(targets[department], folder=deployment.folder, environment=environment) as uploader:
            uploader.upload([(Path(file.name), name)])
