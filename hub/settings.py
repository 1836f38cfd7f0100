"""All settings, in one place: environment variables `COOP_HUB_*`, validated, each described.

A county's facts are not settings: they live in a deployment (`hub.deployment`). Secrets come from the environment
or from files only their owner can read, never from a deployment.
"""

from __future__ import annotations

import stat
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """What differs between machines. Field names are the variable names, upper case, behind `COOP_HUB_`."""

    model_config = SettingsConfigDict(env_prefix="COOP_HUB_", extra="ignore", frozen=True)

    data: Annotated[Path, Field(description="Folder of database, archive and extracts")] = Path("var")
    deployment: Annotated[Path, Field(description="Folder of the county's deployment")] = (
        REPOSITORY / "deployments" / "demo"
    )
    database_url: Annotated[
        SecretStr | None,
        Field(description="PostgreSQL server instead of the embedded one: postgresql://user:password@host/db"),
    ] = None
    language: Annotated[
        str, Field(description="First language of screens and prints: zh or en", pattern="^(zh|en)$")
    ] = "zh"
    secret_key_file: Annotated[
        Path | None,
        Field(
            description="File (mode 0600) with the key for sessions and pseudonyms; made in the data folder if unset"
        ),
    ] = None
    portal_host: Annotated[str, Field(description="Address the portal listens on")] = "127.0.0.1"
    portal_port: Annotated[int, Field(description="Port of the portal", ge=0, le=65535)] = 8080
    portal_url: Annotated[str | None, Field(description="Address of the portal as staff see it, for mails")] = None
    portal_secure_cookies: Annotated[bool, Field(description="Send cookies over HTTPS only (behind a TLS proxy)")] = (
        False
    )
    dagster_port: Annotated[int, Field(description="Port of the Dagster UI on loopback", ge=0, le=65535)] = 3000
    dagster_keep_days: Annotated[
        int, Field(description="Days Dagster keeps its finished runs; logs are kept six months at least", ge=183)
    ] = 400
    smtp_host: Annotated[str | None, Field(description="Mail server for alerts; unset: alerts stay in the outbox")] = (
        None
    )
    smtp_port: Annotated[int, Field(description="Port of the mail server", ge=1, le=65535)] = 25
    smtp_user: Annotated[str | None, Field(description="Account at the mail server")] = None
    smtp_password_file: Annotated[
        Path | None, Field(description="File (mode 0600) with the mail account's password")
    ] = None
    smtp_starttls: Annotated[bool, Field(description="Speak STARTTLS to the mail server")] = False
    smtp_from: Annotated[str, Field(description="Sender address of alert mails")] = "coop-hub@localhost"
    reader_memory_mb: Annotated[int, Field(description="Memory a child process may use to read one file", ge=128)] = (
        1536
    )
    reader_seconds: Annotated[int, Field(description="Seconds a child process may take to read one file", ge=5)] = 300
    max_file_mb: Annotated[int, Field(description="Largest delivery taken, in MiB", ge=1)] = 2048
    max_upload_mb: Annotated[int, Field(description="Largest file staff may upload in the portal, in MiB", ge=1)] = 64
    today: Annotated[str | None, Field(description="Pretend this date (YYYY-MM-DD), for demonstrations and tests")] = (
        None
    )

    @field_validator("data", "deployment")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, then `overrides` that are not None.

    Raises:
        ConfigurationError: with every wrong variable by name.
    """
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        problems = tuple(
            f"COOP_HUB_{'_'.join(map(str, e['loc'])).upper()}：{e['msg']}" for e in error.errors(include_input=False)
        )
        raise ConfigurationError(
            "设置有误。", next_step="按 docs/operators-guide.md 的“设置”一节改正这些环境变量。", problems=problems
        ) from None


@lru_cache(maxsize=8)
def read_secret(path: Path) -> str:
    """A secret from a file that only its owner may read.

    Raises:
        ConfigurationError: the file is missing, empty, or readable by others.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"读不到密钥文件 {path.name}。", next_step="检查路径和权限。", detail=str(error)
        ) from None
    if mode & 0o077:
        raise ConfigurationError(f"密钥文件 {path.name} 的权限过宽（{mode:04o}）。", next_step=f"执行 chmod 600 {path}")
    if not text:
        raise ConfigurationError(f"密钥文件 {path.name} 是空的。", next_step="写入密钥后重试。")
    return text
