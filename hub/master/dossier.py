"""The dossier of one cooperative (一社一档): who it is and on whose word, every record with its file and row, clues with what they
hang on, the timeline, disputes, who received it, and the files that speak of it. One model for page, document and JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from hub.deployment import COUNTY_TIME
from hub.errors import ConfigurationError
from hub.feeds import FeedField, Kind, Privacy, feed_catalogue, get_feed
from hub.master.dossier_exchange import read_disputes, read_receipts
from hub.master.dossier_timeline import Moment, timeline_of
from hub.master.fields import MasterField, master_fields
from hub.master.projection import answer_parts, answers_query, new_duck
from hub.master.provenance import project_with_rows
from hub.master.reading import Version, find_version, source_title
from hub.master.rules import Group, rules
from hub.master.unions import Member, read_members

if TYPE_CHECKING:
    import duckdb

HIDDEN = "（不显示）"
_SINCE_MOVED = "后来改归别处，当时归入本社的理由没有留存。"
GROUPS = {
    "identity": "身份", "market": "登记与市场监管", "tax": "税务登记", "traceability": "产品追溯", "demonstration": "示范社",
    "standardisation": "规范化建设", "cleanup": "清理整顿", "departments": "部门指导", "support": "扶持、信用与举报",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement stands: feed, file and row as the sender counts them. `number` is the file's place in the dossier's
    list of originals (from 1), where its whole name stands once."""

    row_id: int
    feed: str
    feed_title: str
    delivery_id: int
    file: str
    sheet: str
    row: int
    as_of: date
    number: int

    @property
    def short(self) -> str:
        """[3]“名录”第 12 行"""
        sheet = f"“{self.sheet}”" if self.sheet else ""
        return f"[{self.number}]{sheet or ' '}第 {self.row} 行"

    def __str__(self) -> str:
        return f"{self.feed_title}{self.short}"


@dataclass(frozen=True, slots=True)
class Statement:
    """Another source's differing value."""

    value: str
    source: str
    place: Place | None
    past: bool


@dataclass(frozen=True, slots=True)
class Value:
    """One master field: value as people read it, whose word it is, and who says otherwise."""

    name: str
    title: str
    group: str
    value: str
    source: str
    rule: str
    past: bool
    places: tuple[Place, ...]
    others: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One rule's answer, with its conditions (True, False or None for unknown) and the rows behind it."""

    rule: str
    title: str
    group: str
    answer: str
    basis: str
    parts: tuple[tuple[str, bool | None], ...]
    places: tuple[Place, ...]
    others: tuple[str, ...]  # names of other cooperatives, for rules that compare cooperatives
    note: str


