"""A county of millions in the hub's tables, as a night would have left it: rows normalised by the intake's own code, linked by
the truth, written in bulk. Only the projection is measured on it, so files, checks and matching are left out.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

from hub.deployment import Deployment
from hub.feeds import Coverage, Feed, feed_catalogue
from hub.store.arrow import copy_in

if TYPE_CHECKING:
    import pyarrow as pa

SEED = 20_261_101
ROWS_A_COOPERATIVE = 8 / 2.2  # what is asked for: 8 million records of 2.2 million cooperatives
SLICE = 400_000
_REGISTRY_FIRST = "registry"  # whole; the other feeds are thinned out to the number of rows asked for


def many_towns(folder: Path, cooperatives: int, out: Path) -> Deployment:
    """A county's deployment with as many towns as the generator gives so many cooperatives."""
    import yaml

    from hub.demo.scale import town_names
    from hub.deployment import load_deployment

    own = out / "deployment"
    shutil.copytree(folder, own)
    county = load_deployment(folder).county
    towns = town_names(county, max(len(county.towns), min(2000, cooperatives // 50)))
    data = yaml.safe_load((own / "county.yaml").read_text(encoding="utf-8"))
    named = {t["name"]: t for t in data["towns"]}
    data["towns"] = [named.get(t, {"name": t}) for t in towns]
    (own / "county.yaml").write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return load_deployment(own)


def load_county(engine: Engine, deployment: Deployment, folder: Path, *, cooperatives: int, day: date) -> int:
    """Fills an empty hub database; returns the number of source rows. `folder` is for work in progress."""
    from hub.demo.scale import generate_scale

    result = generate_scale(folder, cooperatives=cooperatives, county=deployment.county, seed=SEED)
    others = result.total - result.rows[_REGISTRY_FIRST]
    share = min(1.0, (ROWS_A_COOPERATIVE * cooperatives - result.rows[_REGISTRY_FIRST]) / others)
    with engine.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(text("set local synchronous_commit = off"))
        run = connection.execute(
            text("insert into run (kind, business_date) values ('nightly', :d) returning run_id"), {"d": day}
        ).scalar_one()
        indexes = _without_indexes(connection)
        total = 0
        for feed in feed_catalogue().values():
            path = folder / "inbox" / feed.feed / f"{feed.feed}.parquet"
            if path.exists():
                total += _load_feed(connection, feed, path, folder, run=run, day=day, share=_share(feed, share))
        _profiles(connection)
        for statement in indexes:
            connection.execute(text(statement))
    shutil.rmtree(folder)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("source_row", "profile", "link", "cooperative_id"):
            connection.execute(text(f"vacuum analyze {table}"))
    return total


def _share(feed: Feed, share: float) -> float:
    return 1.0 if feed.feed == _REGISTRY_FIRST else share


def _without_indexes(connection: Connection) -> list[str]:
    """Drops the indexes of the row table for the time of loading; returns what makes them again."""
    found = connection.execute(
        text(
            """select indexdef, conname, indexname, pg_get_constraintdef(c.oid) as definition from pg_indexes i
               left join pg_constraint c on c.conname = i.indexname and c.conrelid = 'source_row'::regclass
               where tablename = 'source_row'"""
        )
    ).all()
    again = []
    for r in found:
        if r.conname:
            connection.execute(text(f'alter table source_row drop constraint "{r.conname}" cascade'))
            again.append(f'alter table source_row add constraint "{r.conname}" {r.definition}')
        else:
            connection.execute(text(f'drop index "{r.indexname}"'))
            again.append(r.indexdef)
    return again


def delivery_of(
    connection: Connection, feed: Feed, *, run: int, day: date, name: str, rows: int, coverage: Coverage
) -> int:
    """An accepted delivery; returns its id."""
    sha = f"{feed.feed}-{name}"
    connection.execute(
        text("insert into archived_file (sha256, sm3, size, path) values (:s, :s, 1, :s) on conflict do nothing"),
        {"s": sha},
    )
    return int(
        connection.execute(
            text(
                """insert into delivery (feed, department, name, sha256, run_id, as_of, coverage, state, accepted_at, rows_in, rows_accepted)
                   values (:feed, :department, :name, :sha, :run, :day, :coverage, 'accepted', now(), :n, :n) returning delivery_id"""
            ),
            {"feed": feed.feed, "department": feed.department, "name": name, "sha": sha, "run": run, "day": day,
             "coverage": coverage.value, "n": rows},
        ).scalar_one()
    )  # fmt: skip


def _load_feed(
    connection: Connection, feed: Feed, path: Path, folder: Path, *, run: int, day: date, share: float
) -> int:
    import duckdb

    delivery = delivery_of(
        connection, feed, run=run, day=day, name=f"{feed.title.zh}.parquet", rows=0, coverage=feed.coverage
    )
    total = 0
    for rows in _staged(feed, path, share):
        with duckdb.connect() as duck:
            duck.register("staged", rows)
            duck.execute("create table said as select row as row_no, fields, content_key, profile_key from staged")
            duck.execute(
                f"""create table linked as
                    select s.*, case when t.kind = 'coop' then t.entity end as coop_id
                    from said s join (select source, row, any_value(kind) as kind, any_value(entity) as entity
                    from '{folder}/truth.parquet' where source = '{feed.feed}' group by all) t on t.row = s.row_no + 1"""
            )
            written = duck.sql(
                f"""select {delivery}::bigint as delivery_id, '{feed.feed}' as feed, row_no as "row",
                    case when coop_id is null then 'out_of_scope' else 'accepted' end as disposition, profile_key, fields, '{{}}' as raw,
                    content_key from linked where profile_key is not null"""
            ).to_arrow_table()
            total += copy_in(connection, "source_row", written)
            links = duck.sql(
                """select profile_key, min(coop_id) as coop_id, 'identifier' as link, '压力测试' as reason from linked
                   where coop_id is not null and profile_key is not null group by profile_key"""
            ).to_arrow_table()
            connection.execute(
                text(
                    "create temp table if not exists said_link (profile_key text, coop_id text, link text, reason text) on commit drop"
                )
            )
            copy_in(connection, "said_link", links)
    connection.execute(
        text("update delivery set rows_in = :n, rows_accepted = :n where delivery_id = :d"), {"n": total, "d": delivery}
    )
    return total


def _staged(feed: Feed, path: Path, share: float) -> Iterator[pa.Table]:
    """The feed's rows in slices, normalised as the intake does: row, profile_key, fields (JSON) and content_key."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    from hub.intake.normalise import normalise_reading
    from hub.intake.reader.columnar import read_parquet
    from hub.intake.reader.model import Reading

    declared = [f.name for f in feed.fields]
    first = 0
    for batch in pq.ParquetFile(path).iter_batches(SLICE):
        bytes_ = io.BytesIO()
        pq.write_table(pa.Table.from_batches([batch]), bytes_)
        staged = normalise_reading(Reading(file=path.name, sheets=[read_parquet(bytes_.getvalue())]), feed).rows
        saying = ", ".join(f'"{n}" := "{n}"' for n in declared)
        telling = ", ".join(f'"{n}" := "{n}"' for n in declared if n != "serial")
        with duckdb.connect() as duck:
            duck.register("rows", staged)
            yield duck.sql(
                f"""select row + {first} as row, profile_key,
                    cast(json_merge_patch('{{}}', to_json(struct_pack({saying}))) as varchar) as fields,
                    md5(cast(json_merge_patch('{{}}', to_json(struct_pack({telling}))) as varchar)) as content_key
                    from rows where hash(row + {first}, '{feed.feed}') % 10000 < {int(share * 10000)}"""
            ).to_arrow_table()
        first += batch.num_rows


def _profiles(connection: Connection) -> None:
    for statement in (
        "insert into cooperative_id (coop_id) select distinct coop_id from said_link",
        "insert into profile (profile_key) select distinct profile_key from said_link",
        "insert into link (profile_key, coop_id, link, reason) select profile_key, min(coop_id), min(link), min(reason) from said_link group by 1",
    ):
        connection.execute(text(statement))
