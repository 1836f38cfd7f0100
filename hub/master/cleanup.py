"""The clean-up board (清理整顿): each cooperative a township put on its ledger or a clue points at, what is proposed, what was
found, whether it is closed (销号) or overdue. Clues are never findings: a cooperative with clues only waits for a visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, text

from hub.master.fields import master_field
from hub.master.reading import find_version, master_at
from hub.master.rules import Group, rules


class Stage(StrEnum):
    """Where a cooperative stands on the board, most urgent first."""

    OVERDUE = "overdue"  # open past its date
    OPEN = "open"
    SUSPECTED = "suspected"  # clues, but on no ledger yet
    CLOSED = "closed"


STAGE_TITLES = {
    Stage.OVERDUE: "逾期未销号",
    Stage.OPEN: "整改中",
    Stage.SUSPECTED: "待乡镇核实",
    Stage.CLOSED: "已销号",
}


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """One cooperative on the board; texts are ready to read. `clues` are titles of the clues that say yes."""

    coop_id: str
    name: str
    uscc: str | None
    town: str | None
    stage: Stage
    problem: str
    proposed: str
    progress: str
    due_on: date | None
    closed_on: date | None
    days_overdue: int
    clues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The whole board on a day, and how many a town has in each stage."""

    day: date
    entries: tuple[BoardEntry, ...]

    @property
    def counts(self) -> dict[Stage, int]:
        return {stage: sum(e.stage is stage for e in self.entries) for stage in Stage}

    def by_town(self) -> dict[str, dict[Stage, int]]:
        """Town -> stage -> count; towns in order, those without a town last."""
        towns = sorted({e.town or "" for e in self.entries}, key=lambda t: (t == "", t))
        return {
            t or "（乡镇不详）": {
                stage: sum(e.stage is stage and (e.town or "") == t for e in self.entries) for stage in Stage
            }
            for t in towns
        }


def cleanup_board(
    connection: Connection, *, towns: Sequence[str] | None = None, known_at: date | int | None = None
) -> Board:
    """The board of a published version (default: the newest), of some towns or of all.

    Raises:
        ConfigurationError: nothing was published yet.
    """
    version = find_version(connection, known_at)
    day = version.business_date
    clue_titles = {r.name: r.title.zh for r in rules() if r.group is Group.CLUE and r.name != "shell_suspected"}
    rows = connection.execute(
        text(
            f"""select coop_id, fields as f from {master_at(version.version)} m
                where (fields ? 'cleanup_problem' or fields ? 'cleanup_proposed' or fields ? 'cleanup_progress'
                       or fields ? 'cleanup_due_on' or fields->>'in_cleanup' = 'yes' or fields->>'shell_suspected' = 'yes')
                  and (cast(:towns as text[]) is null or fields->>'town' = any(cast(:towns as text[])))"""
        ),
        {"towns": list(towns) if towns is not None else None},
    )
    shown = {n: master_field(n) for n in ("cleanup_problem", "cleanup_proposed", "cleanup_progress")}
    entries = []
    for row in rows:
        f = row.f
        due = date.fromisoformat(f["cleanup_due_on"]) if f.get("cleanup_due_on") else None
        closed = date.fromisoformat(f["cleanup_closed_on"]) if f.get("cleanup_closed_on") else None
        on_ledger = any(f.get(n) is not None for n in (*shown, "cleanup_due_on")) or f.get("in_cleanup") == "yes"
        if not on_ledger:
            stage = Stage.SUSPECTED
        elif f.get("in_cleanup") != "yes":
            stage = Stage.CLOSED
        else:
            stage = Stage.OVERDUE if due and due < day else Stage.OPEN
        entries.append(
            BoardEntry(
                coop_id=row.coop_id,
                name=f["name"],
                uscc=f.get("uscc"),
                town=f.get("town"),
                stage=stage,
                problem=shown["cleanup_problem"].display(f.get("cleanup_problem")),
                proposed=shown["cleanup_proposed"].display(f.get("cleanup_proposed")),
                progress=shown["cleanup_progress"].display(f.get("cleanup_progress")),
                due_on=due,
                closed_on=closed,
                days_overdue=(day - due).days if due and stage is Stage.OVERDUE else 0,
                clues=tuple(t for n, t in clue_titles.items() if f.get(n) == "yes"),
            )
        )
    order = list(Stage)
    entries.sort(key=lambda e: (order.index(e.stage), -e.days_overdue, e.town is None, e.town or "", e.name, e.coop_id))
    return Board(day, tuple(entries))
