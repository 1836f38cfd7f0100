"""Options that say which SSH server, how to know it again, and how to log in. No connection here."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from connectors.secrets import declared, one_place_only

Seconds = Annotated[float, Field(gt=0, le=3600)]


class SshServer(BaseModel):
    """Options that say which server, how to know it again, and how to log in."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: Annotated[str, Field(min_length=1)]
    password_env: str | None = None
    password_file: str | None = None
    key_file: str | None = None  # private key, mode 0600
    key_passphrase_env: str | None = None
    key_passphrase_file: str | None = None
    known_hosts: str | None = None  # file in OpenSSH's form
    host_key_sha256: tuple[str, ...] = ()  # "SHA256:…", as ssh-keygen -lf prints it
    host_key_kind: Literal["ed25519", "ecdsa", "rsa"] | None = None  # which key to ask for, when a server has several
    legacy_algorithms: tuple[Literal["ssh-rsa", "diffie-hellman-group14-sha1"], ...] = ()
    connect_seconds: Seconds = 15.0
    banner_seconds: Seconds = 15.0
    auth_seconds: Seconds = 20.0
    channel_seconds: Seconds = 60.0  # silence allowed in the middle of work

    @field_validator("host_key_sha256", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("host_key_sha256")
    @classmethod
    def _looks_like_a_fingerprint(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", one):
                raise ValueError("须是 ssh-keygen -lf 打印的形式：SHA256: 加 43 个字符")
        return tuple(one.rstrip("=") for one in value)


def check_server(server: SshServer) -> None:
    """For validators: what must stand together.

    Raises:
        ValueError: no pinned host key, no way to log in, or a secret in two places.
    """
    if not server.known_hosts and not server.host_key_sha256:
        raise ValueError("须写 known_hosts 或 host_key_sha256：不认识的主机一律拒绝")
    if not server.key_file and not declared(server, "password"):
        raise ValueError("须写 password_env、password_file 或 key_file 之一")
    one_place_only(server, "password", "key_passphrase")