@dataclass(frozen=True, slots=True)
class Records:
    """All current records of one feed: `columns` are titles, each row its texts and its place."""

    feed: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], Place], ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """One way rows call it, and why they are taken for this cooperative. Where names were compared, `items` is the evidence, the
    strongest first (`{field, level, title, weight}`, weight in bits, above 0 speaks for), `score` the certainty it came to, and
    `compared_with` the name it was compared with."""

    name: str
    codes: tuple[str, ...]
    town: str
    link: str
    reason: str
    rows: int
    score: float | None = None
    items: tuple[dict[str, Any], ...] = ()
    compared_with: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything about one cooperative on a day, as known at a version."""

    coop_id: str
    name: str
    version: int
    known_at: date
    as_of: date
    values: tuple[Value, ...]
    answers: tuple[Answer, ...]
    records: tuple[Records, ...]
    timeline: tuple[Moment, ...]
    namings: tuple[Naming, ...]
    disputes: tuple[dict[str, Any], ...] = ()
    receipts: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()  # in the order of their numbers
    redirected_from: tuple[str, ...] = field(default=())
    members: tuple[Member, ...] = ()  # of a union: its member cooperatives

    @property
    def clues(self) -> tuple[Answer, ...]:
        """Clues and cross-checks that say yes."""
        return tuple(a for a in self.answers if a.group in (Group.CLUE, Group.CHECK) and a.answer == "yes")

    @property
    def differences(self) -> tuple[Value, ...]:
        """Fields on which sources differ."""
        return tuple(v for v in self.values if v.others)

    def group(self, name: str) -> tuple[Value, ...]:
        return tuple(v for v in self.values if v.group == name)

    def to_json(self) -> str:
        """The dossier as JSON, keys as in this model."""

        def plain(value: Any) -> str:
            if isinstance(value, date | datetime):
                return value.isoformat()
            raise TypeError(type(value).__name__)

        return json.dumps(asdict(self), ensure_ascii=False, indent=2, default=plain)


def read_dossier(
    connection: Connection,
    coop_id: str,
    *,
    as_of: date | None = None,
    known_at: date | int | None = None,
    show: Sequence[Privacy] = (Privacy.PUBLIC, Privacy.PERSONAL),
) -> Dossier:
    """One cooperative's dossier.

    Args:
        coop_id: its id (see hub.master.search.resolve_cooperative for other ways to name it).
        as_of: the day it speaks of; default: the version's.
        known_at: what the hub had published by that night; default: the newest version.
        show: kinds of fields to show; all others stand as "（不显示）". ID numbers are hidden unless asked for.

    Raises:
        ConfigurationError: no such cooperative then, or nothing was published by then.
    """
    version = find_version(connection, known_at)
    cut = _Cut.at(version, known_at)
    duck = new_duck()
    try:
        day = project_with_rows(connection, duck, version, (coop_id,), as_of)
        found = duck.execute("select fields, evidence, name from projected where coop_id = ?", [coop_id]).fetchall()
        if not found:
            raise ConfigurationError(
                f"总表里没有合作社 {coop_id}。", next_step="检查编号；它可能已并入别的编号，或那时还没有出现。"
            )
        fields, evidence = json.loads(found[0][0]), json.loads(found[0][1])
        places = _places(connection, duck, coop_id)
        hidden = _Hidden(show)
        records = _records(duck, coop_id, places, hidden)
        return Dossier(
            coop_id=coop_id,
            name=fields["name"],
            version=version.version,
            known_at=version.business_date,
            as_of=day,
            values=_values(fields, evidence, places, hidden),
            answers=_answers(duck, version, coop_id, fields=fields, evidence=evidence, places=places),
            records=records,
            timeline=timeline_of(connection, duck, coop_id, version.version, places, until=cut.day),
            namings=_namings(connection, version, coop_id),
            disputes=read_disputes(connection, coop_id, until=cut.day, show=show, hidden=HIDDEN),
            receipts=read_receipts(connection, coop_id, until=cut.moment),
            attachments=_attachments(connection, places),
            redirected_from=_redirected(connection, coop_id, cut.day),
            members=read_members(connection, coop_id, as_of=as_of, known_at=version.version)
            if fields.get("is_union")
            else (),
        )
    finally:
        duck.close()


@dataclass(frozen=True, slots=True)
class _Cut:
    """The last day, and the moment up to which, the hub's own doings are told; both None for a dossier of now."""

    day: date | None
    moment: datetime | None

    @classmethod
    def at(cls, version: Version, known_at: date | int | None) -> _Cut:
        if known_at is None:
            return cls(None, None)
        if isinstance(known_at, datetime):
            return cls(known_at.astimezone(COUNTY_TIME).date(), known_at)
        day = known_at if isinstance(known_at, date) else version.business_date
        return cls(day, datetime.combine(day + timedelta(days=1), time(), COUNTY_TIME))


class _Hidden:
    def __init__(self, show: Sequence[Privacy]) -> None:
        self.show = set(show)

    def text(self, declared: MasterField | FeedField, shown: str) -> str:
        return shown if declared.privacy in self.show or not shown else HIDDEN


def _places(connection: Connection, duck: duckdb.DuckDBPyConnection, coop_id: str) -> dict[int, Place]:
    union = " union all ".join(f"select row_id from rows_{f} where coop_id = $1" for f in feed_catalogue())
    ids = [i for (i,) in duck.execute(union, [coop_id]).fetchall()]
    rows = connection.execute(
        text(
            """select r.row_id, r.feed, r.delivery_id, d.name, r.sheet, r."row", d.as_of from source_row r join delivery d using (delivery_id)
               where r.row_id = any(:ids)"""
        ),
        {"ids": ids},
    ).all()
    newest_first = sorted({(r.as_of, r.delivery_id) for r in rows}, reverse=True)
    numbers = {delivery_id: number for number, (_, delivery_id) in enumerate(newest_first, 1)}
    return {
        r.row_id: Place(
            r.row_id, r.feed, get_feed(r.feed).title.zh, r.delivery_id, r.name, r.sheet, r.row, r.as_of,
            numbers[r.delivery_id],
        )
        for r in rows
    }  # fmt: skip


def _values(
    fields: dict[str, Any], evidence: dict[str, Any], places: dict[int, Place], hidden: _Hidden
) -> tuple[Value, ...]:
    found = []
    for f in master_fields():
        if f.rule == "answer" or fields.get(f.name) is None:
            continue
        proof = evidence.get(f.name, {})
        rows = [proof["row"]] if "row" in proof else proof.get("rows", [])
        source = proof.get("source") or "、".join(
            get_feed(s).title.zh for s in f.source_feeds if any(p.feed == s for p in places.values())
        )
        others = tuple(
            Statement(
                hidden.text(f, f.display(o["value"])),
                source_title(o["source"]),
                places.get(o["row"]),
                bool(o.get("past")),
            )
            for o in proof.get("others", [])
        )
        found.append(
            Value(
                f.name, f.title.zh, f.group, hidden.text(f, f.display(fields[f.name])),
                source_title(source) if "." in source else source, proof.get("rule", "derived"), bool(proof.get("past")),
                tuple(places[r] for r in rows if r in places), others,
            )
        )  # fmt: skip
    return tuple(found)


