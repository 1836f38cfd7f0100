"""A session with an SSH server: pinned host key, one declared way to log in, a time limit on every wait, and errors
named by what to do. What is done over the session (SFTP in, SFTP out) lives elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import paramiko
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    ChannelException,
    IncompatiblePeer,
    NoValidConnectionsError,
    SSHException,
)

from connectors.secrets import read_secret
from connectors.ssh_keys import private_key
from connectors.ssh_legacy import SSH_RSA, transport_allowing
from connectors.ssh_options import SshServer
from hub.errors import AuthenticationError, ConfigurationError, HostKeyError, HubError, TransientError

# Without a handler of its own the library's tracebacks would reach the operator's screen.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_KINDS = {
    "ed25519": ("ssh-ed25519",),
    "ecdsa": ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    "rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


def fingerprint(key: paramiko.PKey) -> str:
    """A public key's fingerprint as OpenSSH prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


class _UnknownHostKey(SSHException):
    def __init__(self, got: paramiko.PKey) -> None:
        super().__init__("host key is not pinned")
        self.got = got


class _PinnedPolicy(paramiko.RejectPolicy):
    """Rejects every key except those whose fingerprint the deployment names."""

    def __init__(self, pins: tuple[str, ...]) -> None:
        self.pins = pins

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # type: ignore[override]  # noqa: ARG002
        if fingerprint(key) not in self.pins:
            raise _UnknownHostKey(key)


def _refused_key(server: SshServer, got: paramiko.PKey) -> HostKeyError:
    return HostKeyError(
        f"主机 {server.host}:{server.port} 的密钥与部署里登记的不符，已立即断开，未发送密码。"
        f"收到的是 {got.get_name()} {fingerprint(got)}。",
        next_step="打电话向对方核实是否更换了服务器或密钥；核实后再改 known_hosts 或 host_key_sha256。核实前不要改。"
        "若对方有多种密钥，可用 host_key_kind 指明登记的是哪一种。",
    )


def explain_ssh(error: Exception, server: SshServer) -> HubError:
    """What an error of the session means to the operator. The library's own text goes to `detail` only."""
    place = f"{server.host}:{server.port}"
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, _UnknownHostKey):
        return _refused_key(server, error.got)
    if isinstance(error, BadHostKeyException):
        return _refused_key(server, error.key)
    if isinstance(error, IncompatiblePeer):
        return ConfigurationError(
            f"与 {place} 谈不拢加密算法：对方是只会旧算法的服务器（常见为只支持 ssh-rsa）。",
            next_step="请对方升级 SSH 服务或增加 ed25519 主机密钥；一时不能升级的，按 docs/connectors.md “只支持 ssh-rsa 的"
            "旧服务器”一节写 legacy_algorithms。",
            detail=detail,
        )
    if isinstance(error, AuthenticationException) and "timeout" not in str(error).lower():
        return AuthenticationError(
            f"{place} 拒绝了账号 {server.user} 的登录。",
            next_step="向对方核实账号、密码或公钥是否有效；改好后再运行。为防账号被锁，系统不会自动重试登录。",
            detail=detail,
        )
    if isinstance(error, socket.gaierror):
        return TransientError(
            f"找不到主机 {server.host}。", next_step="检查 host 拼写和域名解析（政务外网 DNS）。", detail=detail
        )
    if isinstance(error, NoValidConnectionsError | ConnectionRefusedError):
        return TransientError(
            f"连不上 {place}：对方没有开放这个端口。",
            next_step="请对方检查 SFTP 服务和防火墙；稍后会再试。",
            detail=detail,
        )
    if "banner" in str(error).lower():
        return TransientError(
            f"连上了 {place}，但对方没有按 SSH 应答。", next_step="核实端口是否为 SFTP；稍后会再试。", detail=detail
        )
    # The library breaks off a handshake that takes too long without a word, and misses the session later.
    late = ("timeout", "timed out", "no existing session")
    if isinstance(error, TimeoutError) or any(word in detail.lower() for word in late):
        return TransientError(
            f"{place} 在规定时间内没有应答。",
            next_step="检查网络；稍后会再试。经常如此可调大 *_seconds。",
            detail=detail,
        )
    if isinstance(error, ChannelException):
        return ConfigurationError(
            f"{place} 登录后不允许使用 SFTP。", next_step="请对方为该账号开通 SFTP（不只是 SSH）。", detail=detail
        )
    return TransientError(f"与 {place} 的连接中断。", next_step="检查网络；稍后会再试。", detail=detail)


SSH_ERRORS = (SSHException, EOFError, TimeoutError, ConnectionError, socket.gaierror, struct.error)


@contextmanager
def ssh_errors(server: SshServer) -> Iterator[None]:
    """Turns errors of the session into `HubError`s; errors with an errno of files pass through."""
    try:
        yield
    except HubError:
        raise
    except (NoValidConnectionsError, *SSH_ERRORS) as error:
        raise explain_ssh(error, server) from None
    except OSError as error:
        if error.errno is not None and not isinstance(error, socket.herror):
            raise
        raise explain_ssh(error, server) from None


def _transport(server: SshServer, sock: socket.socket, **more: Any) -> paramiko.Transport:
    made = (transport_allowing(server.legacy_algorithms) if server.legacy_algorithms else paramiko.Transport)(
        sock, **more
    )
    made.handshake_timeout = server.banner_seconds
    return made


def connect(server: SshServer, environment: Mapping[str, str], folder: Path) -> paramiko.SSHClient:
    """A logged-in client. Files and secrets are read first, so that nothing is sent when they are missing.

    Raises:
        ConfigurationError, AuthenticationError, HostKeyError, TransientError: as their names say.
    """
    password = read_secret(server, "password", "密码", environment, folder)
    key = private_key(server, environment, folder)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_PinnedPolicy(server.host_key_sha256))
    if server.known_hosts:
        path = folder / Path(server.known_hosts).expanduser()
        try:
            client.load_host_keys(str(path))
        except (OSError, SSHException, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"读不到 known_hosts 文件“{path.name}”。", next_step="检查路径和格式。", detail=str(error)
            ) from None
    unwanted: list[str] = []
    if server.host_key_kind:
        unwanted = [a for kind, names in _KINDS.items() for a in names if kind != server.host_key_kind]
        if server.host_key_kind != "rsa":
            unwanted.append(SSH_RSA)
    try:
        with ssh_errors(server):
            client.connect(
                server.host,
                server.port,
                server.user,
                password=password,
                pkey=key,
                timeout=server.connect_seconds,
                banner_timeout=server.banner_seconds,
                auth_timeout=server.auth_seconds,
                channel_timeout=server.channel_seconds,
                allow_agent=False,
                look_for_keys=False,
                disabled_algorithms={"keys": unwanted} if unwanted else None,
                transport_factory=partial(_transport, server),
            )
    except OSError as error:
        client.close()
        raise TransientError(
            f"连不上 {server.host}:{server.port}。", next_step="检查网络和防火墙；稍后会再试。", detail=str(error)
        ) from None
    except HubError:
        client.close()
        raise
    return client
