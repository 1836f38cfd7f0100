"""The private key a deployment names, in any form offices have one, as the SSH library wants it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from connectors.secrets import private_file, read_secret
from connectors.ssh_legacy import SSH_RSA, LegacyRSAKey
from connectors.ssh_options import SshServer
from hub.errors import ConfigurationError


def _load(content: bytes, passphrase: bytes | None) -> object:
    """Raises TypeError when a passphrase is missing, ValueError when nothing fits."""
    for loader in (serialization.load_ssh_private_key, serialization.load_pem_private_key):
        try:
            return loader(content, passphrase)
        except TypeError:
            if passphrase is None:
                raise
            return loader(content, None)  # a passphrase is declared that the key does not need
        except (ValueError, UnsupportedAlgorithm):
            continue
    raise ValueError("no form fits")


def private_key(server: SshServer, environment: Mapping[str, str], folder: Path) -> paramiko.PKey | None:
    """The declared private key, or None.

    Raises:
        ConfigurationError: missing, open to others, encrypted without a declared passphrase, or of no known form.
    """
    if not server.key_file:
        return None
    path = folder / Path(server.key_file).expanduser()
    content = private_file(path, "私钥")
    passphrase = read_secret(server, "key_passphrase", "私钥口令", environment, folder)
    try:
        loaded = _load(content, passphrase.encode() if passphrase else None)
    except TypeError:
        raise ConfigurationError(
            f"私钥“{path.name}”有口令，但没有声明口令在哪里。",
            next_step="写 key_passphrase_env 或 key_passphrase_file。",
        ) from None
    except ValueError:
        loaded = None
    # Built from the loaded key: the SSH library's own reader stumbles over ECDSA files that need no padding.
    if isinstance(loaded, rsa.RSAPrivateKey):
        return (LegacyRSAKey if SSH_RSA in server.legacy_algorithms else paramiko.RSAKey)(key=loaded)
    if isinstance(loaded, ec.EllipticCurvePrivateKey):
        return paramiko.ECDSAKey(vals=(loaded, loaded.public_key()))
    if isinstance(loaded, ed25519.Ed25519PrivateKey):
        plain = loaded.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        return paramiko.Ed25519Key.from_private_key(io.StringIO(plain.decode()))
    raise ConfigurationError(
        f"私钥“{path.name}”打不开：口令不对，或不是 OpenSSH/PEM 格式的 ed25519、ecdsa、rsa 私钥。",
        next_step="核对口令；PuTTY 的 .ppk 请先导出为 OpenSSH 格式。",
    )
