"""Folder connector: a directory of this machine or a mounted share, also as a drop folder people copy into."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from connectors.contract import Connector, Discovered, Fetched, Item, Listing, MovedOnError, PassedOver, State
from connectors.files import FileOptions, Look, Seen, advance_files, archived_name, discovered, list_files
from connectors.landing import CHUNK, landing, sync_folder
from connectors.names import DONE, key_of, shown
from connectors.retry import with_retries
from hub.errors import ConfigurationError, HubError, TransientError

# Errors that speak of one entry and not of the whole place.
_ONE_ENTRY = {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}


class FolderOptions(FileOptions):
    """A relative path starts at the deployment's folder; without one it is `inbox/<feed>` there."""

    path: str | None = None
    if_missing: Literal["error", "empty"] = "error"  # empty: a folder that is not there means nothing was sent


class FolderConnector(Connector):
    kind = "folder"
    options_model = FolderOptions
    options: FolderOptions

    def __init__(self, options: FolderOptions, **place: Any) -> None:
        super().__init__(options, **place)
        self.options = options
        given = Path(options.path).expanduser() if options.path else Path("inbox") / self.feed
        self.root = given if given.is_absolute() else self.folder / given

    @property
    def place(self) -> str:
        return shown(str(self.root))

    # looking

    def _error(self, error: OSError, what: str) -> HubError:
        detail = errno.errorcode.get(error.errno or 0, type(error).__name__)
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return ConfigurationError(
                f"{what}不存在或不是文件夹：{self.root}",
                next_step=(
                    "检查 feeds.yaml 里的 path；网络共享请检查是否已挂载。"
                    if self.options.path
                    else "新建这个文件夹，或在 feeds.yaml 里写明 path；没有来件属于正常的，写 if_missing: empty。"
                ),
                detail=detail,
            ).at(feed=self.feed)
        if isinstance(error, PermissionError):
            return ConfigurationError(
                f"没有权限读取{what}：{self.root}", next_step="给运行本系统的账号读取和列目录的权限。", detail=detail
            )
        return TransientError(f"读取{what}出错：{self.root}", next_step="检查磁盘或网络共享后重试。", detail=detail)

    def _walk(self, below: str) -> Iterator[Seen | PassedOver]:
        """Regular files below a relative folder. Links are followed only as far as the root reaches."""
        try:
            entries = sorted(os.scandir(self.root / below), key=lambda e: e.name)
        except FileNotFoundError:
            if below:
                return  # a subfolder moved away while we walked
            raise
        for entry in entries:
            relative = f"{below}/{entry.name}" if below else entry.name
            try:
                if entry.is_symlink() and not (self.root / relative).resolve().is_relative_to(self.root.resolve()):
                    yield PassedOver(shown(relative), "是指向文件夹之外的链接，拒绝读取。", attention=True)
                    continue
                facts = entry.stat()
            except FileNotFoundError:
                continue  # gone between the two calls, or a link to nothing
            except (OSError, RuntimeError) as error:  # a loop of links is either, by Python version
                if isinstance(error, OSError) and error.errno not in _ONE_ENTRY:
                    raise
                yield PassedOver(shown(relative), f"读不到文件信息（{type(error).__name__}）。", attention=True)
                continue
            if stat.S_ISREG(facts.st_mode):
                yield Seen(relative, facts.st_size, facts.st_mtime_ns)
            elif not stat.S_ISDIR(facts.st_mode):
                yield PassedOver(shown(relative), "不是普通文件。", attention=True)
            elif self._enters(entry):
                yield from self._walk(relative)

    def _enters(self, entry: os.DirEntry[str]) -> bool:
        if not self.options.recursive or entry.is_symlink():
            return False
        return entry.name != self.options.archive and not entry.name.startswith(".")

    def _see(self) -> Look:
        try:
            found = list(self._walk(""))
        except FileNotFoundError as error:
            if self.options.if_missing == "empty":
                return Look(())
            raise self._error(error, "来件文件夹") from None
        except OSError as error:
            raise self._error(error, "来件文件夹") from None
        return Look(
            tuple(f for f in found if isinstance(f, Seen)), tuple(f for f in found if isinstance(f, PassedOver))
        )

    def _look(self) -> str:
        look = self._see()
        return f"文件夹可读，现有 {len(look.files)} 个文件。"

    def discover(self) -> tuple[Discovered, ...]:
        return discovered(self._see(), self.options)

    def list(self, state: State) -> Listing:
        return with_retries(lambda: list_files(self._see, state, self.options, self.clock), self.options, self.clock)

    # fetching

    def _find(self, item: Item) -> Path | None:
        """The item's path: its key may be an escaped form, so it is looked for, not built."""
        direct = self.root / item.key
        if not item.key.startswith("%") and direct.is_file():
            return direct
        return next((self.root / s.path for s in self._see().files if key_of(s.path) == item.key), None)

    def _copy(self, item: Item, to: Path) -> Fetched:
        path = self._find(item)
        gone = MovedOnError("文件在取之前被移走了。", next_step="等对方重新放入；下次同步会再取。").at(file=item.name)
        if path is None:
            raise gone
        try:
            path = path.resolve(strict=True)
            if not path.is_relative_to(self.root.resolve()):
                raise ConfigurationError(
                    "文件变成了指向文件夹之外的链接，拒绝读取。", next_step="请对方放入文件本身，不要放链接。"
                ).at(file=item.name)
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise gone from None
        except OSError as error:
            raise self._error(error, "来件").at(file=item.name) from None
        with os.fdopen(handle, "rb", buffering=0) as source, landing(to, max_bytes=self.options.max_bytes) as place:
            before = os.fstat(source.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise MovedOnError("文件被换成了别的东西。", next_step="下次同步会再看。").at(file=item.name)
            while True:
                try:
                    block = source.read(CHUNK)
                except OSError as error:
                    raise self._error(error, "来件").at(file=item.name) from None
                if not block:
                    break
                place.write(block)
            after = os.fstat(source.fileno())
            listed = (item.size, item.details.get("mtime_ns"))
            if {(before.st_size, before.st_mtime_ns), (after.st_size, after.st_mtime_ns)} != {listed} or (
                place.size != item.size
            ):
                raise MovedOnError("文件在读取过程中变了，没有取。", next_step="等对方写完；下次同步会再取。").at(
                    file=item.name
                )
        return Fetched(item, to, place.size, place.sha256)

    def fetch(self, item: Item, to: Path) -> Fetched:
        return with_retries(lambda: self._copy(item, to), self.options, self.clock)

    def advance(self, state: State, fetched: Fetched) -> State:
        return advance_files(state, fetched, self.options)

    # after acceptance

    def acknowledge(self, items: Sequence[Item]) -> None:
        if self.options.after == "keep" or not items:
            return
        by_key = {s.key: s for s in self._see().files}
        for item in items:
            seen = by_key.get(item.key)
            if seen is None or [seen.size, seen.mtime_ns] != [item.size, item.details.get("mtime_ns")]:
                continue
            try:
                self._put_away(self.root / seen.path, item)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._error(error, "来件文件夹").at(file=item.name) from None

    def _put_away(self, path: Path, item: Item) -> None:
        for marker in (path.with_name(path.name + DONE), path.with_suffix(DONE)):
            if self.options.settle == "done_marker":
                marker.unlink(missing_ok=True)
        if self.options.after == "rename":
            target_folder, wanted = path.parent, path.name + self.options.rename_suffix
        else:
            target_folder, wanted = self.root / self.options.archive, path.name
            target_folder.mkdir(exist_ok=True)
        occupied = [entry.name for entry in target_folder.iterdir()]
        path.rename(target_folder / archived_name(wanted, item, occupied))
        sync_folder(target_folder)