def _answers(
    duck: duckdb.DuckDBPyConnection,
    version: Version,
    coop_id: str,
    *,
    fields: dict[str, Any],
    evidence: dict[str, Any],
    places: dict[int, Place],
) -> tuple[Answer, ...]:
    with_parts = [r for r in rules() if r.parts]
    columns = ", ".join(f"{answer_parts(r, version.basis)} as {r.name}" for r in with_parts)
    row = duck.execute(
        f"select {columns} from ({answers_query(version.basis)}) where coop_id = ?", [coop_id]
    ).fetchall()[0]
    parts = {r.name: json.loads(text_) for r, text_ in zip(with_parts, row, strict=True)}
    names = dict(duck.execute("select coop_id, name from projected").fetchall())
    found = []
    for r in rules():
        proof = evidence.get(r.name, {})
        found.append(
            Answer(
                rule=r.name,
                title=r.title.zh,
                group=r.group.value,
                answer=fields.get(r.name, "unknown"),
                basis=r.basis,
                parts=tuple((p.zh, parts[r.name].get(n)) for n, p in r.parts.items()),
                places=tuple(places[i] for i in dict.fromkeys(proof.get("rows", [])) if i in places),
                others=tuple(names[c] for c in proof.get("with", []) if c != coop_id and c in names),
                note=r.note,
            )
        )
    return tuple(found)


def _records(
    duck: duckdb.DuckDBPyConnection, coop_id: str, places: dict[int, Place], hidden: _Hidden
) -> tuple[Records, ...]:
    found = []
    for feed in feed_catalogue().values():
        columns = [f for f in feed.fields if f.kind is not Kind.SERIAL]
        names = ", ".join(f'"{f.name}"' for f in columns)
        rows = duck.execute(
            f"select row_id, {names} from now_{feed.feed} where coop_id = ? order by order_no desc, row_id", [coop_id]
        ).fetchall()
        if not rows:
            continue
        used = [i for i in range(len(columns)) if any(r[i + 1] is not None for r in rows)]
        shown = tuple(
            (tuple(hidden.text(columns[i], _text(columns[i], r[i + 1])) for i in used), places[r[0]]) for r in rows
        )
        found.append(Records(feed.feed, feed.title.zh, tuple(columns[i].title.zh for i in used), shown))
    return tuple(found)


def _text(declared: FeedField, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    for choice in declared.choices:
        if choice.value == value:
            return choice.title.zh
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def _namings(connection: Connection, version: Version, coop_id: str) -> tuple[Naming, ...]:
    """How rows the version knew of called it. Links keep the newest reason only: of a profile taken for another cooperative since,
    why it stood here is not told."""
    rows = connection.execute(
        text(
            """select p.name, p.codes, p.town, count(r.row_id) as n, l.coop_id is not distinct from m.coop_id as stands,
                      l.link, l.reason, l.score, l.evidence->'items' as items, o.name as compared_with
               from master_link m join profile p using (profile_key) left join link l using (profile_key)
               left join profile o on o.profile_key = l.evidence->>'partner'
               left join (source_row r join master_delivery k on k.delivery_id = r.delivery_id and k.from_version <= :v
                          and (k.to_version is null or k.to_version > :v)) on r.profile_key = p.profile_key
               where m.coop_id = :c and m.from_version <= :v and (m.to_version is null or m.to_version > :v)
               group by p.profile_key, m.coop_id, l.profile_key, o.profile_key order by n desc, p.name, p.profile_key"""
        ),
        {"c": coop_id, "v": version.version},
    )
    return tuple(
        Naming(
            r.name or "", tuple(r.codes), r.town or "", r.link, r.reason, r.n, r.score, tuple(r.items or ()),
            r.compared_with or "",
        )
        if r.stands
        else Naming(r.name or "", tuple(r.codes), r.town or "", "", _SINCE_MOVED, r.n)
        for r in rows
    )  # fmt: skip


def _attachments(connection: Connection, places: dict[int, Place]) -> tuple[dict[str, Any], ...]:
    rows = connection.execute(
        text(
            """select delivery_id, feed, name, department, as_of, received_at, sha256 from delivery where delivery_id = any(:ids)
               order by as_of desc, delivery_id desc"""
        ),
        {"ids": sorted({p.delivery_id for p in places.values()})},
    )
    return tuple({"number": number, **r._mapping} for number, r in enumerate(rows, 1))


def _redirected(connection: Connection, coop_id: str, until: date | None) -> tuple[str, ...]:
    rows = connection.execute(
        text(
            """select i.coop_id from cooperative_id i where i.redirects_to = :c and (cast(:until as date) is null or exists (
                 select from id_event e left join run r using (run_id) where e.kind = 'merged' and e.coop_id = i.coop_id
                 and coalesce(r.business_date, e.happened_at::date) <= :until)) order by 1"""
        ),
        {"c": coop_id, "until": until},
    )
    return tuple(r.coop_id for r in rows)
