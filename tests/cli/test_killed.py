"""kill -9 anywhere, run again, same result: real processes, really killed."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from hub.settings import REPOSITORY, load_settings
from hub.store.database import open_engine
from tests.cli.test_sync import coop_hub

KEPT_AGREEMENTS = {"tax.yaml", "water.yaml", "not_shared.yaml"}  # extracts of every department would double each night
# sixteen files of thirty
KEPT_FEEDS = {"registry", "tax_registration", "market_abnormal", "complaints", "township_cleanup"}


def _deployment(folder: Path) -> Path:
    """The demo county with few agreements."""
    own = folder / "deployment"
    shutil.copytree(REPOSITORY / "deployments" / "demo", own)
    for agreement in (own / "agreements").iterdir():
        if agreement.name not in KEPT_AGREEMENTS:
            agreement.unlink()
    return own


def _inbox(folder: Path) -> Path:
    """A first night's files of a small demo county, of some feeds."""
    generated = coop_hub("demo", "generate", "--out", folder, "--cooperatives", "60")
    assert generated.returncode == 0, generated.stderr
    for feed in (folder / "inbox").iterdir():
        if feed.name not in KEPT_FEEDS:
            shutil.rmtree(feed)
    return folder / "inbox"


def _sync(deployment: Path, inbox: Path, data: Path) -> list[str]:
    command = [sys.executable, "-m", "hub.cli", "sync", "--deployment", deployment, "--inbox", inbox, "--data", data]
    return list(map(str, command))


def _result(data: Path, out: Path) -> tuple[list[tuple[str, ...]], set[frozenset[tuple[str, ...]]]]:
    """The crosswalk without ids (ids are opaque), and how its rows are grouped into cooperatives."""
    assert coop_hub("export", "crosswalk", "--out", out, "--data", data).returncode == 0
    groups: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    rows = []
    with out.open(encoding="utf-8-sig") as stream:
        for r in csv.DictReader(stream):
            key = (r["feed"], r["delivery"], r["sheet"], r["row"])
            rows.append((*key, r["disposition"], r["link"]))
            if r["coop_id"]:
                groups[r["coop_id"]].add(key)
    return sorted(rows), {frozenset(g) for g in groups.values()}


MILESTONES = (  # what must be there before the process is killed
    "select count(*) from delivery where state = 'received'",
    "select count(*) from delivery where state = 'staged'",
    "select count(*) from delivery where state = 'accepted'",
    "select count(*) from cooperative",
    "select count(*) from extract",
)


def _wait_for(engine: Engine, milestone: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.scalar(text(milestone)):
                return
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(900)  # seven nights, one after the other
def test_a_night_killed_again_and_again_ends_like_one_that_was_not(tmp_path: Path) -> None:
    inbox, whole, killed = _inbox(tmp_path), tmp_path / "whole", tmp_path / "killed"
    deployment = _deployment(tmp_path)
    assert subprocess.run(
        _sync(deployment, inbox, whole), cwd=REPOSITORY, capture_output=True, check=False
    ).returncode in (0, 3)
    killed.mkdir()
    engine = open_engine(load_settings(data=killed))
    deaths = 0
    for milestone in MILESTONES:
        process = subprocess.Popen(
            _sync(deployment, inbox, killed),
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _wait_for(engine, milestone, process)
        os.kill(process.pid, signal.SIGKILL)
        deaths += process.wait() == -signal.SIGKILL
    engine.dispose()
    assert deaths == len(MILESTONES)
    last = subprocess.run(_sync(deployment, inbox, killed), cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert last.returncode in (0, 3), last.stdout + last.stderr
    assert _result(killed, tmp_path / "killed.csv") == _result(whole, tmp_path / "whole.csv")
    verified = coop_hub("verify", "--data", killed)
    assert verified.returncode == 0, verified.stdout
