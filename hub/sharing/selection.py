"""Which rows and values an agreement lets out: filters, masks, dispute flags, order. Set-based, in DuckDB.

The only way from a dataset to an extract. Columns are named one by one from the agreement, so that a field no
agreement names is not even read.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from hub.deployment import Department, Deployment
from hub.errors import ConfigurationError
from hub.sharing.agreements import ENDINGS, Agreement, Listing, Mask, recipients_of
from hub.sharing.columns import DISPUTE, ExtractColumn, extract_columns
from hub.sharing.masks import pseudonyms
from hub.sharing.sources import Dataset
from hub.sharing.sql import literal, literals, name, one_row

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_HIDDEN_COOP = "__coop_id"  # rides along in the working table, never in a file, unless the agreement names coop_id


_PSEUDONYMS_AT_ONCE = 50_000


def view_of(dataset: str) -> str:
    """The name under which selections know a dataset."""
    return f"dataset_{dataset}"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A flagged correction: the cooperative, the field (None: the whole row) and, where given, the disputed value and
    the values that single out the row."""

    correction_id: int
    coop_id: str
    field: str | None = None
    value: str | None = None
    record: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be published: a DuckDB table `selected` and its columns."""

    columns: tuple[ExtractColumn, ...]
    rows: int


@contextmanager
def workspace(scratch: Path, *, memory_mb: int = 256) -> Iterator[DuckDBPyConnection]:
    """A private DuckDB whose spilled pages lie in `scratch`; memory does not grow with rows beyond its limit."""
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute(f"set memory_limit = '{memory_mb}MB'")
        connection.execute(f"set temp_directory = {literal(str(scratch))}")
        connection.execute("set preserve_insertion_order = true")
        connection.execute("set enable_progress_bar = false")
        yield connection
    finally:
        connection.close()


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _as_text(field_name: str) -> str:
    return f"cast({name(field_name)} as varchar)"


def _one_of(field_name: str, values: Sequence[str | int | bool]) -> str:
    texts = [("true" if v else "false") if isinstance(v, bool) else str(v) for v in values]
    return f"{_as_text(field_name)} in {literals(texts)}"


def _current(fields: Sequence[str], as_of: date) -> list[str]:
    """Entries that have not ended by `as_of`; a date that cannot be read counts as an end."""
    return [
        f"({name(f)} is null or coalesce(try_cast({name(f)} as date) > {literal(as_of)}, false))"
        for f in ENDINGS
        if f in fields
    ]


def town_names(recipient: Department, deployment: Deployment) -> tuple[str, ...]:
    """The names a township's rows may carry: its own, its former ones and its short ones."""
    towns = [t for t in deployment.county.towns if t.name == recipient.town]
    named = [recipient.town] if recipient.town else []
    return tuple(dict.fromkeys([*named, *(n for t in towns for n in (t.name, *t.former, *t.short))]))


def own_datasets(recipient: Department, deployment: Deployment, datasets: Mapping[str, Dataset]) -> list[str]:
    """The datasets that a department, and nobody else, gives."""
    declared = deployment.feed_by_name
    return [
        d.name
        for d in datasets.values()
        if d.feeds and all(f in declared and deployment.sender_of(f) == recipient.id for f in d.feeds)
    ]


def datasets_needed(
    agreements: Iterable[Agreement], deployment: Deployment, datasets: Mapping[str, Dataset]
) -> list[str]:
    """The datasets that publishing these agreements reads, filters included."""
    needed: dict[str, None] = {}
    for agreement in agreements:
        needed[agreement.dataset] = None
        needed |= dict.fromkeys(e.dataset for e in (*agreement.rows.listed_in, *agreement.rows.not_listed_in))
        if agreement.rows.own_cooperatives:
            for recipient in recipients_of(agreement, deployment):
                needed |= dict.fromkeys(own_datasets(recipient, deployment, datasets))
    return list(needed)


