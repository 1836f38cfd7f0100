"""Rows in COPY's binary form, made by joining whole columns: nothing is escaped here, and PostgreSQL need not look for the
ends of lines and cells. For large tables whose columns are text, json, int or bigint; everything else goes in as text
(`hub.store.arrow`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

START = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"


def binary_rows(columns: Sequence[pa.Array | str | int]) -> memoryview:
    """Rows without `START` and `END`.

    Args:
        columns: strings for text and json, int32 for int, int64 for bigint; or one value for all rows (an integer is a
            bigint). At least one is an array, all arrays are of one length; at most 2 GiB come out.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not any(len(c) for c in columns if isinstance(c, pa.Array)):
        return memoryview(b"")
    pieces: list[pa.Array | bytes] = []
    _add(pieces, struct.pack(">h", len(columns)))
    for column in columns:
        if isinstance(column, str):
            content = column.encode()
            _add(pieces, struct.pack(">i", len(content)) + content)
        elif isinstance(column, int):
            _add(pieces, struct.pack(">iq", 8, column))
        elif pa.types.is_string(column.type):
            _add_texts(pieces, column)
        else:
            _add_integers(pieces, column)
    whole = pc.binary_join_element_wise(
        *(pa.scalar(p, pa.binary()) if isinstance(p, bytes) else p for p in pieces), b""
    )
    _, offsets, data = whole.buffers()
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[whole.offset] : ends[whole.offset + len(whole)]]


def _add(pieces: list[Any], content: bytes) -> None:
    """What all rows share joins what stands before it."""
    if pieces and isinstance(pieces[-1], bytes):
        pieces[-1] += content
    else:
        pieces.append(content)


def _add_texts(pieces: list[Any], texts: pa.Array) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.binary_length(texts), -1)
    shortest, longest = pc.min_max(lengths).values()
    if shortest == longest:
        _add(pieces, struct.pack(">i", shortest.as_py()))
    else:
        pieces.append(_big_endian(lengths.to_numpy(zero_copy_only=False), ">i4"))
    pieces.append(pc.fill_null(texts, "").cast(pa.binary()) if texts.null_count else texts.cast(pa.binary()))


def _add_integers(pieces: list[Any], numbers: pa.Array) -> None:
    if numbers.null_count:
        raise ValueError("integers without nulls are wanted")
    values = numbers.to_numpy(zero_copy_only=False)
    _add(pieces, struct.pack(">i", values.dtype.itemsize))
    pieces.append(_big_endian(values, f">i{values.dtype.itemsize}"))


def _big_endian(values: Any, form: str) -> pa.Array:
    import pyarrow as pa

    swapped = values.astype(form)
    width = swapped.dtype.itemsize
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(swapped), [None, pa.py_buffer(swapped)])
    return fixed.cast(pa.binary())
