"""Database connector: a table or view another office opens to us (前置机库表). One query is one delivery, a Parquet
file. Reads only; keeps progress by a cursor column (`connectors.cursor`) or takes everything each time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from connectors.contract import Connector, Discovered, Fetched, Item, Listing, Options, State
from connectors.cursor import Progress, Row
from connectors.database_errors import database_errors
from connectors.database_limits import limit_session
from connectors.database_table import describe_table, kind_of, table_names
from connectors.landing import landing
from connectors.names import shown
from connectors.parquet_rows import ParquetRows, as_text
from connectors.retry import with_retries
from connectors.secrets import declared, one_place_only, read_secret
from hub.errors import ConfigurationError, FormatError

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Engine, Select, Table
    from sqlalchemy.engine import URL

_BATCH = 5_000
_LATER = 5  # seconds
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
Seconds = Annotated[int, Field(ge=1, le=86_400)]


class DatabaseOptions(Options):
    """Options of a table or view. The URL carries no password unless it is itself a secret (`url_env`, `url_file`)."""

    url: str | None = None
    url_env: str | None = None
    url_file: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    table: Annotated[str, Field(min_length=1)]
    db_schema: Annotated[str | None, Field(alias="schema")] = None
    columns: tuple[str, ...] = ()  # default: all
    where: dict[str, str | int | bool | tuple[str | int, ...]] = Field(
        default_factory=dict
    )  # column: value, or one of several values
    cursor: str | None = None  # column that grows; default: everything each time
    overlap: Annotated[float, Field(ge=0)] = 0  # ask again this far back: seconds for times, units for numbers
    order_by: tuple[str, ...] = ()  # default: the primary key, otherwise every column
    timezone: str = "Asia/Shanghai"
    connect_seconds: Seconds = 15
    statement_seconds: Seconds = 600

    @field_validator("url")
    @classmethod
    def _no_password_in_the_open(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parsed = _parsed(value)
            except ConfigurationError as error:
                raise ValueError(error.message) from None
            if parsed.password:
                raise ValueError("url 里不能写密码，请用 password_env、password_file、url_env 或 url_file")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("没有这个时区") from None
        return value

    @model_validator(mode="after")
    def _one_url(self) -> DatabaseOptions:
        one_place_only(self, "url", "password")
        if bool(self.url) == declared(self, "url"):
            raise ValueError("须写 url、url_env、url_file 之一")
        return self


def _parsed(url: str) -> URL:
    """A URL with its driver named: SQLAlchemy's own choice for a bare name differs between versions."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "数据库 url 的写法不对。", next_step="写成 postgresql://用户@主机:端口/库 或 mysql://用户@主机:端口/库。"
        ) from None
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))


