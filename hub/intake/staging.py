"""Stage one delivery: read, normalise, check, and give every row its disposition. A pure function of the file, the feed, the
remembered column mapping and the deployment; its result lies in one Parquet file until acceptance makes it durable in the
database, so a killed night simply stages again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.deployment import Deployment, FeedDeclaration
from hub.errors import FormatError, HubError, Where
from hub.feeds import Feed, Kind, get_feed
from hub.intake.deliveries import Delivery
from hub.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

STAGED_COLUMNS = (
    "sheet", "row", "part", "disposition", "profile_key", "profile_name", "profile_former_name", "profile_codes",
    "profile_representative", "profile_phone", "profile_town", "profile_address", "profile_founded_on",
    "fields", "raw", "content_key", "notes", "reasons",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule on one delivery, as stored in `check_result`."""

    rule: str
    severity: str
    passed: bool
    rows_failed: int
    message: str


@dataclass(frozen=True, slots=True)
class StagedDelivery:
    """What staging found. `rows` is a Parquet file of STAGED_COLUMNS; `hold` is why a person must look first."""

    delivery_id: int
    as_of: date
    town: str | None
    supersedes: int | None  # the delivery this one says it corrects; acceptance asks the database
    rows: Path
    counts: dict[str, int]  # disposition -> rows
    outcomes: tuple[RuleOutcome, ...]
    hold: str | None
    account: dict[str, Any]
    returned_check: str | None = None  # the mark of a return workbook, where it corrects one

    @property
    def rows_in(self) -> int:
        return sum(self.counts.values())


def staged_path(data: Path, delivery_id: int) -> Path:
    return data / "staged" / f"{delivery_id}.parquet"


def stage_delivery(
    one: Delivery,
    *,
    archive_file: Path,
    settings: Settings,
    deployment: Deployment,
    mapping: dict[str, str | None],
    rows_before: Callable[[str | None], int | None],
    business_date: date,
) -> StagedDelivery:
    """Reads a delivery and decides about each of its rows.

    Args:
        mapping: normalised header -> field, confirmed by a person for this sender and feed.
        rows_before: town -> rows of the edition this one would replace, for the volume rule.

    Raises:
        HubError: the delivery as a whole cannot be used (unreadable, empty, a required column missing).
    """
    from expectations import check_rows, duplicate_positions
    from hub.intake.normalise import normalise_reading
    from hub.intake.reader import read_file
    from hub.intake.reader.facts import detect_as_of, detect_town
    from hub.intake.return_marker import take_mark

    feed = get_feed(one.feed)
    declaration = deployment.feed_by_name.get(one.feed, FeedDeclaration(feed=one.feed))
    where = Where(feed=feed.title.zh, file=one.name)
    try:
        reading = read_file(archive_file, feed=feed, mapping=mapping, hidden=declaration.hidden, settings=settings)
        reading.file = one.name  # the archive knows it by its hash
        reading.raise_refusal()
        mark = take_mark(reading)  # a return workbook that came back: only what the sender wrote is left
        name = Path(one.name)
        as_of = detect_as_of(reading, name) or one.as_of
        towns = [n for t in deployment.county.towns for n in (t.name, *t.former)]
        town = detect_town(reading, name, towns) if feed.per_town else None
        staged = normalise_reading(reading, feed, delivery_town=town)
    except HubError as error:
        raise error.at(feed=feed.title.zh, file=one.name) from None
    frame = staged.rows.to_pandas()
    headers = {c.field: c.header for s in reading.sheets for c in s.columns if c.field}
    report = check_rows(
        feed, frame, previous_rows=None if mark else rows_before(town), hold_below=declaration.hold_below, coverage=one.coverage,
        headers=headers, today=business_date,
    )  # fmt: skip
    refused = [r.message for r in report.results if r.severity == "critical" and not r.passed]
    if refused:
        raise FormatError("；".join(refused), next_step="请发送方更正后重新报送整份文件。", where=where)
    outside = _out_of_scope_reasons(frame)
    row_failures = [r for r in report.results if r.severity == "row" and not r.passed]
    reasons = _reasons(len(frame), row_failures, outside, headers)
    disposition = _dispositions(frame, reasons, outside, duplicate_positions(feed, frame))
    table = _staged_table(staged.rows, feed, disposition, reasons)
    path = staged_path(settings.data, one.delivery_id)
    _write_durably(table, path)
    holds = [r.message for r in report.results if r.severity == "hold" and not r.passed]
    return StagedDelivery(
        delivery_id=one.delivery_id,
        as_of=min(as_of, business_date),
        town=town,
        supersedes=mark.delivery_id if mark else None,
        returned_check=mark.check if mark else None,
        rows=path,
        counts={str(k): int(v) for k, v in disposition.value_counts().items()},
        outcomes=tuple(
            RuleOutcome(r.rule, r.severity, bool(r.passed), len(r.failed_positions), r.message) for r in report.results
        ),
        hold="；".join(holds) or None,
        account={
            "sheets": reading.account(),
            "remarks": reading.remarks,
            "drift": staged.drift,
            "set_aside": staged.set_aside,
        },
    )


