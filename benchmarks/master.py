"""The master table of a county beside plain pandas merges on the same rows, and nights with one row, or one cooperative with all
its rows, in a hundred changed.

`--scale 1` is 27,500 cooperatives and 100,000 rows; `--scale 80` the 2.2 million and 8 million of a country. Rows are loaded first,
untimed; what is timed reads them from PostgreSQL and leaves the table there. pandas gives a part of the fields, one source a field,
to a frame in memory, and each value is compared with ours.
"""

from __future__ import annotations

import functools
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, text

from benchmarks.frame import Measure, timed, timed_in_child

if TYPE_CHECKING:
    import pandas as pd

COOPERATIVES = 27_500
DAY, NEXT, THIRD = date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)
PANDAS_UP_TO = 2.0  # scale up to which pandas takes part: beyond, it is a matter of patience
RANKED = ("representative", "address", "registry_status", "contributions", "members")
ONE_IN_A_HUNDRED = {
    "one row": (NEXT, "row_id % 100 = 0"),
    "one cooperative, all its rows,": (
        THIRD,
        "profile_key in (select profile_key from link where abs(hashtext(coop_id)) % 100 = 0)",
    ),
}


def run(scale: float) -> list[Measure]:
    """Whole projection, the same by pandas merges, an unchanged night, and two nights of one per cent."""
    from benchmarks.master_data import load_county, many_towns
    from hub.master.publication import project
    from hub.settings import load_settings
    from hub.store.database import open_engine

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        settings = load_settings(data=folder / "var")
        engine = open_engine(settings)
        deployment = many_towns(settings.deployment, int(COOPERATIVES * scale), folder)
        rows = load_county(engine, deployment, folder / "work", cooperatives=int(COOPERATIVES * scale), day=DAY)
        engine.dispose()

        def night(day: date) -> tuple[int, int]:
            own = open_engine(settings, migrate=False)
            summary = project(own, deployment, 1, day)
            own.dispose()
            return summary.rows, summary.changed

        whole, peak, (cooperatives, _) = timed_in_child(lambda: night(DAY))
        title = f"whole projection, {cooperatives:,} cooperatives"
        measures = [Measure(title, whole, rows, peak_mb=peak)]
        if scale <= PANDAS_UP_TO:
            seconds, frame = timed(lambda: by_pandas(engine))
            fields = _compare(engine, frame)
            measures.append(
                Measure("pandas merges", seconds, rows, against=title, note=f"{fields} fields, all equal to ours")
            )
        again, peak, _ = timed_in_child(lambda: night(NEXT))
        measures.append(Measure("a night without changes", again, rows, peak_mb=peak, against=title))
        for what, (day, chosen) in ONE_IN_A_HUNDRED.items():
            changed = change_rows(engine, day, chosen)
            seconds, peak, (_, moved) = timed_in_child(functools.partial(night, day))
            note = f"{changed:,} rows, {moved:,} cooperatives changed"
            title_of = f"a night with {what} in a hundred changed"
            measures.append(Measure(title_of, seconds, changed, peak_mb=peak, against=title, note=note))
        engine.dispose()
    return measures


def change_rows(engine: Engine, day: date, chosen: str) -> int:
    """The chosen rows are sent again with another representative, or, where the feed names none, another content."""
    from benchmarks.master_data import delivery_of
    from hub.feeds import Coverage, feed_catalogue

    total = 0
    with engine.begin() as connection:
        run_id = connection.execute(
            text("insert into run (kind, business_date) values ('nightly', :d) returning run_id"), {"d": day}
        ).scalar_one()
        for feed in feed_catalogue().values():
            delivery = delivery_of(
                connection, feed, run=run_id, day=day, name=f"变更{day}.parquet", rows=0, coverage=Coverage.INCREMENT
            )
            said = (
                "'representative', '改' || row_id % 1000"
                if "representative" in feed.by_name
                else "'name', fields->>'name'"
            )
            total += connection.execute(
                text(
                    f"""insert into source_row (delivery_id, feed, row, disposition, profile_key, fields, raw, content_key)
                        select :d, feed, row, 'accepted', profile_key, fields::jsonb || jsonb_build_object({said}), '{{}}', md5(content_key)
                        from source_row where feed = :f and disposition = 'accepted' and {chosen}
                          and delivery_id not in (select delivery_id from delivery where name like '变更%')"""
                ),
                {"d": delivery, "f": feed.feed},
            ).rowcount
    return total


