"""The RC4 protection of .xls files, with Excel's built-in password: many offices' files carry it without anybody knowing, because
Excel opens them silently. Not a protection of anything; the demonstration shows that such files are read.

Source: [MS-OFFCRYPTO] 2.3.6 (RC4), [MS-XLS] 2.2.10 (what stays in the clear).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

BUILT_IN = "VelvetSweatshop"
FILEPASS = 0x002F
FILEPASS_LENGTH = 54
_BLOCK = 1024
_CLEAR = {0x0809, FILEPASS}  # BOF and the protection record itself
_BOUND_SHEET = 0x0085  # its first four bytes, the sheet's offset, stay in the clear


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _keystream(key: bytes, length: int) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 255
        state[i], state[j] = state[j], state[i]
    out = bytearray(length)
    i = j = 0
    for n in range(length):
        i = (i + 1) & 255
        j = (j + state[i]) & 255
        state[i], state[j] = state[j], state[i]
        out[n] = state[(state[i] + state[j]) & 255]
    return bytes(out)


def _xor(data: bytes, stream: bytes) -> bytes:
    return (int.from_bytes(data) ^ int.from_bytes(stream[: len(data)])).to_bytes(len(data))


def _block_key(base: bytes, block: int) -> bytes:
    return _md5(base + struct.pack("<I", block))


def _records(stream: bytes) -> Iterator[tuple[int, int, int]]:
    at = 0
    while at < len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, at + 4, length
        at += 4 + length


def protect(stream: bytes, password: str) -> bytes:
    """A Workbook stream with room for FILEPASS (54 zero bytes in such a record) enciphered. The salt comes from the
    content, so equal content gives equal bytes."""
    salt, verifier = _md5(b"salt" + stream), _md5(b"verifier" + stream)
    truncated = _md5(password.encode("utf-16-le"))[:5]
    base = _md5((truncated + salt) * 16)[:5]
    first = _keystream(_block_key(base, 0), 32)
    body = struct.pack("<HHH", 1, 1, 1) + salt + _xor(verifier, first) + _xor(_md5(verifier), first[16:])
    keys = b"".join(_keystream(_block_key(base, n), _BLOCK) for n in range(-(-len(stream) // _BLOCK)))
    out = bytearray(_xor(stream, keys))
    for kind, at, length in _records(stream):
        out[at - 4 : at] = stream[at - 4 : at]
        if kind == FILEPASS:
            out[at : at + length] = body
        elif kind in _CLEAR:
            out[at : at + length] = stream[at : at + length]
        elif kind == _BOUND_SHEET:
            out[at : at + 4] = stream[at : at + 4]
    return bytes(out)
