"""Passwords, tokens and URLs with passwords: from the environment or a file only its owner can read, never from a
deployment. Every secret `x` of a connector is declared as `x_env` or `x_file`.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from hub.errors import ConfigurationError


def private_file(path: Path, what: str) -> bytes:
    """Content of a file that only its owner may read.

    Raises:
        ConfigurationError: missing, unreadable, or open to others.
    """
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(path.stat().st_mode)
            content = stream.read()
    except OSError as error:
        raise ConfigurationError(
            f"读不到{what}文件“{path.name}”。", next_step="检查 feeds.yaml 里的路径和文件权限。", detail=str(error)
        ) from None
    if mode & 0o077:
        raise ConfigurationError(
            f"{what}文件“{path.name}”的权限过宽（{mode:04o}），别人也能读。", next_step=f"执行 chmod 600 {path}"
        )
    return content


def declared(options: BaseModel, name: str) -> bool:
    """Whether the options say where the secret is."""
    return bool(getattr(options, f"{name}_env") or getattr(options, f"{name}_file"))


def one_place_only(options: BaseModel, *names: str) -> None:
    """For validators: a secret stands in one place.

    Raises:
        ValueError: both the variable and the file are declared.
    """
    for name in names:
        if getattr(options, f"{name}_env") and getattr(options, f"{name}_file"):
            raise ValueError(f"{name}_env 与 {name}_file 只能写一个")


def read_secret(options: BaseModel, name: str, what: str, environment: Mapping[str, str], folder: Path) -> str | None:
    """The secret, or None when none is declared.

    Args:
        options: has `<name>_env` and `<name>_file`.
        what: its Chinese name, for messages.
        folder: where a relative file path starts.

    Raises:
        ConfigurationError: it is declared but not there, empty, or open to others.
    """
    variable: str | None = getattr(options, f"{name}_env")
    if variable:
        value = environment.get(variable, "")
        if not value:
            raise ConfigurationError(
                f"环境变量 {variable} 没有设置，缺少{what}。",
                next_step=f"在运行同步的环境里设置 {variable}（systemd 用 EnvironmentFile），再重试。",
            )
        return value
    given: str | None = getattr(options, f"{name}_file")
    if not given:
        return None
    path = folder / Path(given).expanduser()
    try:
        value = private_file(path, what).decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{what}文件“{path.name}”不是 UTF-8 文本。", next_step="重新写入后重试。") from None
    if not value:
        raise ConfigurationError(f"{what}文件“{path.name}”是空的。", next_step="写入后重试。")
    return value
