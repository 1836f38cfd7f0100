"""The comparison of a full matching on Spark, through Splink's Spark backend: for a province whose pairs outgrow one machine. Only the
heavy part goes there (candidate pairs and their weights); parties, chains and decisions are formed here as always, so the
links are the same. Needs the extra `spark` and Java.

The two sides exchange Parquet files in a folder both can reach.
"""

from __future__ import annotations

import shutil
import uuid
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.matching import bonds
from hub.matching.model import Model
from hub.matching.scoring import derive_columns
from hub.matching.splink_model import splink_settings

if TYPE_CHECKING:
    import duckdb

# A party is compared with whatever shares one of its keys; two with a code of their own never are.
# A block is half of a key, which is as telling, and last whether it suffices that this side has it (`bonds.find_usable_keys`).
_BLOCKING = {
    "blocking_rule": "shiftright(l.block, 1) = shiftright(r.block, 1) and (l.block & 1) + (r.block & 1) > 0 "
    "and not (l.coded and r.coded)",
    "arrays_to_explode": ["block"],
}


def bonds_on_spark(spark: Any, folder: Path) -> bonds.Tie:
    """A way to tie bonds for `match_profiles` and `resolve`.

    Args:
        spark: a `pyspark.sql.SparkSession`.
        folder: where Parquet files are exchanged: any folder in local mode, a shared one for a cluster.
    """

    def tie(connection: duckdb.DuckDBPyConnection, model: Model, prior: float) -> None:
        own = folder / f"bonds-{uuid.uuid4().hex}"
        own.mkdir(parents=True)
        try:
            if _write_parties(connection, own / "party.parquet"):
                _predict(spark, own, model, bonds.least_weight(model, prior))
                connection.execute(
                    f"insert into bond select least(party_l, party_r), greatest(party_l, party_r), null, null "
                    f"from read_parquet('{own / 'bond'}/*.parquet')"
                )
        finally:
            shutil.rmtree(own, ignore_errors=True)

    return tie


def _write_parties(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Parties that share a usable key with another, with what is compared and their keys (`block`)."""
    bonds.find_usable_keys(connection)
    connection.execute("create or replace temp table wanted as select distinct party from usable")
    bonds.gather_wanted(connection, "feature")
    derive_columns(connection)
    # Parquet's unsigned 64-bit numbers are decimals to Spark: half of a key is as telling
    connection.execute(
        f"""copy (select p.* exclude (profiles), k.block from party p join (
              select party, list((key >> 2)::bigint * 2 + enough::bigint) as block from usable group by party) k using (party))
            to '{path}' (format parquet)"""
    )
    count = connection.execute("select count(*) from party").fetchall()[0][0]
    for name in ("usable", "wanted", "party", "party_plain"):
        connection.execute(f"drop table {name}")
    return int(count)


def _predict(spark: Any, folder: Path, model: Model, least: float) -> None:
    """Writes the pairs that weigh more than `least`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Splink and of pyspark about one another
        from splink import Linker, SparkAPI

        backend: Any = SparkAPI  # untyped
        api = backend(spark_session=spark, break_lineage_method="persist", register_udfs_automatically=False)
        settings = splink_settings(
            model, probability_two_random_records_match=0.5, blocking=[_BLOCKING], dialect="spark"
        )
        linker = Linker(api.register(spark.read.parquet(str(folder / "party.parquet"))), settings, log_level=40)
        predicted = linker.inference.predict(threshold_match_weight=least)
        pairs = predicted.as_spark_dataframe().select("party_l", "party_r")
        pairs.write.parquet(str(folder / "bond"))
        spark.catalog.clearCache()
