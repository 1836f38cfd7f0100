"""Who is who, beside Splink's usual recipe on the same rows: 100 thousand of them, `--scale 10` for a million.

Ours is the whole step on accepted rows in PostgreSQL: read, parse, candidates, score, cluster, ids, links written. Splink's is
training, predicting and clustering alone, on a table in memory. Then a night that changed one row in a hundred.
"""

from __future__ import annotations

import resource
import tempfile
import warnings
from pathlib import Path
from typing import Any

from benchmarks.frame import Measure, timed_in_child

ROWS = 100_000
_ROWS_A_COOPERATIVE = 6.1
_EMPTY = "('', '无', '/', '——', '-', '未提供', '暂无')"

_PAIRS = """
    with x as (select grp, entity, count(*) as n from judged group by 1, 2)
    select sum(n * (n - 1) / 2) / greatest((select sum(m * (m - 1) / 2) from (select sum(n) as m from x group by grp) made), 1),
           sum(n * (n - 1) / 2) / (select sum(m * (m - 1) / 2) from (select sum(n) as m from x group by entity) wanted)
    from x
"""


def run(scale: float) -> list[Measure]:
    """Splink, the first matching, a night with one row in a hundred changed, a night with nothing changed."""
    from hub.demo.scale import generate_scale
    from hub.deployment import load_deployment
    from hub.settings import REPOSITORY, load_settings
    from hub.store.database import open_engine

    deployment = load_deployment(REPOSITORY / "deployments" / "demo")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        cooperatives = int(ROWS * scale / _ROWS_A_COOPERATIVE)
        generate_scale(data / "county", cooperatives=cooperatives, county=deployment.county, seed=11)
        rows = data / "county" / "rows.parquet"
        splink, splink_peak, (quality, splink_cpu) = timed_in_child(lambda: _splink(rows, data))
        settings = load_settings(data=data / "var")
        engine = open_engine(settings)
        count = _accept(engine, rows)
        url = engine.url
        engine.dispose()

        def night() -> tuple[Any, float]:
            from sqlalchemy import create_engine

            from hub.matching import resolve, workspace_of

            done = resolve(create_engine(url), deployment, None, workspace=workspace_of(settings.data))
            return done, _cpu()

        full, full_peak, (first, full_cpu) = timed_in_child(night)
        ours = _quality(url)
        changed = _change(url)
        partial, partial_peak, (second, partial_cpu) = timed_in_child(night)
        unchanged, _, _ = timed_in_child(night)
    assert first.full
    assert not second.full
    recipe = f"Splink's usual recipe, {count:,} rows"
    whole = "whole step from nothing, links written"
    return [
        Measure(recipe, splink, count, splink_peak, note=f"{_told(quality)}; cpu {splink_cpu:.0f} s"),
        Measure(whole, full, count, full_peak, recipe, f"{_told(ours)}; cpu {full_cpu:.0f} s"),
        Measure(
            f"a night with {changed:,} rows changed",
            partial,
            None,
            partial_peak,
            whole,
            f"{second.looked_at:,} of {second.profiles:,} profiles looked at; cpu {partial_cpu:.1f} s",
        ),
        Measure("a night with nothing changed", unchanged, None, None, whole),
    ]


def _told(quality: tuple[float, float]) -> str:
    return f"precision {quality[0]:.4f}, recall {quality[1]:.4f}"


