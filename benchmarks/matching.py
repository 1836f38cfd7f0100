"""Who is who, beside Splink's usual recipe on the same rows: 100 thousand of them, `--scale 10` for a million.

Ours is the whole step on accepted rows in PostgreSQL: read, parse, candidates, score, cluster, ids, links written. Splink's is
training, predicting and clustering alone, on a table in memory. Then a night that changed one row in a hundred, wherever it lies,
and one that changed every row of one cooperative in a hundred. `--scale 80` is a country: the master's benchmark's 2.2 million
cooperatives with 8 million rows; Splink does not take part.
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
COUNTRY = 80.0  # scale from which each cooperative has `master_data.ROWS_A_COOPERATIVE` rows, and Splink is left out
_EMPTY = "('', '无', '/', '——', '-', '未提供', '暂无')"

_ONE_IN_A_HUNDRED = {
    "one row in a hundred": "s.row_id % 100 = 7",
    "all rows of one cooperative in a hundred": "s.row_id in (select row_id from bench_truth where abs(hashtext(entity)) % 100 = 7)",
}

_PAIRS = """
    with x as (select grp, entity, count(*) as n from judged group by 1, 2)
    select sum(n * (n - 1) / 2) / greatest((select sum(m * (m - 1) / 2) from (select sum(n) as m from x group by grp) made), 1),
           sum(n * (n - 1) / 2) / (select sum(m * (m - 1) / 2) from (select sum(n) as m from x group by entity) wanted)
    from x
"""


def run(scale: float) -> list[Measure]:
    """Splink, the first matching, two nights of one in a hundred changed, a night with nothing changed."""
    from benchmarks.master_data import ROWS_A_COOPERATIVE
    from hub.demo.scale import generate_scale
    from hub.deployment import load_deployment
    from hub.settings import REPOSITORY, load_settings
    from hub.store.database import open_engine

    deployment = load_deployment(REPOSITORY / "deployments" / "demo")
    country = scale >= COUNTRY
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        cooperatives = int(ROWS * scale / (ROWS_A_COOPERATIVE if country else _ROWS_A_COOPERATIVE))
        generate_scale(data / "county", cooperatives=cooperatives, county=deployment.county, seed=11)
        rows = data / "county" / "rows.parquet"
        settings = load_settings(data=data / "var")
        engine = open_engine(settings)
        count = _accept(engine, rows, int(ROWS * scale) if country else None)
        url = engine.url
        engine.dispose()
        recipe = None if country else f"Splink's usual recipe, {count:,} rows"
        whole = f"whole step from nothing, links written, {count:,} rows"
        measures: list[Measure] = []
        if recipe:
            splink, peak, (quality, cpu) = timed_in_child(lambda: _splink(rows, data))
            measures.append(Measure(recipe, splink, count, peak, note=f"{_told(quality)}; cpu {cpu:.0f} s"))

        def night() -> tuple[Any, float]:
            from sqlalchemy import create_engine

            from hub.matching.resolve import resolve
            from hub.matching.workspace import workspace_of

            done = resolve(create_engine(url), deployment, None, workspace=workspace_of(settings.data))
            return done, _cpu()

        full, peak, (first, cpu) = timed_in_child(night)
        assert first.full
        measures.append(
            Measure(
                whole, full, count, peak, recipe, f"{_told(_quality(url))}; {first.cooperatives:,}; cpu {cpu:.0f} s"
            )
        )
        for what, chosen in _ONE_IN_A_HUNDRED.items():
            changed = _change(url, what, chosen)
            seconds, peak, (done, cpu) = timed_in_child(night)
            assert not done.full
            note = f"{done.looked_at:,} of {done.profiles:,} profiles looked at; cpu {cpu:.1f} s"
            measures.append(Measure(f"a night with {changed:,} rows changed: {what}", seconds, None, peak, whole, note))
        unchanged, _, _ = timed_in_child(night)
        measures.append(Measure("a night with nothing changed", unchanged, None, None, whole))
    return measures


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


def _accept(engine: Any, rows: Path, wanted: int | None = None) -> int:
    """Writes the rows as intake would have accepted them, one delivery a feed; returns how many.

    Of more than `wanted` rows, those of the registry stay whole and the other feeds are thinned out.
    """
    import duckdb
    from sqlalchemy import text

    from hub.store.arrow import copy_in

    parts = "name, '', code, representative, phone, town, address, founded_on"
    memory = duckdb.connect()
    memory.execute(
        f"create table source as select *, md5(concat_ws(chr(31), {parts})) as profile_key from ({_source(rows)})"
    )
    if wanted:
        memory.execute(
            """delete from source where feed <> 'registry' and hash(row_id) % 10000 >= 10000 * (
                 select (? - count(*) filter (feed = 'registry')) / count(*) filter (feed <> 'registry') from source)""",
            [wanted],
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


def _change(url: Any, name: str, chosen: str) -> int:
    """The chosen rows come corrected: another phone, in a delivery `name` that replaces the row; returns how many."""
    from sqlalchemy import create_engine, text

    steps = (
        f"""create temp table correction as select s.row_id, p.*, md5(s.profile_key || '{name}') as new_key from source_row s
           join profile p using (profile_key) where s.superseded_by is null and {chosen}""",
        """insert into profile (profile_key, name, codes, representative, phone, town, address, founded_on)
           select distinct on (new_key) new_key, name, codes, representative, '136' || right(row_id::text || '00000000', 8), town,
           address, founded_on from correction""",
        f"""insert into delivery (feed, department, name, sha256, as_of, coverage, state)
           values ('registry', 'tax', '{name}', 'x', '2026-11-02', 'increment', 'received')""",
        """insert into source_row (delivery_id, feed, "row", disposition, profile_key, fields, raw, content_key)
           select (select max(delivery_id) from delivery), s.feed, s.row_id::int, 'accepted', c.new_key, '{}', '{}', md5(c.new_key)
           from correction c join source_row s using (row_id)""",
        """update source_row s set superseded_by = (select max(delivery_id) from delivery) from correction c
           where c.row_id = s.row_id""",
        f"""update delivery set state = 'accepted', rows_in = (select count(*) from correction),
           rows_accepted = (select count(*) from correction) where name = '{name}'""",
    )
    with create_engine(url).begin() as connection:
        for step in steps:
            connection.execute(text(step))
        return int(connection.execute(text("select count(*) from correction")).scalar_one())
