"""Old servers, and only where a deployment names the algorithm: SHA-1 signatures of RSA keys (`ssh-rsa`) and the
SHA-1 key exchange `diffie-hellman-group14-sha1`. paramiko 5 knows neither any more (RFC 8332 and RFC 9142 retire
them). The host key stays pinned in any case; what is weaker is the proof that the server holds it.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import paramiko
from cryptography.hazmat.primitives import hashes
from paramiko.kex_group14 import KexGroup14SHA256

SSH_RSA = "ssh-rsa"
GROUP14_SHA1 = "diffie-hellman-group14-sha1"


class LegacyRSAKey(paramiko.RSAKey):
    """An RSA key that also signs and verifies with SHA-1."""

    HASHES: ClassVar = {**paramiko.RSAKey.HASHES, SSH_RSA: hashes.SHA1}  # type: ignore[misc]


class KexGroup14SHA1(KexGroup14SHA256):
    name = GROUP14_SHA1
    hash_algo = hashlib.sha1


class _LegacyTransport(paramiko.Transport):
    """A transport that asks for the retired algorithms last."""

    @property
    def preferred_pubkeys(self) -> Any:
        """SHA-1 first where the server itself can do no better: it signs so, or does not say what it takes."""
        known: tuple[str, ...] = tuple(super().preferred_pubkeys)
        told = self.server_extensions.get("server-sig-algs")  # type: ignore[attr-defined]
        if SSH_RSA not in self._key_info:  # type: ignore[attr-defined]
            return known
        able = told and self.host_key_type != SSH_RSA
        return (*known, SSH_RSA) if able else (SSH_RSA, *known)


def transport_allowing(algorithms: tuple[str, ...]) -> type[paramiko.Transport]:
    """A transport class with just these retired algorithms added."""
    base: Any = paramiko.Transport
    extra: dict[str, Any] = {}
    if SSH_RSA in algorithms:
        extra["_preferred_keys"] = (*base._preferred_keys, SSH_RSA)
        extra["_key_info"] = {**base._key_info, SSH_RSA: LegacyRSAKey}
    if GROUP14_SHA1 in algorithms:
        extra["_preferred_kex"] = (*base._preferred_kex, GROUP14_SHA1)
        extra["_kex_info"] = {**base._kex_info, GROUP14_SHA1: KexGroup14SHA1}
    return type("LegacyTransport", (_LegacyTransport,), extra)
