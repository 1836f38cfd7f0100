"""The rows of a staged delivery on disk, between reading and acceptance: an Arrow file of the rows, written while they are
checked, and one of the verdicts on them, written afterwards. Both are written and read a piece at a time, so that a million
rows never stand in memory as JSON.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.feeds import Feed, Kind
from hub.intake.json_text import json_objects, md5_of, slices

if TYPE_CHECKING:
    import pyarrow as pa

ROW_COLUMNS = (
    "sheet", "row", "part", "profile_key", "profile_name", "profile_former_name", "profile_codes",
    "profile_representative", "profile_phone", "profile_town", "profile_address", "profile_founded_on",
    "fields", "raw", "content_key", "notes",
)  # fmt: skip
VERDICT_COLUMNS = ("disposition", "reasons")
_SIDE_BY_SIDE = 2


def staged_path(data: Path, delivery_id: int) -> Path:
    return data / "staged" / f"{delivery_id}.arrow"


def verdicts_path(path: Path) -> Path:
    """Where the verdicts on the rows in `path` lie."""
    return path.with_suffix(".verdicts.arrow")


def write_rows(path: Path, rows: pa.Table, feed: Feed) -> None:
    """Writes the rows in the shape of `ROW_COLUMNS`, durably: there is a whole file afterwards, or none.

    Args:
        rows: as `hub.intake.normalise` makes them.
    """

    def finished(piece: tuple[int, int]) -> pa.RecordBatch:
        return _finished(rows.slice(*piece), feed)

    _write(path, ROW_COLUMNS, side_by_side(finished, slices(rows.num_rows)))


def write_verdicts(path: Path, disposition: pa.Array, reasons: pa.Array) -> None:
    """Writes what becomes of the rows in `path`, in the same pieces.

    Args:
        disposition, reasons: one value a row; reasons are JSON lists, null for most rows.
    """
    import pyarrow as pa

    verdicts = pa.record_batch([disposition, reasons], names=list(VERDICT_COLUMNS))
    _write(verdicts_path(path), VERDICT_COLUMNS, (verdicts.slice(*piece) for piece in slices(verdicts.num_rows)))


def _write(path: Path, columns: Sequence[str], batches: Iterable[pa.RecordBatch]) -> None:
    import pyarrow as pa

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
        with pa.ipc.new_file(stream, _schema(columns), options=options) as file:
            for batch in batches:
                file.write_batch(batch)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def _schema(columns: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(n, pa.int32() if n in ("row", "part") else pa.string()) for n in columns])


def _finished(rows: pa.Table, feed: Feed) -> pa.RecordBatch:
    """The feed's columns folded into one JSON object without its nulls, and its digest. What only numbers the rows makes
    no difference to what a row says."""
    import pyarrow as pa

    rows = rows.combine_chunks()
    values = {f.name: _only(rows[f.name]) for f in feed.fields}
    fields = json_objects(values, rows.num_rows)
    serials = [f.name for f in feed.fields if f.kind is Kind.SERIAL]
    said = fields
    if any(values[n].null_count < rows.num_rows for n in serials):
        said = json_objects({n: v for n, v in values.items() if n not in serials}, rows.num_rows)
    made = {"fields": fields, "content_key": md5_of(said)}
    columns = [made[n] if n in made else _only(rows[n]) for n in ROW_COLUMNS]
    return pa.record_batch(columns, names=list(ROW_COLUMNS))


def _only(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def read_batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows a piece at a time with the verdicts on them, only these columns."""
    import pyarrow as pa

    rows = _pieces(path, [c for c in ROW_COLUMNS if c in columns])
    verdicts = _pieces(verdicts_path(path), [c for c in VERDICT_COLUMNS if c in columns])
    for row, verdict in zip(rows, verdicts, strict=True):
        yield pa.record_batch([(row if c in ROW_COLUMNS else verdict)[c] for c in columns], names=list(columns))


def _pieces(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
        included = [file.schema.get_field_index(c) for c in columns]
    options = pa.ipc.IpcReadOptions(included_fields=included, use_threads=False)
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source, options=options) as file:
        for number in range(file.num_record_batches):
            yield file.get_batch(number)


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """All rows, only these columns."""
    import pyarrow as pa

    return pa.Table.from_batches(list(read_batches(path, columns)), _schema(columns))


def forget_rows(path: Path) -> None:
    """Removes what was written of a delivery's rows."""
    for written in (path, verdicts_path(path)):
        written.unlink(missing_ok=True)


def side_by_side(work: Any, pieces: Iterable[Any]) -> Iterator[Any]:
    """Like `map`, two pieces ahead of whoever takes the results: Arrow lets go of the interpreter while it works."""
    from collections import deque

    ahead: deque[Any] = deque()
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as threads:
        for piece in pieces:
            ahead.append(threads.submit(work, piece))
            if len(ahead) > _SIDE_BY_SIDE:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