class DatabaseConnector(Connector):
    kind = "database"
    options_model = DatabaseOptions
    options: DatabaseOptions

    def __init__(self, options: DatabaseOptions, **place: Any) -> None:
        super().__init__(options, **place)
        self.options = options
        self.zone = ZoneInfo(options.timezone)
        self.title = f"{options.db_schema}.{options.table}" if options.db_schema else options.table
        self._engine: Engine | None = None

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @property
    def place(self) -> str:
        if self.options.url is None:
            return f"{self.title}（地址由 {self.options.url_env or self.options.url_file} 给出）"
        return f"{_parsed(self.options.url).render_as_string(hide_password=True)} {self.title}"

    # connecting

    def _url(self) -> URL:
        secret = read_secret(self.options, "url", "数据库 url", self.environment, self.folder)
        url = _parsed(secret or self.options.url or "")
        password = read_secret(self.options, "password", "数据库密码", self.environment, self.folder)
        return url.set(password=password) if password else url

    def _open(self) -> Engine:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        if self._engine is None:
            url, options = self._url(), self.options
            more: dict[str, Any] = {}
            if url.get_backend_name() == "postgresql":
                limits = f"-c statement_timeout={options.statement_seconds}s -c default_transaction_read_only=on"
                more = {
                    "connect_args": {
                        "connect_timeout": options.connect_seconds,
                        "options": limits,
                        "keepalives_idle": 30,
                        "keepalives_interval": 10,
                        "keepalives_count": 3,
                    },
                    "isolation_level": "REPEATABLE READ",
                }
            elif url.get_backend_name() in {"mysql", "mariadb"}:
                silence = options.statement_seconds + _LATER  # the server's own limit speaks first, and says what it is
                limits_of_time = {"read_timeout": silence, "write_timeout": silence}
                more = {"connect_args": {"connect_timeout": options.connect_seconds, **limits_of_time}}
            self._engine = create_engine(url, poolclass=NullPool, hide_parameters=True, **more)
            if url.get_backend_name() in {"mysql", "mariadb"}:
                limit_session(self._engine, options.statement_seconds)
        return self._engine

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with database_errors(self.title), self._open().connect() as connection:
            yield connection

    # what is there

    def _table(self, connection: Connection) -> Table:
        options = self.options
        asked = {*options.columns, *options.where, *options.order_by, *([options.cursor] if options.cursor else [])}
        return describe_table(connection, options.table, options.db_schema, asked)

    def _look(self) -> str:
        def look() -> str:
            with self._connected() as connection:
                table = self._table(connection)
                row = connection.execute(self._select(table).limit(1)).first()
                return f"“{self.title}”可读，{len(table.columns)} 列，{'有' if row else '还没有'}数据。"

        return with_retries(look, self.options, self.clock)

    def discover(self) -> tuple[Discovered, ...]:
        def look() -> tuple[Discovered, ...]:
            from sqlalchemy import inspect

            with self._connected() as connection:
                schema = self.options.db_schema
                views = set(inspect(connection).get_view_names(schema=schema))
                names = sorted(set(table_names(connection, schema)))
                return tuple(Discovered(name, "视图" if name in views else "表") for name in names)

        return with_retries(look, self.options, self.clock)

    # the query

    def _wanted(self, table: Table) -> list[Column[Any]]:
        names = list(self.options.columns) or [c.name for c in table.columns]
        if self.options.cursor and self.options.cursor not in names:
            names.append(self.options.cursor)
        return [table.c[name] for name in names]

    def _select(self, table: Table) -> Select[Any]:
        from sqlalchemy import select

        statement = select(*self._wanted(table))
        for name, value in self.options.where.items():
            column = table.c[name]
            statement = statement.where(column.in_(value) if isinstance(value, tuple) else column == value)
        return statement

    def _order(self, table: Table) -> list[Column[Any]]:
        """An order that gives the same rows the same place: declared, else the key, else all that can be sorted."""
        from sqlalchemy import types

        if self.options.order_by:
            return [table.c[name] for name in self.options.order_by]
        unsortable = (types.JSON, types.LargeBinary, types.NullType, types.ARRAY)
        key = list(table.primary_key.columns)
        return key or [c for c in self._wanted(table) if not isinstance(c.type, unsortable)]

    def _batches(self, connection: Connection, statement: Select[Any]) -> Iterator[list[Row]]:
        streaming = connection.execution_options(stream_results=True, max_row_buffer=_BATCH)
        with streaming.execute(statement) as result:
            for rows in result.partitions(_BATCH):
                yield list(rows)

    def _progress(self, table: Table, state: State) -> Progress:
        wanted = self._wanted(table)
        cursor = table.c[self.options.cursor or ""]
        now = self.clock.now()
        latest: dt.date | None = None
        tomorrow = (now.astimezone(self.zone) + dt.timedelta(days=1)).replace(tzinfo=None)
        kind: Any = None
        try:
            kind = cursor.type.python_type
        except NotImplementedError:
            kind = str
        if kind is dt.datetime:
            latest = now + dt.timedelta(days=1) if getattr(cursor.type, "timezone", False) else tomorrow
        elif kind is dt.date:
            latest = tomorrow.date()
        elif kind is str and self.options.overlap:
            raise ConfigurationError(
                f"游标列“{cursor.name}”是文本，不能用 overlap。",
                next_step="去掉 overlap，或请对方提供时间或数字类型的游标列。",
            )
        return Progress(
            state.get("cursor") or {},
            at=[c.name for c in wanted].index(cursor.name),
            overlap=self.options.overlap,
            texts=lambda row: (as_text(v, self.zone) for v in row),
            latest=latest,
        )

    def _windows(
        self, table: Table, progress: Progress, *, newest_first: bool = False
    ) -> tuple[Select[Any] | None, Select[Any]]:
        """Queries for rows without a cursor value (None when the column forbids that) and for the window."""
        cursor = table.c[self.options.cursor or ""]
        order = self._order(table)
        nulls = self._select(table).where(cursor.is_(None)).order_by(*order) if cursor.nullable else None
        window = self._select(table).where(cursor.is_not(None))
        if progress.low is not None:
            window = window.where(cursor >= progress.low)
        first = cursor.desc() if newest_first else cursor
        return nulls, window.order_by(first, *(c for c in order if c.name != cursor.name))

    def _has_news(self, connection: Connection, table: Table, progress: Progress) -> bool:
        nulls, window = self._windows(table, progress, newest_first=True)
        for statement in (window, nulls):
            if statement is not None:
                for rows in self._batches(connection, statement):
                    if any(progress.is_new(row) for row in rows):
                        return True
        return False

    def list(self, state: State) -> Listing:
        def look() -> Listing:
            with self._connected() as connection:
                table = self._table(connection)
                if not self.options.cursor:
                    name = shown(f"{self.title}.parquet").replace("/", "_")
                    return Listing((Item(name, "full"),), state=dict(state))
                progress = self._progress(table, state)
                if not self._has_news(connection, table, progress):
                    return Listing((), state=dict(state))
                since = f"_{as_text(progress.last, self.zone)}起" if progress.last is not None else ""
                name = shown(f"{self.title}{since}.parquet").replace("/", "_").replace(":", "")
                return Listing((Item(name, "window", details={"cursor": state.get("cursor")}),), state=dict(state))

        return with_retries(look, self.options, self.clock)

    # fetching

    def fetch(self, item: Item, to: Path) -> Fetched:
        return with_retries(lambda: self._query(item, to), self.options, self.clock)

    def _query(self, item: Item, to: Path) -> Fetched:
        with self._connected() as connection, landing(to, max_bytes=self.options.max_bytes) as place:
            table = self._table(connection)
            columns = [(c.name, kind_of(c)) for c in self._wanted(table)]
            parquet = ParquetRows(place, columns, self.zone)
            try:
                details: dict[str, Any] = {}
                if self.options.cursor:
                    progress = self._progress(table, item.details)
                    nulls, window = self._windows(table, progress)
                    for rows in self._batches(connection, nulls) if nulls is not None else ():
                        parquet.write(progress.fresh_nulls(rows))
                    for rows in self._batches(connection, window):
                        parquet.write(progress.fresh(rows))
                    details = {"cursor": progress.state()}
                else:
                    for rows in self._batches(connection, self._select(table).order_by(*self._order(table))):
                        parquet.write(rows)
                parquet.close()
            except TypeError as error:
                parquet.abandon()
                raise FormatError(
                    f"游标列“{self.options.cursor}”里有不能比较先后的值（如 0000-00-00）。",
                    next_step="请对方改正这些值，或换一个游标列。",
                    detail=type(error).__name__,
                ) from None
            except BaseException:
                parquet.abandon()
                raise
        empty = bool(self.options.cursor) and parquet.rows == 0
        return Fetched(item, to, place.size, place.sha256, parquet.rows, empty, details)

    def advance(self, state: State, fetched: Fetched) -> State:
        return {**state, **fetched.details}