class Selector:
    """Makes selections for one published state. Datasets lie as Parquet in `folder` while they are selected from, so that
    memory does not grow with their rows; one that was not kept beforehand is read by `read`."""

    def __init__(  # noqa: PLR0917 -- made in two places
        self,
        duck: DuckDBPyConnection,
        deployment: Deployment,
        datasets: dict[str, Dataset],
        read: Callable[[str], pa.Table],
        as_of: date,
        folder: Path,
    ) -> None:
        self._duck, self._deployment, self._datasets, self._read, self._as_of = duck, deployment, datasets, read, as_of
        self._folder = folder
        self._schemas: dict[str, pa.Schema] = {}
        self._dates: dict[tuple[str, str], bool] = {}

    def title(self, dataset: str) -> str:
        """A dataset's title in Chinese."""
        return self._datasets[dataset].title.zh

    def keep(self, dataset: str, rows: pa.RecordBatchReader) -> None:
        """Writes a dataset's rows, exactly its declared columns, where selections read them.

        Raises:
            ConfigurationError: the dataset lacks a column it declares.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        declared = [f.name for f in self._datasets[dataset].fields]
        if missing := [f for f in declared if f not in rows.schema.names]:
            raise ConfigurationError(
                f"数据集 {dataset} 缺少已声明的字段：{'、'.join(missing)}。",
                next_step="升级数据库结构并重新投影总表后重试。",
            )
        schema = pa.schema([rows.schema.field(f) for f in declared])
        path = self._folder / f"dataset-{dataset}.parquet"
        with pq.ParquetWriter(path, schema, compression="lz4") as writer:
            for batch in rows:
                writer.write_batch(batch.select(declared))
        self._duck.execute(
            f"create or replace view {name(view_of(dataset))} as select * from read_parquet({literal(str(path))})"
        )
        self._schemas[dataset] = schema

    def table(self, dataset: str) -> pa.Table:
        """A dataset's rows as a whole; only for what looks a few things up."""
        self._schema(dataset)
        return self._duck.sql(f"select * from {name(view_of(dataset))}").to_arrow_table()

    def _schema(self, dataset: str) -> pa.Schema:
        if dataset not in self._schemas:
            self.keep(dataset, self._read(dataset).to_reader())
        return self._schemas[dataset]

    def _all_dates(self, dataset: str, field_name: str) -> bool:
        """Whether every text of a field is a date."""
        if (dataset, field_name) not in self._dates:
            iso = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
            found = one_row(
                self._duck,
                f"select coalesce(bool_and(regexp_full_match({name(field_name)}, '{iso}')), true) "
                f"from {name(view_of(dataset))}",
            )
            self._dates[dataset, field_name] = bool(found[0])
        return self._dates[dataset, field_name]

    def _hide(self, dataset: str, field_name: str, key: bytes) -> str:
        """Fills a table of a field's distinct values with their pseudonyms; its name."""
        import pyarrow as pa

        hidden = f"pseudonym_{field_name}"
        self._duck.execute(f"create or replace table {name(hidden)} (value varchar, pseudonym varchar)")
        with self._duck.cursor() as values:  # read here, written there: one stream is open while rows go in
            batches = values.sql(
                f"select distinct {_as_text(field_name)} from {name(view_of(dataset))} where {name(field_name)} is not null"
            ).to_arrow_reader(_PSEUDONYMS_AT_ONCE)
            for batch in batches:
                made = pa.table({"value": batch.column(0), "pseudonym": pseudonyms(batch.column(0), key)})
                self._duck.register("made", made)
                self._duck.execute(f"insert into {name(hidden)} select * from made")
                self._duck.unregister("made")
        return hidden

    def _listing(self, listing: Listing) -> str:
        fields = self._schema(listing.dataset).names
        conditions = ["coop_id is not null", *(_one_of(f, v) for f, v in listing.only.items())]
        if listing.current:
            conditions += _current(fields, self._as_of)
        return f"select coop_id from {name(view_of(listing.dataset))} where {' and '.join(conditions)}"

    def _own(self, recipient: Department) -> list[str]:
        """Queries for the cooperatives in datasets that the recipient, and nobody else, gives."""
        own = own_datasets(recipient, self._deployment, self._datasets)
        return [self._listing(Listing(dataset=d)) for d in own]

    def _conditions(self, agreement: Agreement, recipient: Department, fields: Sequence[str]) -> list[str]:
        rows = agreement.rows
        conditions = ["coop_id is not null", *(_one_of(f, v) for f, v in rows.only.items())]
        conditions += [f"coalesce(not ({_one_of(f, v)}), true)" for f, v in rows.excluding.items()]
        if rows.own_town:
            conditions.append(f"town in {literals(town_names(recipient, self._deployment))}")
        if rows.own_cooperatives:
            own = self._own(recipient)
            conditions.append(f"coop_id in ({' union '.join(own)})" if own else "false")
        if rows.listed_in:
            conditions.append(f"coop_id in ({' union '.join(map(self._listing, rows.listed_in))})")
        conditions += [
            f"not exists (select 1 from ({self._listing(e)}) e where e.coop_id = source.coop_id)"
            for e in rows.not_listed_in
        ]
        if rows.current:
            conditions += _current(fields, self._as_of)
        if rows.since:
            first = rows.since.day or _months_before(self._as_of, rows.since.months or 0)
            conditions.append(f"try_cast({name(rows.since.field)} as date) >= {literal(first)}")
        return conditions

    def select(
        self, agreement: Agreement, recipient: Department, disputes: Sequence[Dispute], key: Callable[[], bytes]
    ) -> Selection:
        """Fills the DuckDB table `selected` with what this recipient may have, in the published order: by town, name
        and id of the cooperative where they leave in the clear, then by the values themselves. `key` makes the recipient's pseudonym key."""
        schema, dataset = self._schema(agreement.dataset), self._datasets[agreement.dataset]
        columns = extract_columns(agreement, dataset, schema, lambda f: self._all_dates(agreement.dataset, f))
        # the clear values stay beside the pseudonyms for filters and order, under the dataset's own names
        hidden = {
            f: self._hide(agreement.dataset, f, key())
            for f in agreement.fields
            if agreement.mask_of(f) is Mask.PSEUDONYM
        }
        shown = [
            f"(select p.pseudonym from {name(hidden[c.name])} p where p.value = cast(chosen.{name(c.name)} as varchar)) "
            f"as {name(c.name)}"
            if c.name in hidden
            else f"{c.machine()} as {name(c.name)}"
            for c in columns
            if c.name != DISPUTE
        ]
        conditions = self._conditions(agreement, recipient, schema.names)
        rows_in = f"{name(view_of(agreement.dataset))} as source"
        # a column that does not leave in the clear must not show through the order either
        clear = {c.name for c in columns if c.mask is Mask.CLEAR}
        order = [f for f in ("town", "name", "coop_id") if f in clear]
        sorting = [f"chosen.{name(f)} nulls last" for f in order]
        sorting += [f"{i} nulls last" for i in range(1, len(shown) + 1)]
        where = " and ".join(conditions)
        if disputes:
            self._register_disputes(disputes)
            rows_of = (
                f"with chosen as (select *, row_number() over () as __n from {rows_in} where {where}), "
                f"flags as ({self._flags(columns, schema.names)})"
            )
            note, joined = "flags.note", "chosen left join flags using (__n)"
        else:  # most nights: nothing to look up, and a plan a tenth the size
            rows_of = f"with chosen as (select * from {rows_in} where {where})"
            note, joined = "cast(null as varchar)", "chosen"
        self._duck.execute(
            f"""
            create or replace table selected as {rows_of}
            select {", ".join(shown)}, {note} as {name(DISPUTE)}, chosen.coop_id as {_HIDDEN_COOP}
            from {joined} order by {", ".join(sorting)}
            """
        )
        counted = one_row(self._duck, "select count(*) from selected")
        return Selection(columns, int(counted[0]))

    def cooperatives(self) -> list[str]:
        """Ids of the cooperatives the last selection holds, in order."""
        found = self._duck.execute(
            f"select distinct {_HIDDEN_COOP} from selected where {_HIDDEN_COOP} is not null order by 1"
        )
        return [str(r[0]) for r in found.fetchall()]

    def _register_disputes(self, disputes: Sequence[Dispute]) -> None:
        self._duck.execute(
            "create or replace temp table disputes (correction_id bigint, coop_id varchar, field varchar, value varchar)"
        )
        self._duck.execute(
            "create or replace temp table dispute_record (correction_id bigint, field varchar, value varchar)"
        )
        for d in disputes:
            self._duck.execute(
                "insert into disputes values (?, ?, ?, ?)", [d.correction_id, d.coop_id, d.field, d.value]
            )
            for field_name, value in d.record:
                self._duck.execute("insert into dispute_record values (?, ?, ?)", [d.correction_id, field_name, value])

    @staticmethod
    def _flags(columns: Sequence[ExtractColumn], fields: Sequence[str]) -> str:
        """One note a row with flagged disputes. A dispute about a field that does not leave is not told."""
        cases = " ".join(f"when {literal(f)} then {_as_text(f)}" for f in fields)
        titles = " ".join(f"when {literal(c.name)} then {literal(c.title)}" for c in columns)
        leaving = literals([c.name for c in columns])
        return f"""
            select __n, string_agg(
              case when d.field is null then '整行有争议' else '“' || (case d.field {titles} end) || '”有争议' end
              || '（校核纠错第' || d.correction_id || '号）', '；' order by d.correction_id) as note
            from chosen join disputes d using (coop_id)
            where (d.field is null or d.field in {leaving})
              and (d.value is null or d.field is null or (case d.field {cases} end) = d.value)
              and not exists (
                select 1 from dispute_record k where k.correction_id = d.correction_id
                and (case k.field {cases} end) is distinct from k.value)
            group by __n
        """
