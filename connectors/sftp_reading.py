"""Reading a remote file with many requests under way, in one thread. The library's own way needs a thread whose errors
end on the operator's screen when the connection breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import paramiko
from paramiko.sftp import CMD_DATA, CMD_READ, int64

# Requests under way at once, and bytes asked for by each: more overflow old servers.
_IN_FLIGHT = 64
_BLOCK = 32 * 1024


class _Answers:
    """Takes the answers the library sorts out by request number."""

    def __init__(self) -> None:
        self.by_number: dict[int, bytes] = {}

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        if kind != CMD_DATA:
            raise paramiko.SFTPError("expected data")
        self.by_number[number] = message.get_binary()


def read_blocks(client: paramiko.SFTPClient, remote: paramiko.SFTPFile, start: int, end: int) -> Iterator[bytes]:
    """The bytes from `start` to `end` of an open remote file, in order.

    Raises:
        EOFError: the file ends before `end`.
        OSError, SSHException: as the library raises them.
    """
    wire: Any = client
    handle: Any = remote.handle
    answers = _Answers()
    under_way: list[tuple[int, int, int]] = []  # (request number, offset, length) in the order of the file
    asked = start

    def ask(offset: int, length: int) -> tuple[int, int, int]:
        return wire._async_request(answers, CMD_READ, handle, int64(offset), length), offset, length

    while asked < end or under_way:
        while asked < end and len(under_way) < _IN_FLIGHT:
            length = min(_BLOCK, end - asked)
            under_way.append(ask(asked, length))
            asked += length
        number, offset, length = under_way[0]
        while number not in answers.by_number:
            wire._read_response()
        block = answers.by_number.pop(number)
        if not block or len(block) > length:
            raise EOFError("short file")
        if len(block) < length:  # a server may give less than was asked for
            under_way[0] = ask(offset + len(block), length - len(block))
        else:
            under_way.pop(0)
        yield block
