"""Acceptance: one transaction writes a delivery's rows, reasons and check results, and moves its state. Either all of it is
there afterwards, or nothing is. A held delivery has its rows stored too: releasing it is then a change of state.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.errors import ConflictError
from hub.intake.return_marker import ReturnMark, confirm_return, supersede_rows
from hub.intake.source_rows import store_rows
from hub.intake.staged_rows import read_columns
from hub.intake.staging import StagedDelivery, forget_staged
from hub.store.arrow import copy_in, read_in_pieces
from hub.store.tables.intake import check_result, delivery

if TYPE_CHECKING:
    import pyarrow as pa

_PROFILE = (
    "profile_name", "profile_former_name", "profile_codes", "profile_representative", "profile_phone", "profile_town",
    "profile_address", "profile_founded_on",
)  # fmt: skip
_ACCEPTING_LOCK = 0x_C00B_0002  # acceptances go one after the other: overlap between increments must be seen


def accept_delivery(
    engine: Engine,
    staged: StagedDelivery,
    *,
    run_id: int | None,
    tell: Callable[[Connection, str], None] | None = None,
) -> str:
    """Writes a staged delivery; returns its new state, `accepted` or `held`. Doing it twice is harmless.

    Args:
        tell: whom the new state is told to, in the same transaction.

    Raises:
        ConflictError: the delivery is no longer waiting (another run took it).
    """
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ACCEPTING_LOCK})
        state = connection.execute(
            text("select state from delivery where delivery_id = :id for update"), {"id": staged.delivery_id}
        ).scalar_one()
        if state in ("accepted", "held"):
            return str(state)
        if state not in ("received", "staged"):
            raise ConflictError(
                "这份来件已被处理。", next_step="用 coop-hub deliveries 查看它现在的状态。", detail=str(state)
            )
        feed = connection.execute(
            text("select feed from delivery where delivery_id = :id"), {"id": staged.delivery_id}
        ).scalar_one()
        with ThreadPoolExecutor(1) as beside:  # while PostgreSQL takes in the rows
            profiles = beside.submit(_profiles, staged.rows)
            store_rows(connection, staged.delivery_id, feed, staged.rows, staged.rows_in)
            _insert_profiles(connection, profiles.result(), run_id)
        _write_reasons(connection, staged.delivery_id, staged.rows)
        corrects, hold = _corrected_delivery(connection, staged)
        if corrects is not None and hold is None:
            supersede_rows(connection, staged.delivery_id, corrects)
        _mark_overlap(connection, staged.delivery_id)
        _write_outcomes(connection, staged)
        new_state = "held" if hold else "accepted"
        connection.execute(
            text(
                """
                update delivery d set state = :state, reason = :reason, as_of = :as_of, town = :town, supersedes = :supersedes,
                    run_id = coalesce(:run_id, d.run_id), account = cast(:account as jsonb),
                    accepted_at = case when :state = 'accepted' then now() end,
                    rows_in = :total, rows_accepted = :accepted, rows_quarantined = :quarantined,
                    rows_duplicate = :duplicate, rows_out_of_scope = :out_of_scope, return_due = :quarantined > 0
                where d.delivery_id = :id
                """
            ),
            {
                "id": staged.delivery_id, "state": new_state, "reason": hold, "as_of": staged.as_of, "town": staged.town,
                "supersedes": corrects, "run_id": run_id, "account": json.dumps(staged.account, ensure_ascii=False),
                **_totals(connection, staged.delivery_id),
            },
        )  # fmt: skip
        if tell is not None:
            tell(connection, new_state)
    forget_staged(staged)
    return new_state


def _totals(connection: Connection, delivery_id: int) -> dict[str, int]:
    """The rows as they lie in the database, counted by what became of them: in a query that only reads, because PostgreSQL
    gives no other to several processes."""
    counted = connection.execute(
        text(
            """
            select count(*) as total,
                   count(*) filter (where disposition = 'accepted') as accepted,
                   count(*) filter (where disposition = 'quarantined') as quarantined,
                   count(*) filter (where disposition = 'duplicate') as duplicate,
                   count(*) filter (where disposition = 'out_of_scope') as out_of_scope
            from source_row where delivery_id = :id
            """
        ),
        {"id": delivery_id},
    )
    return dict(counted.mappings().one())


def _corrected_delivery(connection: Connection, staged: StagedDelivery) -> tuple[int | None, str | None]:
    """Which delivery a returned workbook corrects, and why a person must look first (the volume rule does not apply to
    corrections, so what it stands for must not come in by this door)."""
    if staged.supersedes is None:
        return None, staged.hold
    mark = ReturnMark(staged.supersedes, staged.returned_check or "")
    state = confirm_return(connection, mark, staged.delivery_id)
    if state is None:
        return None, f"文件自称是来件 {staged.supersedes} 的更正件，但对不上本县的来件。请核对来源。"
    if state != "accepted":
        return staged.supersedes, f"它更正的来件 {staged.supersedes} 没有采用，须由人一并确认。"
    return staged.supersedes, staged.hold


def _profiles(staged: Path) -> pa.Table:
    """Profiles of rows that may be linked, once each as first said, sorted by key."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = read_columns(staged, ("disposition", "profile_key", *_PROFILE))
    wanted = pc.and_(
        columns["profile_key"].is_valid(),
        pc.is_in(columns["disposition"], value_set=pa.array(["accepted", "duplicate"])),
    )
    rows = columns.filter(wanted).drop_columns(["disposition"])
    rows = rows.take(_first_places(rows["profile_key"].combine_chunks()))
    lists = pc.binary_join_element_wise(
        "{", pc.utf8_slice_codeunits(pc.fill_null(rows["profile_codes"], "[]"), 1, -1), "}", ""
    )  # what stands between the brackets reads the same in JSON and in PostgreSQL's arrays
    rows = rows.set_column(rows.column_names.index("profile_codes"), "profile_codes", lists)
    return rows.rename_columns([n if n == "profile_key" else n.removeprefix("profile_") for n in rows.column_names])


