"""Publishing and copying take the same memory for many rows as for few: measured in a child process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sharing.conftest import County, an_agreement

pytestmark = pytest.mark.slow
FEW, MANY = 20_000, 160_000
# DuckDB may hold pages up to its limit before it spills; the test lowers that limit, so that it is reached at both sizes and
# what else grows with rows would show: 90 MB more as Arrow at the larger size, 150 MB more as a workbook's XML.
LIMIT_MB, GROWTH_MB = 64, 80

_CHILD = """
import json, resource, sys
from datetime import date
from pathlib import Path
import pyarrow as pa
from hub.deployment import load_deployment
from hub.settings import load_settings
from hub.sharing import publish, selection
from hub.sharing.copies import make_copy
from hub.store.database import open_engine
from tests.sharing.conftest import DATASETS, TODAY, FakeSource

folder, data, rows = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
_ARROW = {"date": pa.date32(), "integer": pa.int64(), "money": pa.float64(), "boolean": pa.bool_()}

class Streaming(FakeSource):
    def stream(self, connection, names):
        for name in names:
            schema = pa.schema([(f.name, _ARROW.get(f.kind.value, pa.string())) for f in DATASETS[name].fields])
            yield name, pa.RecordBatchReader.from_batches(schema, batches(schema, rows))

def batches(schema, rows):
    for start in range(0, rows, 10_000):
        numbers = range(start, start + 10_000)
        columns = []
        for field in schema:
            if pa.types.is_date(field.type):
                values = [date(2015, 1, 1 + i % 28) for i in numbers]
            elif pa.types.is_boolean(field.type):
                values = [i % 2 == 0 for i in numbers]
            elif pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
                values = [i % 1000 for i in numbers]
            else:
                values = [f"{field.name}第{i:09d}号合作社" for i in numbers]
            columns.append(pa.array(values, field.type))
        yield pa.record_batch(columns, schema=schema)

selection.workspace.__wrapped__.__kwdefaults__["memory_mb"] = int(sys.argv[4])
settings = load_settings(data=data)
engine, deployment = open_engine(settings, migrate=False), load_deployment(folder)
[made] = publish(engine, deployment, settings, None, source=Streaming())
assert made.rows == rows
for form in ("xlsx", "csv"):
    make_copy(
        engine, deployment, settings, made.extract_id, form=form, department="tax", person="x", today=TODAY
    ).discard()
print(json.dumps({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "rows": made.rows}))
"""


def peak(county: County, rows: int) -> float:
    assert county.settings.database_url
    url = county.settings.database_url.get_secret_value()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(county.folder), str(county.settings.data), str(rows), str(LIMIT_MB)],
        cwd=Path(__file__).resolve().parents[2], env={**os.environ, "COOP_HUB_DATABASE_URL": url},
        capture_output=True, text=True, check=False, timeout=550,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return float(json.loads(done.stdout)["peak_mb"])


@pytest.mark.timeout(1200)
def test_eight_times_the_rows_take_no_more_memory(county: County) -> None:
    county.agree(
        an_agreement(
            fields=["coop_id", "name", "uscc", "town", "founded_on", "members", "contributions", "remark"],
            masks={"coop_id": "pseudonym"},
            formats=["xlsx", "csv"],
        )
    )
    county.new_master()
    few = peak(county, FEW)
    county.new_master()
    many = peak(county, MANY)
    print(f"peak of a child process: {few:.0f} MB for {FEW} rows, {many:.0f} MB for {MANY} rows")
    assert many < few + GROWTH_MB, (few, many)
