"""The ledger (共享台账): who received what, when, under which agreement, by which way. Append only, a hash chain.

Each line's hash covers the line and the hash before it, so no line can be changed, removed, put in or swapped without
breaking every line after it. Someone who owns the database could write the whole chain anew; against that the head is
exported every day and handed to another department, and `verify` compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, text

from hub.errors import FormatError
from hub.store.tables.sharing import extract, ledger

GENESIS = "0" * 64
HUB = "hub"  # the person of what the hub does by itself

EVENTS: dict[str, str] = {
    "published": "发布",
    "confirmed": "核对无变化",
    "downloaded": "下载",
    "pushing": "开始推送",
    "pushed": "推送送达",
    "push_failed": "推送未成",
    "refused": "拒绝",
    "recalled": "召回",
    "acknowledged": "召回回执",
    "agreement_approved": "协议批准",
    "agreement_revoked": "协议撤销",
    "agreement_expired": "协议到期",
    "correction": "校核纠错",
    "pruned": "到期清理",
    "head_exported": "台账摘要交存",
}

_LOCK = 0x_C00B_0002  # advisory lock: one writer at a time, so that numbers have no gaps and the chain no fork


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger."""

    seq: int
    at: datetime
    event: str
    department: str
    person: str
    extract_id: int | None
    details: Mapping[str, Any]
    previous_hash: str
    hash: str

    def as_json(self) -> dict[str, Any]:
        """The line for an export that can be verified without the database."""
        return {
            "seq": self.seq,
            "at": _stamp(self.at),
            "event": self.event,
            "department": self.department,
            "person": self.person,
            "extract_id": self.extract_id,
            "details": dict(self.details),
            "previous_hash": self.previous_hash,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line's number and hash: what another department keeps."""

    seq: int
    hash: str


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def line_hash(
    *,
    seq: int,
    at: datetime,
    event: str,
    department: str,
    person: str,
    extract_id: int | None,
    details: Mapping[str, Any],
    previous_hash: str,
) -> str:
    """SHA-256 over the line as canonical JSON (sorted keys, no spaces, UTC to the microsecond)."""
    content = [seq, _stamp(at), event, department, person, extract_id, details, previous_hash]
    text_form = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text_form.encode()).hexdigest()


def head(connection: Connection) -> Head:
    """The newest line; number 0 when there is none."""
    row = connection.execute(select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)).first()
    return Head(int(row.seq), str(row.hash)) if row else Head(0, GENESIS)


def record(  # noqa: PLR0917 -- the order every room calls it in
    connection: Connection,
    event: str,
    department: str,
    person: str,
    extract_id: int | None = None,
    details: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> int:
    """Appends a line within the caller's transaction and returns its number. Other writers wait until that ends.

    `event` is one of EVENTS. `details` is JSON: digests, counts, numbers of copies; names of fields, never values.

    Raises:
        ValueError: an event the ledger does not know.
    """
    if event not in EVENTS:
        raise ValueError(f"unknown ledger event {event!r}")
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = head(connection)
    moment = at or datetime.now(UTC)
    # what JSONB gives back is what is hashed: numbers and text only, keys as text
    kept = json.loads(json.dumps(dict(details or {}), ensure_ascii=False, default=str))
    line = {
        "seq": last.seq + 1,
        "at": moment,
        "event": event,
        "department": department,
        "person": person,
        "extract_id": extract_id,
        "details": kept,
        "previous_hash": last.hash,
    }
    digest = line_hash(
        seq=last.seq + 1,
        at=moment,
        event=event,
        department=department,
        person=person,
        extract_id=extract_id,
        details=kept,
        previous_hash=last.hash,
    )
    connection.execute(insert(ledger).values(**line, hash=digest))
    return last.seq + 1


def read_lines(connection: Connection, *, after: int = 0) -> Iterator[Line]:
    """Lines in order, streamed."""
    query = select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq)
    # on the statement: on the connection it would hold for every statement after it, too
    for row in connection.execute(query.execution_options(yield_per=5000)):
        yield Line(**row._mapping)


def parse_line(text_line: str) -> Line:
    """A line of an export.

    Raises:
        FormatError: it is not one.
    """
    try:
        kept = json.loads(text_line)
        written = kept["at"]
        kept["at"] = datetime.fromisoformat(written)
        if kept["at"].tzinfo is None or _stamp(kept["at"]) != written:
            raise ValueError("a moment is written in one way only")  # else a digit in the Z's place would say the same
        return Line(**kept)
    except (ValueError, TypeError, KeyError) as error:
        raise FormatError(
            "这不是导出的台账。", next_step="用 coop-hub ledger export 重新导出后再核验。", detail=type(error).__name__
        ) from None


def read_head(path: Path) -> Head:
    """A head as `coop-hub ledger head --out` wrote it.

    Raises:
        FormatError: it is not one.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Head(int(kept["seq"]), str(kept["hash"]))
    except (ValueError, TypeError, KeyError) as error:
        raise FormatError(
            f"{path.name} 不是交存的台账摘要。",
            next_step="选择 coop-hub ledger head 写出的文件。",
            detail=type(error).__name__,
        ) from None


def chain_problems(lines: Iterable[Line], heads: Sequence[Head] = ()) -> list[str]:
    """What is wrong with a chain of lines, in Chinese; empty when whole. `heads` are exported ones to compare with."""
    problems: list[str] = []
    previous, expected = GENESIS, 1
    wanted = {h.seq: h.hash for h in heads if h.seq}
    for line in lines:
        if line.seq != expected:
            problems.append(f"台账第 {expected} 条缺失或次序不对（遇到第 {line.seq} 条）")
            expected = line.seq
        if line.previous_hash != previous:
            problems.append(f"台账第 {line.seq} 条接不上前一条")
        computed = line_hash(
            seq=line.seq,
            at=line.at,
            event=line.event,
            department=line.department,
            person=line.person,
            extract_id=line.extract_id,
            details=line.details,
            previous_hash=line.previous_hash,
        )
        if computed != line.hash:
            problems.append(f"台账第 {line.seq} 条的内容与摘要不符，被改动过")
        if line.seq in wanted and wanted.pop(line.seq) != line.hash:
            problems.append(f"台账第 {line.seq} 条与交存的摘要不符，整条链可能被重写")
        previous, expected = line.hash, expected + 1
    problems += [f"台账缺少交存过摘要的第 {seq} 条，末尾可能被截去" for seq in sorted(wanted)]
    return problems


def verify(connection: Connection, heads: Sequence[Head] = ()) -> list[str]:
    """Problems of the ledger in the database, in Chinese: breaks of the chain, and extracts it does not know."""
    problems = chain_problems(read_lines(connection), heads)
    published = select(ledger.c.extract_id).where(ledger.c.event == "published", ledger.c.extract_id.is_not(None))
    unknown = connection.scalars(
        select(extract.c.extract_id).where(extract.c.extract_id.not_in(published)).order_by(extract.c.extract_id)
    )
    problems += [f"摘录 {i} 没有发布记录" for i in unknown]
    return problems
