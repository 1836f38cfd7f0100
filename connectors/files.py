"""What the connectors for files share, wherever the files lie: which names are wanted, when a file is complete, what
was taken before. No access to files here: a connector gives what it saw, this says what it means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from connectors.contract import Clock, Discovered, Fetched, Item, Listing, Options, PassedOver, State, Waiting
from connectors.names import DONE, is_temporary, key_of, matcher, shown

# A marker may be stamped a moment before its file on systems that keep times to two seconds.
_CLOCK_GRAIN_NS = 2_000_000_000


class FileOptions(Options):
    """Options of every connector for files."""

    pattern: str | None = None  # glob for the whole base name, upper and lower case alike; default: every name
    regex: str | None = None  # instead of `pattern`: expression for the whole base name
    recursive: bool = False
    settle: Literal["two_looks", "done_marker", "rename", "none"] = "two_looks"
    settle_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0  # two_looks: time between the looks
    take: Literal["all", "changed"] = "all"  # changed: not again what was accepted with the same size and time
    after: Literal["keep", "archive", "rename"] = "keep"  # what happens at the sender's after acceptance
    archive: str = "已接收"  # after: archive. Folder inside the path
    rename_suffix: str = ".accepted"  # after: rename

    @field_validator("regex")
    @classmethod
    def _expression_compiles(cls, value: str | None) -> str | None:
        matcher(None, value)
        return value

    @field_validator("archive", "rename_suffix")
    @classmethod
    def _one_plain_name(cls, value: str) -> str:
        if not value or "/" in value or "\\" in value or value in {".", ".."}:
            raise ValueError("须是一个不含斜杠的名字")
        return value

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> FileOptions:
        if self.pattern is not None and self.regex is not None:
            raise ValueError("pattern 与 regex 只能写一个")
        return self

    @cached_property
    def wanted(self) -> re.Pattern[str]:
        return matcher(self.pattern, self.regex)


@dataclass(frozen=True, slots=True)
class Seen:
    """A regular file as one look saw it. `path` is relative, with "/", as the file system spells it."""

    path: str
    size: int
    mtime_ns: int

    @property
    def base(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def key(self) -> str:
        return key_of(self.path)

    def item(self) -> Item:
        return Item(
            name=shown(self.path),
            key=self.key,
            size=self.size,
            modified_at=datetime.fromtimestamp(self.mtime_ns / 1e9, UTC),
            details={"mtime_ns": self.mtime_ns},
        )


@dataclass(frozen=True, slots=True)
class Look:
    """All one look at a place saw."""

    files: tuple[Seen, ...]
    passed_over: tuple[PassedOver, ...] = ()


def _sorted_out(look: Look, options: FileOptions) -> tuple[list[Seen], list[PassedOver]]:
    wanted: list[Seen] = []
    passed = list(look.passed_over)
    for seen in look.files:
        name = shown(seen.path)
        if is_temporary(seen.base):
            passed.append(PassedOver(name, "临时文件名，写完改名后才取。"))
        elif seen.base.lower().endswith(DONE):
            continue
        elif options.after == "rename" and seen.base.endswith(options.rename_suffix):
            passed.append(PassedOver(name, "已接收过的文件。"))
        elif not options.wanted.match(shown(seen.base)):
            passed.append(PassedOver(name, "文件名不符合该来源的 pattern/regex。"))
        elif seen.size > options.max_bytes:
            passed.append(PassedOver(name, f"文件 {seen.size // 1048576} MiB，超过 max_mb（{options.max_mb}）。", True))
        else:
            wanted.append(seen)
    return wanted, passed


def _settled_by_looks(
    files: list[Seen], look: Callable[[], Look], state: State, options: FileOptions, clock: Clock
) -> tuple[list[Seen], list[Waiting], dict[str, Any]]:
    """Two looks at least `settle_seconds` apart must agree. The first may be an earlier night's; otherwise we wait
    once, for all files together."""
    earlier: dict[str, Any] = dict(state.get("looks") or {})
    now = clock.now()

    def agrees(seen: Seen, at: datetime) -> bool:
        before = earlier.get(seen.key)
        if not isinstance(before, list) or len(before) != 3 or before[:2] != [seen.size, seen.mtime_ns]:
            return False
        return (at - datetime.fromisoformat(before[2])).total_seconds() >= options.settle_seconds

    first = {s.key: [s.size, s.mtime_ns, now.isoformat()] for s in files}
    if files and not all(agrees(s, now) for s in files):
        clock.sleep(options.settle_seconds)
        fresh = {s.key: s for s in look().files}
        later = clock.now()
        still, waiting = [], []
        for seen in files:
            again = fresh.get(seen.key)
            if again is None:
                continue
            if (again.size, again.mtime_ns) == (seen.size, seen.mtime_ns):
                still.append(seen)
            else:
                first[seen.key] = [again.size, again.mtime_ns, later.isoformat()]
                grown = f"由 {seen.size} 变为 {again.size} 字节" if again.size != seen.size else "修改时间还在变"
                waiting.append(Waiting(shown(seen.path), f"文件还在写入（{grown}），下次再取。"))
        return still, waiting, first
    # Keep the older time stamps: the next look is compared with the first that saw this size.
    return files, [], {s.key: earlier[s.key] for s in files}


def _settled_by_marker(files: list[Seen], look: Look) -> tuple[list[Seen], list[Waiting]]:
    markers = {s.path.lower(): s.mtime_ns for s in look.files if s.base.lower().endswith(DONE)}
    done, waiting = [], []
    for seen in files:
        stem = seen.path[: -len(seen.base)] + seen.base.rpartition(".")[0]
        marker = markers.get(seen.path.lower() + DONE, markers.get(stem.lower() + DONE))
        if marker is None:
            waiting.append(Waiting(shown(seen.path), f"还没有完成标记（{shown(seen.base)}{DONE}）。"))
        elif marker + _CLOCK_GRAIN_NS < seen.mtime_ns:
            waiting.append(Waiting(shown(seen.path), "完成标记早于文件的修改时间，可能正在重传；请重新放完成标记。"))
        else:
            done.append(seen)
    return done, waiting


def list_files(look: Callable[[], Look], state: State, options: FileOptions, clock: Clock) -> Listing:
    """The listing of a place that `look` sees: names sorted out, incomplete files waiting, oldest file first."""
    first = look()
    files, passed = _sorted_out(first, options)
    taken = state.get("taken") or {}
    present = {s.key for s in first.files}
    kept: dict[str, Any] = {"taken": {k: v for k, v in taken.items() if k in present}} if taken else {}
    # what is to be put away after acceptance and still lies there was not: brought again, known by content, put away then
    if options.take == "changed" and options.after == "keep":
        files = [s for s in files if taken.get(s.key) != [s.size, s.mtime_ns]]
    waiting: list[Waiting] = []
    if options.settle == "two_looks":
        files, waiting, looks = _settled_by_looks(files, look, state, options, clock)
        kept["looks"] = looks
    elif options.settle == "done_marker":
        files, waiting = _settled_by_marker(files, first)
    files.sort(key=lambda s: (s.mtime_ns, s.path))
    return Listing(tuple(s.item() for s in files), tuple(waiting), tuple(passed), kept)


def discovered(look: Look, options: FileOptions) -> tuple[Discovered, ...]:
    """Every file of a look, with why it would not be taken."""
    _, passed = _sorted_out(look, options)
    why = {p.name: p.reason for p in passed}
    found = [
        Discovered(shown(s.path), why.get(shown(s.path), "文件"), {"size": s.size, "key": s.key}) for s in look.files
    ]
    return tuple(found + [Discovered(p.name, p.reason) for p in look.passed_over])


def advance_files(state: State, fetched: Fetched, options: FileOptions) -> State:
    """Remembers an accepted file by size and time, where that is asked for."""
    if options.take != "changed":
        return dict(state)
    item = fetched.item
    return {**state, "taken": {**(state.get("taken") or {}), item.key: [item.size, item.details["mtime_ns"]]}}


def archived_name(base: str, item: Item, occupied: Sequence[str]) -> str:
    """Name an accepted file gets in the archive folder: its own, or with its time stamp when that one is taken."""
    if base not in occupied:
        return base
    stem, dot, ending = base.rpartition(".")
    stamp = item.modified_at.strftime("%Y%m%dT%H%M%S") if item.modified_at else "0"
    candidate, n = f"{stem or ending}-{stamp}{dot + ending if stem else ''}", 1
    while candidate in occupied:
        n += 1
        candidate = f"{stem or ending}-{stamp}-{n}{dot + ending if stem else ''}"
    return candidate
