"""The comparisons of a full matching on Spark, in local mode: the same links as here. Needs the extra `spark` and Java."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hub.matching.matcher import match_profiles
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, row, uscc
from tests.matching.test_model import county

ON_CI = os.environ.get("COOP_HUB_TEST_NO_SKIP") == "1"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None and not ON_CI,
        reason="pyspark is not installed: pip install 'coop-hub[spark]'",
    ),
    pytest.mark.skipif(shutil.which("java") is None and not ON_CI, reason="Java (17 or later) is not installed"),
    pytest.mark.filterwarnings("ignore"),  # pyspark's own: sockets left to its gateway, deprecations
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={folder}")
        .getOrCreate()
    )
    yield session
    session.stop()


def profiles_with_doubts() -> pa.Table:
    rows = [
        row("云岫县牛蹄山水果专业合作社", uscc(901), representative="王小明", town="白石镇", times=2),
        row("云岫县牛山水果专业合作社", town="白石镇", feed="demonstration"),
        row("云岫县石门茶叶专业合作社", uscc(902), representative="李大山", town="青溪镇"),
        row("云岫县石门茶叶专业合作社", uscc(901), representative="赵钱孙", feed="market_abnormal"),
    ]
    return pa.concat_tables([county(40), profile_table(rows)]).sort_by("profile_key")


def test_spark_gives_the_same_links(spark: Any, tmp_path: Path) -> None:
    from hub.matching.spark import bonds_on_spark

    profiles = profiles_with_doubts()
    here = match_profiles(profiles, county=COUNTY)
    there = match_profiles(profiles, county=COUNTY, tie=bonds_on_spark(spark, tmp_path / "exchange"))
    assert here.questions
    assert {"identifier", "name", "model", "review"} <= set(here.link)
    assert (there.group, there.link, there.score, there.questions) == (
        here.group,
        here.link,
        here.score,
        here.questions,
    )
    assert list((tmp_path / "exchange").iterdir()) == []
