"""From a declaration in a deployment to a connector: which kinds there are, and all faults of the options at once."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from connectors.contract import Clock, Connector
from hub.errors import ConfigurationError, Where

# kind -> (module, class); imported only when declared, because each brings a library along
KINDS: dict[str, tuple[str, str]] = {
    "folder": ("connectors.folder", "FolderConnector"),
    "sftp": ("connectors.sftp", "SftpConnector"),
    "database": ("connectors.database", "DatabaseConnector"),
    "http": ("connectors.http", "HttpConnector"),
}

_MEANING = {"missing": "必须填写", "extra_forbidden": "没有这个选项"}
# Words a person might put a secret under. Their values must never be written here, and are never repeated.
_SECRETS = {
    "password": "password",
    "passphrase": "key_passphrase",
    "key_passphrase": "key_passphrase",
    "token": "token",
}


def explain(error: ValidationError, model: type[BaseModel]) -> tuple[str, ...]:
    """Each fault as "option：what", in Chinese where the fault is a common one."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        place = ".".join(map(str, fault["loc"])) or "选项"
        said = _MEANING.get(fault["type"], fault["msg"].removeprefix("Value error, "))
        if fault["type"] == "extra_forbidden":
            secret = _SECRETS.get(str(fault["loc"][-1]))
            known = f"（可用：{'、'.join(model.model_fields)}）"
            said = f"机密不能写在部署里，请用 {secret}_env 或 {secret}_file" if secret else said + known
        lines.append(f"{place}：{said}")
    return tuple(lines)


def connector_class(kind: str) -> type[Connector]:
    """The class of a kind.

    Raises:
        ConfigurationError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigurationError(
            f"没有“{kind}”这种连接方式。", next_step=f"把 connector.kind 改为其中之一：{'、'.join(KINDS)}。"
        )
    module, name = KINDS[kind]
    found: type[Connector] = getattr(importlib.import_module(module), name)
    return found


def open_connector(
    kind: str,
    options: Mapping[str, Any] | None = None,
    *,
    feed: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> Connector:
    """A connector as a deployment declares it. Opens no connection yet.

    Args:
        kind: a key of `KINDS`.
        options: the declaration's other entries.
        feed: the feed it serves, for messages and defaults.
        folder: where relative paths in the options start (the deployment's folder).
        environment: where `*_env` options look; the process's own by default.
        clock: for tests.

    Raises:
        ConfigurationError: `problems` lists every fault of the options.
    """
    found = connector_class(kind)
    try:
        checked = found.options_model.model_validate(dict(options or {}))
    except ValidationError as error:
        raise ConfigurationError(
            f"连接方式 {kind} 的选项有误。",
            next_step="按 docs/connectors.md 改正 feeds.yaml 里这些选项。",
            where=Where(feed=feed),
            problems=explain(error, found.options_model),
        ) from None
    return found(
        checked,
        feed=feed,
        folder=folder,
        environment=os.environ if environment is None else environment,
        clock=clock or Clock(),
    )
