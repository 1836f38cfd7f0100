"""HTTP connector: a JSON interface another office opens to us. All pages of one query are one delivery, a file of
JSON lines (one record a line, keys in order: the same records give the same bytes).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from connectors.contract import Connector, Discovered, Fetched, Item, Listing, MovedOnError, Options, State
from connectors.cursor import Progress
from connectors.http_client import HttpServer, JsonClient, check_login
from connectors.landing import landing
from connectors.names import shown
from hub.errors import ConfigurationError, FormatError, TransientError

Record = dict[str, Any]
Dated = tuple[Any, Record]
_ZONE = ZoneInfo("Asia/Shanghai")


class HttpOptions(HttpServer, Options):
    """Options of a JSON interface. Paths into the JSON are keys joined by dots."""

    records: str = ""  # where the list of records is; empty: the answer is the list
    ok: str | None = None  # where the interface says whether it went well …
    ok_values: tuple[str | int | bool, ...] = (0, 200, "0", "200", True)  # … and what it says then
    paging: Literal["none", "page", "offset", "next", "cursor"] = "none"
    page_param: str = "page"
    first_page: int = 1
    offset_param: str = "offset"
    size_param: str = "pageSize"
    page_size: Annotated[int, Field(ge=1, le=100_000)] = 500
    next: str = "next"  # paging next: where the address of the next page is
    cursor: str = "cursor"  # paging cursor: where the mark of the next page is
    cursor_param: str = "cursor"
    total: str | None = None  # where the number of all records is: checked against what came
    max_pages: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    since_param: str | None = None  # only what is new: parameter that takes the last value of …
    since_field: str | None = None  # … this field of a record
    since_kind: Literal["datetime", "integer", "text"] = "datetime"
    since_format: str = "%Y-%m-%d %H:%M:%S"
    overlap: Annotated[float, Field(ge=0)] = 0  # ask again this far back: seconds, or units of an integer

    @model_validator(mode="after")
    def _complete(self) -> HttpOptions:
        check_login(self)
        if bool(self.since_param) != bool(self.since_field):
            raise ValueError("since_param 与 since_field 须一起写")
        if self.since_kind == "text" and self.overlap:
            raise ValueError("since_kind 为 text 时不能用 overlap")
        return self


def dig(answer: Any, path: str) -> Any:
    """What stands at a dotted path, or None."""
    for step in path.split(".") if path else ():
        answer = answer.get(step) if isinstance(answer, dict) else None
    return answer


def line_of(record: Record) -> bytes:
    """A record as one line, the same for the same content."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")