def by_pandas(engine: Engine) -> pd.DataFrame:
    """The master table as an analyst would merge it: read a feed, unfold it, keep one row a cooperative, merge, fill from the next."""
    import json

    import pandas as pd

    from hub.feeds import feed_catalogue
    from hub.master.fields import master_field

    feeds: dict[str, pd.DataFrame] = {}
    links = pd.read_sql_query(
        text("select profile_key, coop_id from link where coop_id is not null and link <> 'review'"), engine
    )
    for feed in feed_catalogue():
        rows = pd.read_sql_query(
            text(
                "select delivery_id, profile_key, fields::text as fields from source_row where feed = :f and disposition = 'accepted'"
            ),
            engine,
            params={"f": feed},
        )
        unfolded = pd.DataFrame([json.loads(f) for f in rows.fields], index=rows.index)
        unfolded = unfolded.drop(columns=[c for c in ("delivery_id", "profile_key") if c in unfolded])
        feeds[feed] = rows.drop(columns="fields").join(unfolded).merge(links, on="profile_key")
    master = pd.DataFrame({"coop_id": sorted(set().union(*(f.coop_id for f in feeds.values())))})

    def take(field: str, frame: pd.DataFrame) -> None:
        nonlocal master
        master = master.merge(frame[["coop_id", field]], on="coop_id", how="left")

    def statements(field: str) -> pd.DataFrame:
        parts = []
        for rank, source in enumerate(master_field(field).sources):
            feed, _, column = source.partition(".")
            if column in feeds[feed]:
                part = feeds[feed][["coop_id", "delivery_id", column]].dropna().rename(columns={column: field})
                parts.append(part.assign(rank=rank))
        return pd.concat(parts)

    for field in RANKED:
        take(field, statements(field).sort_values(["rank", field]).drop_duplicates("coop_id"))
    phones = statements("phone")
    phones = phones[phones.phone.str.len() >= 7].sort_values(
        ["delivery_id", "rank", "phone"], ascending=[False, True, True]
    )
    take("phone", phones.drop_duplicates("coop_id"))
    tax = feeds["tax_registration"]
    take("tax_registrations", tax.groupby("coop_id").size().rename("tax_registrations").reset_index())
    states = {
        s: i for i, s in enumerate(("03", "04", "06", "05", "08", "07", "13", "02", "01", "12", "11", "10", "09", "99"))
    }
    best = tax.assign(place=tax.status.map(states).fillna(99)).sort_values("place").drop_duplicates("coop_id")
    take("tax_status", best.rename(columns={"status": "tax_status"}))
    listed = feeds["market_abnormal"]
    take("abnormal_times", listed.groupby("coop_id").size().rename("abnormal_times").reset_index())
    removed = pd.to_datetime(listed.removed_on) <= pd.Timestamp(DAY)
    take("abnormal_since", listed[~removed].groupby("coop_id").listed_on.min().rename("abnormal_since").reset_index())
    support = pd.concat(
        [
            feeds[f][["coop_id", "amount"]]
            for f in ("fiscal_support", "development_reform", "support_measures")
            if "amount" in feeds[f]
        ]
    )
    take("support_total", support.groupby("coop_id").amount.sum().round(2).rename("support_total").reset_index())
    return master


def _compare(engine: Engine, frame: pd.DataFrame) -> int:
    """How many fields pandas gave. Raises when any of its values is not ours."""
    import pandas as pd

    fields = [c for c in frame.columns if c != "coop_id"]
    ours = pd.read_sql_query(text("select coop_id, fields from cooperative order by coop_id"), engine)
    table = pd.DataFrame(list(ours.fields), index=ours.coop_id)
    theirs = frame.set_index("coop_id").loc[table.index]
    for field in fields:
        one, other = (_plain(side[field]) for side in (table, theirs))
        if differing := int((one != other).sum()):
            raise AssertionError(f"{field}: {differing} of {len(table)} values differ")
    return len(fields)


def _plain(column: pd.Series[Any]) -> pd.Series[str]:
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    texts = column.astype("object").where(column.notna(), "").astype(str)
    return texts.where(numbers.isna(), numbers.map("{:.2f}".format))
