"""The whole night of the demo county beside an empty Dagster job with as many assets and the same imports, both from process
start on an initialised embedded database. What is left between them is our own work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.frame import Measure, timed

_EMPTY = """
from pathlib import Path
import dagster as dg
from assets.definitions import build_defs
from assets.instance import prepare_dagster_home
from hub.settings import load_settings
import duckdb, pandas, pyarrow, great_expectations
settings = load_settings()
prepare_dagster_home(settings)
real = build_defs()
keys = sorted(k for a in real.assets for k in a.keys)

@dg.multi_asset(specs=[dg.AssetSpec(k) for k in keys])
def empty():
    for k in keys:
        yield dg.MaterializeResult(asset_key=k)

job = dg.define_asset_job("empty", selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor)
defs = dg.Definitions(assets=[empty], jobs=[job])
with dg.DagsterInstance.get() as instance:
    done = defs.resolve_job_def("empty").execute_in_process(
        instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})
assert done.success
print(len(keys))
"""


def run(scale: float) -> list[Measure]:
    """Night one on a fresh database (initialised first), night two, an unchanged night, and the empty job."""
    with tempfile.TemporaryDirectory() as folder:
        data, inbox = Path(folder) / "var", Path(folder) / "inbox"
        environment = {**os.environ, "COOP_HUB_DATA": str(data)}
        size = str(int(600 * scale))

        def command(*arguments: str) -> str:
            done = subprocess.run(
                [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode not in (0, 3):
                raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
            return done.stdout

        sync = ["-m", "hub.cli", "sync", "--inbox", str(inbox)]
        inbox.mkdir()
        command(*sync)  # initialises database and Dagster's storage
        generate = ["-m", "hub.cli", "demo", "generate", "--cooperatives", size, "--out", folder]
        command(*generate, "--night", "1")
        empty, assets = timed(lambda: command("-c", _EMPTY))
        first, _ = timed(lambda: command(*sync))
        again, _ = timed(lambda: command(*sync))
        command(*generate, "--night", "2")
        second, _ = timed(lambda: command(*sync))
    beside = f"empty job, {assets.strip()} assets"
    return [
        Measure(beside, empty),
        Measure(f"night one, {size} cooperatives", first, against=beside),
        Measure("the same night again", again, against=beside, note="every file recognised by content"),
        Measure("night two", second, against=beside),
    ]