def _first_places(keys: pa.Array) -> pa.Array:
    """Where each key stands first, about in the order of keys: rows next to each other then go next to each other into
    the index. Keys begin with eight hex digits, and those are order enough."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    distinct = keys.dictionary_encode()  # counted in the order in which they appear
    codes = distinct.indices.to_numpy()
    highest = np.maximum.accumulate(codes)
    first = np.flatnonzero(np.diff(highest, prepend=-1))
    order = pc.binary_slice(distinct.dictionary.cast(pa.binary()), 0, 8).cast(pa.binary(8))
    return pa.array(first[np.argsort(np.frombuffer(order.buffers()[1], dtype=">u8"), kind="stable")])


def _insert_profiles(connection: Connection, profiles: pa.Table, run_id: int | None) -> None:
    """Adds the profiles nobody has said before. Only acceptances add any, and they go one after the other, so only the keys
    need to be compared first: COPY into the table itself takes half the time of an insert from another table."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if profiles.num_rows == 0:
        return
    connection.execute(text("create temporary table arriving_profile (profile_key text) on commit drop"))
    copy_in(connection, "arriving_profile", profiles.select(["profile_key"]))
    known = read_in_pieces(
        connection,
        "select profile_key from arriving_profile join profile using (profile_key)",
        pa.schema([("profile_key", pa.string())]),
    )
    connection.execute(text("drop table arriving_profile"))
    fresh = profiles.filter(pc.invert(pc.is_in(profiles["profile_key"], value_set=known["profile_key"])))
    run = pa.repeat(pa.scalar(run_id, pa.int64()), fresh.num_rows)
    copy_in(connection, "profile", fresh.append_column("first_run_id", run))


def _write_reasons(connection: Connection, delivery_id: int, staged: Path) -> None:
    import pyarrow.compute as pc

    table = read_columns(staged, ("sheet", "row", "part", "reasons"))
    failed = table.filter(pc.is_valid(table["reasons"]))
    if failed.num_rows == 0:
        return
    connection.execute(
        text(
            """
            insert into row_reason (row_id, seq, rule, field, "column", message)
            select s.row_id, r.seq, r.value ->> 'rule', r.value ->> 'field', r.value ->> 'column', r.value ->> 'message'
            from unnest(cast(:sheets as text[]), cast(:rows as int[]), cast(:parts as int[]), cast(:reasons as text[]))
                     as f(sheet, "row", part, reasons)
            join source_row s on s.delivery_id = :id and s.sheet = coalesce(f.sheet, '') and s."row" = f."row" and s.part = f.part
            cross join lateral jsonb_array_elements(cast(f.reasons as jsonb)) with ordinality as r(value, seq)
            """
        ),
        {
            "id": delivery_id, "sheets": failed["sheet"].to_pylist(), "rows": failed["row"].to_pylist(),
            "parts": failed["part"].to_pylist(), "reasons": failed["reasons"].to_pylist(),
        },
    )  # fmt: skip


def _mark_overlap(connection: Connection, delivery_id: int) -> None:
    """Rows an increment repeats from an earlier accepted delivery of its feed are duplicates: windows overlap by design."""
    earlier = connection.execute(
        text(
            """
            select e.delivery_id from delivery d join delivery e on e.feed = d.feed and e.department = d.department
            where d.delivery_id = :id and d.coverage <> 'full' and e.delivery_id <> d.delivery_id and e.state = 'accepted'
            """
        ),
        {"id": delivery_id},
    ).scalars()
    if not (ids := list(earlier)):
        return
    connection.execute(
        text(
            """
            update source_row s set disposition = 'duplicate'
            where s.delivery_id = :id and s.disposition = 'accepted'
              and exists (select from source_row e where e.content_key = s.content_key and e.delivery_id = any(:earlier)
                          and e.disposition = 'accepted' and e.superseded_by is null)
            """
        ),
        {"id": delivery_id, "earlier": ids},
    )


def _write_outcomes(connection: Connection, staged: StagedDelivery) -> None:
    connection.execute(delete(check_result).where(check_result.c.delivery_id == staged.delivery_id))
    if staged.outcomes:
        connection.execute(
            insert(check_result),
            [
                {
                    "delivery_id": staged.delivery_id, "rule": o.rule, "severity": o.severity, "passed": o.passed,
                    "rows_failed": o.rows_failed, "message": o.message,
                }
                for o in staged.outcomes
            ],
        )  # fmt: skip


def decide_held_delivery(
    connection: Connection, delivery_id: int, *, release: bool, person: str, reason: str, at: datetime
) -> None:
    """A person releases or rejects a held delivery, with a reason. Its rows are there already.

    Raises:
        ConflictError: the delivery is not held.
    """
    values: dict[str, Any] = {
        "state": "accepted" if release else "rejected",
        "decided_by": person,
        "decided_at": at,
        "reason": reason,
    }
    if release:
        values["accepted_at"] = at
    changed = connection.execute(
        update(delivery).where(delivery.c.delivery_id == bindparam("id"), delivery.c.state == "held").values(values),
        {"id": delivery_id},
    )
    if changed.rowcount != 1:
        raise ConflictError("这份来件不在“待人工确认”状态。", next_step="用 coop-hub deliveries 查看它现在的状态。")
    corrects = connection.scalar(select(delivery.c.supersedes).where(delivery.c.delivery_id == delivery_id))
    if release and corrects is not None:
        supersede_rows(connection, delivery_id, corrects)
