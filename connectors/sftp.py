"""SFTP connector: files other offices leave on a server. Listing, fetching with resume, archiving there afterwards."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import paramiko
from pydantic import model_validator

from connectors.contract import Connector, Discovered, Fetched, Item, Listing, MovedOnError, PassedOver, State
from connectors.files import FileOptions, Look, Seen, advance_files, archived_name, discovered, list_files
from connectors.landing import Landing, landing
from connectors.names import DONE, shown
from connectors.retry import with_retries
from connectors.sftp_reading import read_blocks
from connectors.sftp_session import Entry, SftpSession, raw
from connectors.ssh_options import SshServer, check_server
from hub.errors import ConfigurationError, HubError

# How much is read twice after a cut, to see that it is still the same file.
_OVERLAP = 32 * 1024


class SftpOptions(SshServer, FileOptions):
    """Options of an SFTP source."""

    path: str = "."
    take: Literal["all", "changed"] = "changed"

    @model_validator(mode="after")
    def _complete(self) -> SftpOptions:
        check_server(self)
        return self


class _Transfer:
    """One file on its way. Continues where it stood after a cut, unless what is there has changed."""

    def __init__(self, session: SftpSession, item: Item, path: str, place: Landing) -> None:
        self.session, self.item, self.path, self.place = session, item, path, place
        self._tail = b""

    def run(self) -> None:
        """Takes the rest of the file.

        Raises:
            MovedOnError: it is gone, or another one by now.
        """
        what = f"文件“{self.item.name}”"
        with self.session.client(what) as client:
            try:
                self._expect_same(client.stat(raw(self.path)))
                with client.open(raw(self.path), "rb") as remote:
                    start = self._agreed_start(client, remote)
                    for block in read_blocks(client, remote, start, self.item.size or 0):
                        self.place.write(block)
                        self._tail = (self._tail + block)[-_OVERLAP:]
                self._expect_same(client.stat(raw(self.path)))
            except FileNotFoundError:
                raise MovedOnError(f"{what}在取之前被移走了。", next_step="等对方重新放入；下次同步会再取。") from None
        if self.place.size != self.item.size:
            raise MovedOnError(f"{what}的大小与列出时不符，没有取。", next_step="等对方写完；下次同步会再取。")

    def _expect_same(self, facts: object) -> None:
        found = (getattr(facts, "st_size", None), getattr(facts, "st_mtime", None))
        if found != (self.item.size, self.item.details["mtime_ns"] // 1_000_000_000):
            raise MovedOnError(
                f"文件“{self.item.name}”在传输中变了，没有取。", next_step="等对方写完；下次同步会再取。"
            )

    def _agreed_start(self, client: paramiko.SFTPClient, remote: paramiko.SFTPFile) -> int:
        """Where to go on: behind what we have, if the last of it reads the same there."""
        have = self.place.size
        if have and b"".join(read_blocks(client, remote, have - len(self._tail), have)) != self._tail:
            self.place.restart()
            self._tail = b""
        return self.place.size


class SftpConnector(Connector):
    kind = "sftp"
    options_model = SftpOptions
    options: SftpOptions

    def __init__(self, options: SftpOptions, **place: Any) -> None:
        super().__init__(options, **place)
        self.options = options
        self.session = SftpSession(options, options.path, self.environment, self.folder)

    def close(self) -> None:
        self.session.close()

    # looking

    def _walk(self, below: str) -> Iterator[Seen | PassedOver]:
        for entry in self.session.entries(below):
            relative = f"{below}/{entry.name}" if below else entry.name
            if "/" in entry.name or "\0" in entry.name or entry.name in {"", ".."}:
                yield PassedOver(shown(entry.name), "服务器给出的文件名里有路径，拒绝读取。", attention=True)
                continue
            facts = entry
            if entry.is_link:
                followed = self._followed(relative)
                if isinstance(followed, PassedOver):
                    yield followed
                    continue
                facts = followed
            if stat.S_ISREG(facts.mode):
                yield Seen(relative, facts.size, facts.mtime * 1_000_000_000)
            elif not stat.S_ISDIR(facts.mode):
                yield PassedOver(shown(relative), "不是普通文件。", attention=True)
            elif self._enters(entry):
                yield from self._walk(relative)

    def _enters(self, entry: Entry) -> bool:
        if not self.options.recursive or entry.is_link:
            return False
        return entry.name != self.options.archive and not entry.name.startswith(".")

    def _followed(self, relative: str) -> Entry | PassedOver:
        try:
            root, target = self.session.real(""), self.session.real(relative)
            if target != root and not target.startswith(root.rstrip("/") + "/"):
                return PassedOver(shown(relative), "是指向目录之外的链接，拒绝读取。", attention=True)
            return self.session.stat(relative, f"“{shown(relative)}”")
        except ConfigurationError:
            return PassedOver(shown(relative), "链接指向的文件不存在或不可读。", attention=True)

    def _see(self) -> Look:
        found = list(self._walk(""))
        return Look(
            tuple(f for f in found if isinstance(f, Seen)), tuple(f for f in found if isinstance(f, PassedOver))
        )

    @property
    def place(self) -> str:
        options = self.options
        port = "" if options.port == 22 else f":{options.port}"
        return f"{options.user}@{options.host}{port} {options.path}".rstrip()

    def _look(self) -> str:
        look = with_retries(self._see, self.options, self.clock)
        return f"已登录 {self.options.host}，主机密钥相符，目录里有 {len(look.files)} 个文件。"

    def discover(self) -> tuple[Discovered, ...]:
        return discovered(with_retries(self._see, self.options, self.clock), self.options)

    def list(self, state: State) -> Listing:
        def see() -> Look:
            return with_retries(self._see, self.options, self.clock)

        return list_files(see, state, self.options, self.clock)

    # fetching

    def fetch(self, item: Item, to: Path) -> Fetched:
        path = self._path(item)
        if path is None:
            raise MovedOnError(f"文件“{item.name}”在取之前被移走了。", next_step="等对方重新放入；下次同步会再取。")
        with landing(to, max_bytes=self.options.max_bytes) as place:
            transfer = _Transfer(self.session, item, self.session.at(path).decode("utf-8", "surrogateescape"), place)
            try:
                with_retries(transfer.run, self.options, self.clock)
            except HubError as error:
                raise error.at(feed=self.feed, file=item.name) from None
        return Fetched(item, to, place.size, place.sha256)

    def _path(self, item: Item) -> str | None:
        """The remote path of a key; an escaped key is looked for among what is there."""
        if not item.key.startswith("%"):
            return item.key
        look = with_retries(self._see, self.options, self.clock)
        return next((s.path for s in look.files if s.key == item.key), None)

    def advance(self, state: State, fetched: Fetched) -> State:
        return advance_files(state, fetched, self.options)

    # after acceptance

    def acknowledge(self, items: Sequence[Item]) -> None:
        if self.options.after == "keep" or not items:
            return
        by_key = {s.key: s for s in with_retries(self._see, self.options, self.clock).files}
        for item in items:
            seen = by_key.get(item.key)
            if seen is not None and [seen.size, seen.mtime_ns] == [item.size, item.details["mtime_ns"]]:
                self._put_away(seen, item)

    def _put_away(self, seen: Seen, item: Item) -> None:
        session, folder = self.session, seen.path[: -len(seen.base)].rstrip("/")
        target, wanted = (self.options.archive, seen.base)
        if self.options.after == "rename":
            target, wanted = folder, seen.base + self.options.rename_suffix
        elif target not in {e.name for e in session.entries("")}:
            with session.client(f"归档目录“{target}”") as client:
                client.mkdir(session.at(target))
        name = archived_name(wanted, item, [e.name for e in session.entries(target)])
        with session.client(f"文件“{item.name}”") as client:
            # Plain rename, which a server refuses when the name is taken: never overwrite an archived file.
            client.rename(session.at(seen.path), session.at(f"{target}/{name}" if target else name))
        if self.options.settle == "done_marker":
            self._remove_markers(seen, folder)

    def _remove_markers(self, seen: Seen, folder: str) -> None:
        markers = {(seen.base + DONE).lower(), (seen.base.rpartition(".")[0] + DONE).lower()}
        for entry in self.session.entries(folder):
            if entry.name.lower() in markers:
                with self.session.client("完成标记") as client:
                    client.remove(self.session.at(f"{folder}/{entry.name}" if folder else entry.name))