def _out_of_scope_reasons(frame: pd.DataFrame) -> pd.Series:
    """Why a row is about something that is not a cooperative, or null. Decided on distinct (name, codes) only."""
    import pandas as pd

    from hub.identifiers.scope import out_of_scope_reason

    distinct = frame[["profile_name", "profile_codes"]].drop_duplicates()
    found = {}
    for name, codes in distinct.itertuples(index=False, name=None):
        reason = out_of_scope_reason(
            name if isinstance(name, str) else "", json.loads(codes) if isinstance(codes, str) else ()
        )
        if reason:
            found[name, codes] = reason
    if not found:
        return pd.Series([None] * len(frame), index=frame.index, dtype="object")
    keys = pd.MultiIndex.from_frame(frame[["profile_name", "profile_codes"]])
    return pd.Series([found.get(k) for k in keys], index=frame.index, dtype="object")


def _reasons(rows: int, failures: list[Any], outside: pd.Series, headers: dict[str, str]) -> pd.Series:
    """Per row, the JSON list of why it is not accepted; null for most."""
    import pandas as pd

    gathered: dict[int, list[dict[str, Any]]] = {}
    for failure in failures:
        for position in failure.failed_positions:
            gathered.setdefault(int(position), []).append(
                {
                    "rule": failure.rule,
                    "field": failure.field,
                    "column": headers.get(failure.field or ""),
                    "message": failure.message,
                }
            )
    for position in outside[outside.notna()].index:
        gathered[int(position)] = [
            {"rule": "out_of_scope", "field": None, "column": None, "message": outside[position]}
        ]
    return pd.Series(
        [json.dumps(gathered[i], ensure_ascii=False) if i in gathered else None for i in range(rows)], dtype="object"
    )


def _dispositions(frame: pd.DataFrame, reasons: pd.Series, outside: pd.Series, duplicates: Any) -> pd.Series:
    import numpy as np
    import pandas as pd

    disposition = pd.Series(np.full(len(frame), "accepted", dtype=object))
    disposition.iloc[list(map(int, duplicates))] = "duplicate"
    disposition[reasons.notna()] = "quarantined"
    disposition[outside.notna()] = "out_of_scope"
    return disposition


def _staged_table(rows: pa.Table, feed: Feed, disposition: pd.Series, reasons: pd.Series) -> pa.Table:
    """The rows in the shape of STAGED_COLUMNS: the feed's columns folded into one JSON object without its nulls."""
    import duckdb
    import pyarrow as pa

    extended = rows.append_column("disposition", pa.array(disposition, pa.string())).append_column(
        "reasons", pa.array(reasons, pa.string())
    )
    with_serial = ", ".join(f'"{f.name}" := rows."f_{f.name}"' for f in feed.fields)
    saying = ", ".join(f'"{f.name}" := rows."f_{f.name}"' for f in feed.fields if f.kind is not Kind.SERIAL)
    # feed columns get a prefix first: a field called "row" or "raw" must not meet the row's own columns
    own = {"sheet", "row", "part", "raw", "notes", "disposition", "reasons"}
    renamed = [n if n in own or n.startswith("profile_") else f"f_{n}" for n in extended.column_names]
    connection = duckdb.connect()
    try:
        connection.register("rows", extended.rename_columns(renamed))
        result = connection.sql(
            f"""
            select sheet, "row", part, disposition, profile_key, profile_name, profile_former_name, profile_codes,
                   profile_representative, profile_phone, profile_town, profile_address, profile_founded_on,
                   cast(json_merge_patch('{{}}', to_json(struct_pack({with_serial}))) as varchar) as fields, raw,
                   md5(cast(json_merge_patch('{{}}', to_json(struct_pack({saying}))) as varchar)) as content_key,
                   notes, reasons
            from rows
            """
        ).to_arrow_table()
    finally:
        connection.close()
    return result


def _write_durably(table: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        pq.write_table(table, stream, compression="zstd")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def save_staged(staged: StagedDelivery) -> None:
    """Writes what staging found beside its rows, so that acceptance can be another step or another process."""
    note = {**asdict(staged), "as_of": staged.as_of.isoformat(), "rows": staged.rows.name}
    path = staged.rows.with_suffix(".json")
    temporary = path.with_suffix(".json.part")
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(note, stream, ensure_ascii=False)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def load_staged(data: Path, delivery_id: int) -> StagedDelivery | None:
    """What `save_staged` wrote, or None when it or its rows are not there (then the delivery is staged again)."""
    rows = staged_path(data, delivery_id)
    path = rows.with_suffix(".json")
    if not rows.is_file() or not path.is_file():
        return None
    note = json.loads(path.read_text(encoding="utf-8"))
    outcomes = tuple(RuleOutcome(**o) for o in note.pop("outcomes"))
    return StagedDelivery(**{**note, "as_of": date.fromisoformat(note["as_of"]), "rows": rows}, outcomes=outcomes)


def forget_staged(staged: StagedDelivery) -> None:
    """Removes the files of a staged delivery whose rows are in the database now."""
    staged.rows.with_suffix(".json").unlink(missing_ok=True)
    staged.rows.unlink(missing_ok=True)
