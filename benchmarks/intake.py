"""One delivery of a million rows end to end, beside `pandas.read_csv` on the same file in the same run: archived, read in its
limited child process, normalised, checked, and accepted into PostgreSQL with its control totals.

Seconds are those of the wall clock; the note gives seconds of processor (this process, the reader's child, PostgreSQL), which
do not depend so much on what else the machine is doing. Memory is that of all these processes together.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from benchmarks.frame import Measure

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.settings import Settings

ROWS = 1_000_000
FEEDS = {"traceability_batches": 0.78, "registry": 1.04}  # feed -> cooperatives for a row of it
DAY = date(2026, 11, 1)
_TICK = os.sysconf("SC_CLK_TCK")


def _ours(data: Path) -> dict[int, float]:
    """Seconds of processor by process of this one, its children and the database below `data`, those of children that
    ended included."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    ours = {os.getpid()}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            facts = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        number = int(entry.name)
        parents[number] = int(facts[1])
        seconds[number] = sum(map(int, facts[11:15])) / _TICK
        if str(data).encode() in command:
            ours.add(number)
    grown = True
    while grown:
        more = {n for n, parent in parents.items() if parent in ours} - ours
        ours |= more
        grown = bool(more)
    return {n: seconds[n] for n in ours if n in seconds}


def _processor(data: Path) -> float:
    return sum(_ours(data).values())


class _Memory(Thread):
    """Looks every quarter of a second how much memory all processes hold together. A page that several of them hold is
    divided among them (PSS); the resident sizes of processes, added up, count it once for each."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self.data, self.highest, self.done = data, 0.0, Event()

    def run(self) -> None:
        while not self.done.wait(0.25):
            self.highest = max(self.highest, sum(map(_shared_out, _ours(self.data))))

    def stop(self) -> float:
        """MiB at the highest."""
        self.done.set()
        self.join()
        return self.highest


def _shared_out(number: int) -> float:
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
    except OSError:  # it ended meanwhile
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _write(folder: Path, feed: str, rows: int) -> Path:
    """The feed's file of a county of that size, cut to so many rows."""
    from itertools import islice

    from hub.demo import scale_feeds, scale_write
    from hub.demo.scale import generate_scale
    from hub.deployment import load_deployment
    from hub.settings import load_settings

    county = load_deployment(load_settings().deployment).county
    every = scale_write.FEEDS
    scale_write.FEEDS = tuple(f for f in scale_feeds.FEEDS if f.feed == feed)
    try:
        generate_scale(
            folder / feed, cooperatives=max(int(rows * FEEDS[feed]), 1000), county=county, seed=3, form="csv"
        )
    finally:
        scale_write.FEEDS = every
    path = folder / f"{feed}.csv"
    with (folder / feed / "inbox" / feed / f"{feed}.csv").open("rb") as source, path.open("wb") as out:
        out.writelines(islice(source, rows + 1))
    return path


def _end_to_end(engine: Engine, settings: Settings, feed: str, path: Path, told: Callable[[str], None]) -> int:
    from sqlalchemy import insert

    from hub.deployment import load_deployment
    from hub.feeds import Coverage, get_feed
    from hub.intake.acceptance import accept_delivery
    from hub.intake.archive import store_file
    from hub.intake.deliveries import get_delivery, register_delivery
    from hub.intake.series import edition_to_replace
    from hub.intake.staging import load_staged, save_staged, stage_delivery
    from hub.store.tables.intake import run

    deployment = load_deployment(settings.deployment)
    file = store_file(path, settings.data)
    told("archive")
    with engine.begin() as connection:
        run_id = connection.scalar(insert(run).values(kind="hand", business_date=DAY).returning(run.c.run_id))
        delivery_id, _ = register_delivery(
            connection, feed=feed, department=deployment.sender_of(feed), name=path.name, file=file,
            coverage=Coverage(get_feed(feed).coverage), business_date=DAY, run_id=run_id,
        )  # fmt: skip
        one = get_delivery(connection, delivery_id)
    if one is None:
        raise AssertionError("the delivery just registered is not there")
    save_staged(
        stage_delivery(
            one, archive_file=settings.data / file.path, settings=settings, deployment=deployment, mapping={},
            before=partial(edition_to_replace, engine, one), business_date=DAY,
        )
    )  # fmt: skip
    told("read and check")
    staged = load_staged(settings.data, delivery_id)
    if staged is None:
        raise AssertionError("the staged rows are not there")
    accept_delivery(engine, staged, run_id=run_id)
    told("accept")
    return staged.rows_in


def _measure(folder: Path, feed: str, rows: int) -> list[Measure]:
    import pandas as pd

    import expectations
    from hub.intake.reader.pool import stop_workers
    from hub.intake.reader.read import warm_reader
    from hub.settings import load_settings
    from hub.store.database import open_engine

    path = _write(folder, feed, rows)
    settings = load_settings(data=folder / f"var-{feed}")
    settings.data.mkdir()
    engine = open_engine(settings)
    warm_reader(settings)
    expectations.warm_up()
    time.sleep(2)  # the child's imports are not this file's
    clock, used = time.perf_counter(), _processor(settings.data)
    beside = f"pandas.read_csv, {feed}"
    pd.read_csv(path, dtype=str)
    pandas_seconds, pandas_used = time.perf_counter() - clock, _processor(settings.data) - used
    laps: list[tuple[str, float, float]] = []
    clock, used = time.perf_counter(), _processor(settings.data)

    def told(what: str) -> None:
        laps.append((what, time.perf_counter() - clock, _processor(settings.data) - used))

    memory = _Memory(settings.data)
    memory.start()
    found = _end_to_end(engine, settings, feed, path, told)
    peak = memory.stop()
    if found != rows:
        raise AssertionError(f"{found} rows taken, {rows} written")
    engine.dispose()
    stop_workers()
    measures = [Measure(beside, pandas_seconds, rows, note=f"{pandas_used:.1f} s of processor")]
    before = (0.0, 0.0)
    for what, seconds, processor in laps:
        note = f"{processor - before[1]:.1f} s of processor"
        measures.append(Measure(f"{feed}: {what}", seconds - before[0], rows, against=beside, note=note))
        before = (seconds, processor)
    _, seconds, processor = laps[-1]
    note = f"{processor:.1f} s of processor, {processor / pandas_used:.1f} × pandas', {rows / processor:,.0f} rows a second of it"
    measures.append(Measure(f"{feed}: end to end", seconds, rows, peak_mb=peak, against=beside, note=note))
    return measures


def _in_child(work: Callable[[], Any]) -> Any:
    """In a process of its own, so that memory is measured alone."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work).result()


def run(scale: float = 1.0) -> list[Measure]:
    """A million rows (times `scale`) of batches, which share their senders, and of the registry, all distinct."""
    measures: list[Measure] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        for feed in FEEDS:
            measures += _in_child(partial(_measure, Path(name), feed, int(ROWS * scale)))
    return measures
