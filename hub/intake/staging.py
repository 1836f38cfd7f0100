"""Stage one delivery: read, normalise, check, and give every row its disposition. A pure function of the file, the feed, the
remembered column mapping and the deployment; its result lies in one Arrow file until acceptance makes it durable in the
database, so a killed night simply stages again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.deployment import Deployment, FeedDeclaration
from hub.errors import FormatError, HubError, Where
from hub.feeds import get_feed
from hub.intake.deliveries import Delivery
from hub.intake.scope import out_of_scope_reasons
from hub.intake.series import Edition
from hub.intake.staged_rows import forget_rows, staged_path, verdicts_path, write_rows, write_verdicts
from hub.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

WARNED_ROWS = 500  # of each warning, as many rows are shown to the sender in place


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
    """What staging found. `rows` is an Arrow file (`staged_rows`); `hold` is why a person must look first."""

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


def stage_delivery(
    one: Delivery,
    *,
    archive_file: Path,
    settings: Settings,
    deployment: Deployment,
    mapping: dict[str, str | None],
    before: Callable[[str | None], Edition | None],
    business_date: date,
) -> StagedDelivery:
    """Reads a delivery and decides about each of its rows.

    Args:
        mapping: normalised header -> field, confirmed by a person for this sender and feed.
        before: town -> the edition this one would replace, for the rules about volume and day.

    Raises:
        HubError: the delivery as a whole cannot be used (unreadable, empty, a required column missing).
    """
    from expectations import Days, check_rows
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
        as_of = min(detect_as_of(reading, name) or one.as_of, business_date)
        towns = [n for t in deployment.county.towns for n in (t.name, *t.former)]
        town = detect_town(reading, name, towns) if feed.per_town else None
        staged = normalise_reading(reading, feed, delivery_town=town)
    except HubError as error:
        raise error.at(feed=feed.title.zh, file=one.name) from None
    rows = staged.rows
    headers = {c.field: c.header for s in reading.sheets for c in s.columns if c.field}
    path = staged_path(settings.data, one.delivery_id)
    replaced = None if mark else before(town)
    with ExitStack() as unless_done:
        unless_done.callback(forget_rows, path)
        with ThreadPoolExecutor(1) as beside:
            # beside one another: Arrow lets go of the interpreter, the rules hardly do
            written = beside.submit(write_rows, path, rows, feed)
            report = check_rows(
                feed, rows.select(["notes", *feed.by_name]).to_pandas(),
                previous_rows=replaced.rows if replaced else None, hold_below=declaration.hold_below,
                coverage=one.coverage, headers=headers, today=business_date,
                days=None if mark else Days(as_of, replaced.as_of if replaced else None, declaration.every_days),
            )  # fmt: skip
            outside = out_of_scope_reasons(rows)
            written.result()
        refused = [r.message for r in report.results if r.severity == "critical" and not r.passed]
        if refused:
            raise FormatError("；".join(refused), next_step="请发送方更正后重新报送整份文件。", where=where)
        row_failures = [r for r in report.results if r.severity == "row" and not r.passed]
        disposition = _dispositions(rows.num_rows, row_failures, outside, report.repeated)
        write_verdicts(path, disposition, _reasons(rows.num_rows, row_failures, outside, headers))
        unless_done.pop_all()
    nothing_again = not rows.num_rows and replaced is not None and replaced.rows == 0
    holds = [r.message for r in report.results if r.severity == "hold" and not r.passed and not nothing_again]
    return StagedDelivery(
        delivery_id=one.delivery_id,
        as_of=as_of,
        town=town,
        supersedes=mark.delivery_id if mark else None,
        returned_check=mark.check if mark else None,
        rows=path,
        counts={c["values"]: c["counts"] for c in disposition.value_counts().to_pylist()},
        outcomes=tuple(
            RuleOutcome(r.rule, r.severity, bool(r.passed), len(r.failed_positions), r.message) for r in report.results
        ),
        hold="；".join(holds) or None,
        account={
            "sheets": reading.account(),
            "remarks": reading.remarks,
            "drift": staged.drift,
            "set_aside": staged.set_aside,
            "warned": _warned(rows, report.failed("warning"), headers),
        },
    )


def _warned(rows: pa.Table, failures: Sequence[Any], headers: dict[str, str]) -> list[dict[str, Any]]:
    """What the sender is told about rows that no warning holds back, for the return workbook: each rule with the first of
    its rows. Rows by the thousand with one flaw are a matter of the whole column, and the receipt counts them."""
    import pyarrow as pa

    found = []
    for failure in failures:
        first = rows.select(["sheet", "row"]).take(pa.array(failure.failed_positions[:WARNED_ROWS]))
        places = zip(first["sheet"].to_pylist(), first["row"].to_pylist(), strict=True)
        found.append(
            {
                "field": failure.field,
                "column": headers.get(failure.field or ""),
                "message": failure.message,
                "rows": [[sheet or "", row] for sheet, row in places],
            }
        )
    return [f for f in found if f["rows"]]


def _reasons(rows: int, failures: list[Any], outside: dict[int, str], headers: dict[str, str]) -> pa.Array:
    """Per row, the JSON list of why it is not accepted; null for most."""
    import numpy as np
    import pyarrow as pa

    gathered: dict[int, list[dict[str, Any]]] = {}
    for failure in failures:
        for position in failure.failed_positions.tolist():
            gathered.setdefault(position, []).append(
                {
                    "rule": failure.rule,
                    "field": failure.field,
                    "column": headers.get(failure.field or ""),
                    "message": failure.message,
                }
            )
    for position, why in outside.items():
        gathered[position] = [{"rule": "out_of_scope", "field": None, "column": None, "message": why}]
    texts = np.full(rows, None, dtype=object)
    for position, listed in gathered.items():
        texts[position] = json.dumps(listed, ensure_ascii=False)
    return pa.array(texts, pa.string())


def _dispositions(rows: int, failures: list[Any], outside: dict[int, str], repeated: Any) -> pa.Array:
    """Per row what becomes of it; the later of these words wins."""
    import numpy as np
    import pyarrow as pa

    words = pa.array(["accepted", "duplicate", "quarantined", "out_of_scope"])
    chosen = np.zeros(rows, dtype=np.int8)
    chosen[repeated] = 1
    for failure in failures:
        chosen[failure.failed_positions] = 2
    chosen[list(outside)] = 3
    return words.take(pa.array(chosen))


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
    if not rows.is_file() or not verdicts_path(rows).is_file() or not path.is_file():
        return None
    note = json.loads(path.read_text(encoding="utf-8"))
    outcomes = tuple(RuleOutcome(**o) for o in note.pop("outcomes"))
    return StagedDelivery(**{**note, "as_of": date.fromisoformat(note["as_of"]), "rows": rows}, outcomes=outcomes)


def forget_staged(staged: StagedDelivery) -> None:
    """Removes the files of a staged delivery whose rows are in the database now."""
    staged.rows.with_suffix(".json").unlink(missing_ok=True)
    forget_rows(staged.rows)