def _cpu() -> float:
    """Processor seconds of this process and its own children (not the database server's)."""
    return sum(
        u.ru_utime + u.ru_stime
        for u in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _source(rows: Path) -> str:
    """Rows of cooperatives as intake hands them on: marks and empty words gone."""
    return f"""select row_number() over () as row_id, feed, row as nth, entity, town, address, founded_on,
        regexp_replace(name, '[\\s\\x{{200b}}*]', '', 'g') as name,
        case when code in {_EMPTY} then null else upper(replace(replace(code, ' ', ''), chr(39), '')) end as code,
        case when representative in {_EMPTY} then null else representative end as representative,
        case when phone in {_EMPTY} then null else phone end as phone
        from '{rows}' where entity not like 'OTHER:%'"""


def _splink(rows: Path, data: Path) -> tuple[tuple[float, float], float]:
    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    warnings.simplefilter("ignore")
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '6GB'; set threads = 2; set temp_directory = '{data / 'spill'}'")
    connection.execute(f"create table source as {_source(rows)}")
    connection.execute(
        "create table t as select row_id as unique_id, name, code, representative, phone, town from source"
    )
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[
            block_on("code"),
            block_on("name"),
            block_on("representative", "town"),
            block_on("phone"),
            block_on("substr(name, 4, 4)", "town"),
        ],
        comparisons=[
            cl.JaroWinklerAtThresholds("name", [0.97, 0.92, 0.85]),
            cl.LevenshteinAtThresholds("code", [1, 2]),
            cl.ExactMatch("representative"),
            cl.ExactMatch("phone"),
            cl.ExactMatch("town"),
        ],
    )
    linker = Linker(DuckDBAPI(connection).register("t"), settings, log_level=40)
    linker.training.estimate_probability_two_random_records_match([block_on("code")], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for rule in (block_on("code"), block_on("representative", "town")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    predicted = linker.inference.predict(threshold_match_probability=0.01)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold_match_probability=0.9)
    cpu = _cpu()
    connection.execute(
        f"""create view judged as select c.cluster_id as grp, s.entity from {clusters.physical_name} c
            join source s on s.row_id = c.unique_id"""
    )
    return connection.execute(_PAIRS).fetchall()[0], cpu


def _accept(engine: Any, rows: Path) -> int:
    """Writes the rows as intake would have accepted them, one delivery a feed; returns how many."""
    import duckdb
    from sqlalchemy import text

    from hub.store.arrow import copy_in

    parts = "name, '', code, representative, phone, town, address, founded_on"
    memory = duckdb.connect()
    memory.execute(
        f"create table source as select *, md5(concat_ws(chr(31), {parts})) as profile_key from ({_source(rows)})"
    )
    with engine.begin() as connection:
        connection.execute(text("insert into archived_file (sha256, sm3, size, path) values ('x', 'x', 1, 'x')"))
        connection.execute(text("create table bench_truth (row_id bigint primary key, entity text)"))
        for (feed,) in memory.execute("select distinct feed from source order by 1").fetchall():
            connection.execute(
                text(
                    "insert into delivery (feed, department, name, sha256, as_of, coverage, state) "
                    "values (:feed, 'tax', :feed, 'x', '2026-11-01', 'full', 'received')"
                ),
                {"feed": feed},
            )
        deliveries = dict(map(tuple, connection.execute(text("select feed, delivery_id from delivery")).all()))
        memory.execute("create table delivery (feed varchar, delivery_id bigint)")
        memory.executemany("insert into delivery values (?, ?)", list(deliveries.items()))
        copies = {
            "profile": """select profile_key, any_value(name) as name, any_value(representative) as representative,
                coalesce('{' || any_value(code) || '}', '{}') as codes, any_value(phone) as phone, any_value(town) as town,
                any_value(address) as address, any_value(founded_on)::varchar as founded_on from source group by profile_key""",
            "source_row": """select row_id, delivery_id, feed, nth as row, 'accepted' as disposition, profile_key, '{}' as fields,
                '{}' as raw, md5(profile_key || nth) as content_key from source join delivery using (feed)""",
            "bench_truth": "select row_id, entity from source",
        }
        for table, query in copies.items():
            copy_in(connection, table, memory.sql(query).to_arrow_table())
        connection.execute(
            text(
                """update delivery d set state = 'accepted', rows_in = n, rows_accepted = n from (
                     select delivery_id, count(*) as n from source_row group by 1) c where c.delivery_id = d.delivery_id"""
            )
        )
        connection.execute(
            text("select setval(pg_get_serial_sequence('source_row', 'row_id'), (select max(row_id) from source_row))")
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    return int(memory.execute("select count(*) from source").fetchall()[0][0])


def _quality(url: Any) -> tuple[float, float]:
    from sqlalchemy import create_engine, text

    with create_engine(url).connect() as connection:
        connection.execute(
            text(
                """create temp view judged as select coalesce(l.coop_id, 'alone ' || s.row_id) as grp, t.entity
                   from source_row s join bench_truth t using (row_id) join link l using (profile_key)"""
            )
        )
        found = connection.execute(text(_PAIRS)).one()
        connection.rollback()
    return float(found[0]), float(found[1])


def _change(url: Any) -> int:
    """One row in a hundred comes corrected: another phone, in a delivery that replaces the row."""
    from sqlalchemy import create_engine, text

    steps = (
        """create temp table correction as select s.row_id, p.*, md5(s.profile_key || 'corrected') as new_key from source_row s
           join profile p using (profile_key) where s.row_id % 100 = 7""",
        """insert into profile (profile_key, name, codes, representative, phone, town, address, founded_on)
           select distinct on (new_key) new_key, name, codes, representative, '136' || right(row_id::text || '00000000', 8), town,
           address, founded_on from correction""",
        """insert into delivery (feed, department, name, sha256, as_of, coverage, state)
           values ('registry', 'tax', 'corrected', 'x', '2026-11-02', 'increment', 'received')""",
        """insert into source_row (delivery_id, feed, "row", disposition, profile_key, fields, raw, content_key)
           select (select max(delivery_id) from delivery), s.feed, s.row_id::int, 'accepted', c.new_key, '{}', '{}', md5(c.new_key)
           from correction c join source_row s using (row_id)""",
        """update source_row s set superseded_by = (select max(delivery_id) from delivery) from correction c
           where c.row_id = s.row_id""",
        """update delivery set state = 'accepted', rows_in = (select count(*) from correction),
           rows_accepted = (select count(*) from correction) where name = 'corrected'""",
    )
    with create_engine(url).begin() as connection:
        for step in steps:
            connection.execute(text(step))
        return int(connection.execute(text("select count(*) from correction")).scalar_one())
