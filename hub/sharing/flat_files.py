"""Extracts as Parquet and JSON Lines (machines: every value exact) and as CSV (people: nothing live).

CSV for people is opened by double click, and a spreadsheet then runs what looks like a formula. So in `.csv`, and only
there, a text that starts with `=`, `+`, `-`, `@`, a tab, a line break or one of their full-width forms gets an
apostrophe in front (OWASP's advice), and control characters become spaces. Numbers and dates are never touched.
Whoever needs the exact text takes `.xlsx`, Parquet or JSON Lines.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hub.sharing.columns import ExtractColumn, Form
from hub.sharing.digests import DigestStream
from hub.sharing.sql import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LIVE = r"^[\s\x{FEFF}\x{200B}]*[=+\-@＝＋－＠]|^[\t\r\n]"
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_BLOCK_ROWS = 10_000
BOM = "\ufeff"


def neutral(expression: str) -> str:
    """DuckDB expression of a text that no spreadsheet runs, the same text where there is nothing to run."""
    return (
        f"case when regexp_matches({expression}, '{_LIVE}|{_CONTROL}') then "
        f"case when regexp_matches({expression}, '{_LIVE}') then '''' else '' end "
        f"|| regexp_replace({expression}, '{_CONTROL}', ' ', 'g') else {expression} end"
    )


def write_parquet(duck: DuckDBPyConnection, columns: Sequence[ExtractColumn], source: str, path: Path) -> None:
    """The table `source` as Parquet (zstd), values exact."""
    chosen = ", ".join(name(c.name) for c in columns)
    duck.execute(
        f"copy (select {chosen} from {source}) to {literal(str(path))} (format parquet, compression zstd, row_group_size 122880)"
    )


def _json_lines(duck: DuckDBPyConnection, columns: Sequence[ExtractColumn], source: str) -> Iterator[memoryview]:
    """The rows as JSON, one line each, keys in column order, in blocks of bytes."""
    packed = ", ".join(f"{name(c.name)} := {name(c.name)}" for c in columns)
    yield from text_blocks(duck, f"select to_json(struct_pack({packed}))::varchar || chr(10) from {source}")


def text_blocks(duck: DuckDBPyConnection, query: str) -> Iterator[memoryview]:
    """The bytes of a query's one text column, row after row, in blocks; no row becomes a Python object."""
    import pyarrow as pa

    batches: Any = duck.sql(query).to_arrow_reader(_BLOCK_ROWS)
    for batch in batches:
        column = batch.column(0)
        if column.type != pa.large_string():
            column = column.cast(pa.large_string())
        offsets = memoryview(column.buffers()[1]).cast("q")
        first, last = offsets[column.offset], offsets[column.offset + len(column)]
        yield memoryview(column.buffers()[2] or b"")[first:last]


def digest_rows(
    duck: DuckDBPyConnection, columns: Sequence[ExtractColumn], source: str, path: Path | None = None
) -> DigestStream:
    """SHA-256 and SM3 over the rows as JSON Lines: the digest of the content, whatever file it stands in. Writes the
    JSON Lines to `path` if one is given."""
    stream = DigestStream()
    if path is None:
        for block in _json_lines(duck, columns, source):
            stream.write(block)
        return stream
    with path.open("wb") as file:
        for block in _json_lines(duck, columns, source):
            file.write(block)
            stream.write(block)
    return stream


def write_csv(
    duck: DuckDBPyConnection,
    columns: Sequence[ExtractColumn],
    source: str,
    path: Path,
    *,
    encoding: str = "utf-8",
) -> None:
    """The table `source` for people: titles as header, words for code lists, UTF-8 with BOM or GB18030."""
    titles = [c.title for c in columns]
    direct = encoding == "utf-8" and len(set(titles)) == len(titles)
    names = [BOM + titles[0], *titles[1:]] if direct else [c.name for c in columns]
    shown = [neutral(c.shown()) if c.shown_form is Form.TEXT else c.shown() for c in columns]
    chosen = ", ".join(f"{v} as {name(n)}" for v, n in zip(shown, names, strict=True))
    query = f"select {chosen} from {source}"
    if direct:  # the header is the columns' names, the BOM part of the first: nothing is written twice
        duck.execute(f"copy ({query}) to {literal(str(path))} (format csv, header true)")
        return
    rows = path.with_name(path.name + ".rows")
    header = ",".join('"' + t.replace('"', '""') + '"' if set(t) & set('",\n') else t for t in titles)
    try:
        duck.execute(f"copy ({query}) to {literal(str(rows))} (format csv, header false)")
        with rows.open("rb") as data, path.open("wb") as file:
            _transcode((BOM if encoding == "utf-8" else "") + header + "\n", data, file, encoding)
    finally:
        rows.unlink(missing_ok=True)


def _transcode(header: str, data: BinaryIO, file: BinaryIO, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.write(header.encode(encoding))
    while block := data.read(1 << 20):
        file.write(decoder.decode(block).encode(encoding))
    file.write(decoder.decode(b"", final=True).encode(encoding))