class HttpConnector(Connector):
    kind = "http"
    options_model = HttpOptions
    options: HttpOptions

    def __init__(self, options: HttpOptions, **place: Any) -> None:
        super().__init__(options, **place)
        self.options = options
        self.client = JsonClient(options, options, self.environment, self.folder, self.clock)

    def close(self) -> None:
        self.client.close()

    # pages

    def _page(self, url: str, values: Mapping[str, Any]) -> tuple[Any, list[Record]]:
        """(answer, its records)."""
        answer, options = self.client.page(url, values), self.options
        if options.ok is not None and dig(answer, options.ok) not in options.ok_values:
            raise TransientError(
                f"接口报告失败（{options.ok} = {str(dig(answer, options.ok))[:40]}）。",
                next_step="按对方接口文档查这个代码；多为令牌过期或参数不对。",
            )
        records = dig(answer, options.records)
        if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
            raise FormatError(
                f"返回的 JSON 里“{options.records or '最外层'}”不是记录列表。",
                next_step="核实 records 的写法（如 data.records）和对方接口文档。",
            )
        return answer, records

    def _pages(self, since: Mapping[str, Any]) -> Iterator[list[Record]]:
        """Pages to the end: an empty page, no next mark, or as many records as promised. A short page is no end:
        servers give fewer records a page than asked for."""
        options, url, values, came = self.options, self.options.url, dict(since), 0
        before = promised = None
        for number in range(options.max_pages):
            if options.paging == "page":
                values |= {options.page_param: options.first_page + number, options.size_param: options.page_size}
            elif options.paging == "offset":
                values |= {options.offset_param: came, options.size_param: options.page_size}
            answer, records = self._page(url, values)
            told = dig(answer, options.total) if options.total else None
            if promised is not None and told != promised:
                raise MovedOnError("取数期间对方的数据变了（总数不一致）。", next_step="稍后会再试。")
            promised = told
            came += len(records)
            mark = hashlib.sha256(b"\n".join(map(line_of, records))).digest()
            if records and mark == before:
                raise FormatError(
                    "接口每页返回同样的内容，分页参数没有起作用。", next_step="核实 paging 和分页参数的名字。"
                )
            before = mark
            yield records
            following = self._following(answer, url, values)
            if following is None or not records or (promised is not None and _same_number(came, promised)):
                break
            url, values = following
        else:
            raise FormatError(f"超过 {options.max_pages} 页仍没有取完。", next_step="调大 page_size 或 max_pages。")
        if options.total and not _same_number(came, promised):
            raise MovedOnError(
                f"对方说有 {str(promised)[:20]} 条，实际取到 {came} 条，没有接收。",
                next_step="稍后会再试；一直如此请核实 total 和分页参数。",
            )

    def _following(self, answer: Any, url: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        options = self.options
        if options.paging == "none":
            return None
        if options.paging == "next":
            link = dig(answer, options.next)
            if not isinstance(link, str) or not link:
                return None
            following = urljoin(url, link)
            self.client.same_host(following)
            return following, {}
        if options.paging == "cursor":
            mark = dig(answer, options.cursor)
            if mark in (None, "", False):
                return None
            return url, {**values, options.cursor_param: mark}
        return url, values

    def _restarted(self, take: Any) -> Any:
        """`take()`, begun anew when the data changed under it."""
        for pause in (*([self.options.retry_seconds] * self.options.retries), None):
            try:
                return take()
            except MovedOnError:
                if pause is None:
                    raise
                self.clock.sleep(pause)
        raise AssertionError("the loop always returns or raises")

    # progress

    def _progress(self, state: Mapping[str, Any]) -> Progress:
        tomorrow = (self.clock.now().astimezone(_ZONE) + dt.timedelta(days=1)).replace(tzinfo=None)
        return Progress(
            state.get("since") or {},
            at=0,
            overlap=self.options.overlap,
            texts=lambda row: (line_of(row[1]).decode(),),
            latest=tomorrow if self.options.since_kind == "datetime" else None,
        )

    def _since(self, progress: Progress) -> dict[str, Any]:
        if self.options.since_param is None or progress.low is None:
            return {}
        low = progress.low
        return {
            self.options.since_param: low.strftime(self.options.since_format) if isinstance(low, dt.datetime) else low
        }

    def _value(self, record: Record) -> Any:
        """The record's place in time, or None when it has none that can be read."""
        found = dig(record, self.options.since_field or "")
        if found is None or found == "":
            return None
        try:
            if self.options.since_kind == "integer":
                return int(found)
            if self.options.since_kind == "text":
                return str(found)
            moment = dt.datetime.fromisoformat(str(found))
        except ValueError:
            try:
                moment = dt.datetime.strptime(str(found), self.options.since_format)  # noqa: DTZ007 -- the county's time
            except ValueError:
                return None
        return moment.astimezone(_ZONE).replace(tzinfo=None) if moment.tzinfo else moment

    # the contract

    @property
    def place(self) -> str:
        return self.options.url.partition("?")[0]

    def _look(self) -> str:
        _, records = self._page(self.options.url, self._first_values())
        return f"接口可用，第一页有 {len(records)} 条记录。"

    def _first_values(self) -> dict[str, Any]:
        options = self.options
        start = {"page": {options.page_param: options.first_page}, "offset": {options.offset_param: 0}}
        values: dict[str, Any] = dict(start.get(options.paging, {}))
        return values | ({options.size_param: options.page_size} if values else {})

    def discover(self) -> tuple[Discovered, ...]:
        _, records = self._page(self.options.url, self._first_values())
        names = dict.fromkeys(key for record in records for key in record)
        return (Discovered(self._name(None), f"第一页 {len(records)} 条记录"), *(Discovered(n, "字段") for n in names))

    def _name(self, last: Any) -> str:
        stem = urlsplit(self.options.url).path.rstrip("/").rpartition("/")[2] or self.feed
        since = f"_{last}起" if last is not None else ""
        return shown(f"{stem}{since}.jsonl").replace("/", "_").replace(":", "")

    def list(self, state: State) -> Listing:
        if not self.options.since_param:
            self._page(self.options.url, self._first_values())  # an interface that cannot be asked is an error here
            return Listing((Item(self._name(None), "query"),), state=dict(state))
        progress = self._progress(state)

        def has_news() -> bool:
            fresh = self._progress(state)
            pages = self._pages(self._since(progress))
            return any(fresh.is_new(row) for records in pages for row in self._dated(progress, records))

        if not self._restarted(has_news):
            return Listing((), state=dict(state))
        item = Item(self._name(progress.last), "query", details={"since": state.get("since")})
        return Listing((item,), state=dict(state))

    def fetch(self, item: Item, to: Path) -> Fetched:
        return self._restarted(lambda: self._take(item, to))  # type: ignore[no-any-return]

    def _take(self, item: Item, to: Path) -> Fetched:
        rows: int = 0
        details: dict[str, Any] = {}
        with landing(to, max_bytes=self.options.max_bytes) as place:
            if not self.options.since_param:
                for records in self._pages({}):
                    for record in records:
                        place.write(line_of(record) + b"\n")
                    rows += len(records)
            else:
                progress = self._progress(item.details)
                dated = [r for page in self._pages(self._since(progress)) for r in self._dated(progress, page)]
                for _, record in self._fresh(progress, dated):
                    place.write(line_of(record) + b"\n")
                    rows += 1
                details = {"since": progress.state()}
        empty = bool(self.options.since_param) and rows == 0
        return Fetched(item, to, place.size, place.sha256, rows, empty, details)

    def _dated(self, progress: Progress, records: Sequence[Record]) -> Iterator[Dated]:
        """Records with their place in time. Those before the window came earlier: not every interface heeds `since`."""
        low = progress.low
        for record in records:
            value = self._value(record)
            if value is None or low is None or value >= low:
                yield value, record

    def _fresh(self, progress: Progress, dated: Sequence[Dated]) -> Sequence[Any]:
        """The records not delivered yet, by their place in time."""
        nulls = progress.fresh_nulls([row for row in dated if row[0] is None])
        window = sorted((row for row in dated if row[0] is not None), key=lambda row: row[0])
        return [*nulls, *progress.fresh(window)]

    def advance(self, state: State, fetched: Fetched) -> State:
        return {**state, **fetched.details}


def _same_number(count: int, told: Any) -> bool:
    try:
        return count == int(told)
    except (TypeError, ValueError):
        raise ConfigurationError(
            "total 指的地方不是记录总数。", next_step="核实 total 的写法和对方接口文档。"
        ) from None
