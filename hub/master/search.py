"""Finding cooperatives: by name, code, id or pinyin initials, by town, and by any answer of the rules; page by page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.errors import ConfigurationError
from hub.identifiers.codes import clean_code
from hub.master.rules import rules


@dataclass(frozen=True, slots=True)
class Found:
    """One hit, with what a list shows. Nothing in it is personal beyond what the registry publishes."""

    coop_id: str
    name: str
    uscc: str | None
    town: str | None
    representative: str | None
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of hits and how many there are in all."""

    total: int
    hits: tuple[Found, ...]


LISTED = (
    "abnormal_now", "abnormal_since", "tax_status", "demonstration_level", "traceability_registered", "last_batch_on", "shell_suspected",
    "in_cleanup", "ended",
)  # fmt: skip


def search_cooperatives(
    connection: Connection,
    query: str = "",
    *,
    towns: Sequence[str] | None = None,
    answers: Mapping[str, str] | None = None,
    level: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Page:
    """Cooperatives of the newest version that fit.

    Args:
        query: words of the name, a code or part of one, a coop_id, or pinyin initials; words are joined by "and".
        towns: only of these towns (a township's own view); None: all.
        answers: rule -> yes, no or unknown.
        level: a level of demonstration title it holds as its highest.

    Raises:
        ConfigurationError: a rule of that name does not exist.
    """
    where = ["true"]
    p: dict[str, Any] = {"limit": limit, "offset": offset}
    for i, word in enumerate(query.split()):
        like = re.sub(r"([\\%_])", r"\\\1", word)
        p |= {
            f"w{i}": f"%{like}%",
            f"c{i}": f"%{clean_code(word) or like}%",
            f"p{i}": f"%{like.lower()}%",
            f"x{i}": word,
        }
        where.append(
            f"(name like :w{i} or uscc like :c{i} or coop_id = :x{i} or (:x{i} ~ '^[A-Za-z]+$' and initials like :p{i}))"
        )
    if towns is not None:
        where.append("town = any(:towns)")
        p["towns"] = list(towns)
    known = {r.name for r in rules()}
    for i, (rule, answer) in enumerate(sorted((answers or {}).items())):
        if rule not in known:
            raise ConfigurationError(f"没有名为 {rule} 的规则。", next_step=f"可用的有：{'、'.join(sorted(known))}。")
        where.append(f"coalesce(fields->>'{rule}', 'unknown') = :a{i}")
        p[f"a{i}"] = answer
    if level is not None:
        where.append("fields->>'demonstration_level' = :level")
        p["level"] = level
    condition = " and ".join(where)
    total = connection.execute(text(f"select count(*) from cooperative where {condition}"), p).scalar_one()
    rows = connection.execute(
        text(
            f"""select coop_id, name, uscc, town, representative, fields from cooperative where {condition}
                order by town nulls last, name, coop_id limit :limit offset :offset"""
        ),
        p,
    )
    return Page(
        int(total),
        tuple(
            Found(
                r.coop_id, r.name, r.uscc, r.town, r.representative, {n: r.fields[n] for n in LISTED if n in r.fields}
            )
            for r in rows
        ),
    )


def resolve_cooperative(connection: Connection, wanted: str) -> str:
    """The coop_id a person means by an id (also one that was merged away), a code, or a name.

    Raises:
        ConfigurationError: nothing fits, or several cooperatives do; the message names them.
    """
    wanted = wanted.strip()
    redirected = connection.execute(
        text("select coalesce(redirects_to, coop_id) from cooperative_id where coop_id = :w"), {"w": wanted}
    ).scalar()
    if redirected is not None:
        return str(redirected)
    hits = connection.execute(
        text(
            """select coop_id, name from cooperative where uscc = :code or name = :w
               union select l.coop_id, p.name from profile p join link l using (profile_key) join cooperative c on c.coop_id = l.coop_id
               where l.link <> 'review' and (p.name = :w or (:code <> '' and :code = any(p.codes))) order by 1"""
        ),
        {"code": clean_code(wanted), "w": wanted},
    ).all()
    ids = sorted({h.coop_id for h in hits})
    if not ids:
        page = search_cooperatives(connection, wanted, limit=2)
        if page.total == 1:
            return page.hits[0].coop_id
        raise ConfigurationError(
            f"找不到“{wanted}”。" if page.total == 0 else f"“{wanted}”对应 {page.total} 个合作社。",
            next_step="换用合作社编号、统一社会信用代码或全称。",
        )
    if len(ids) > 1:
        raise ConfigurationError(
            f"“{wanted}”对应 {len(ids)} 个合作社：{'、'.join(ids[:5])}。", next_step="用其中一个编号重试。"
        )
    return str(ids[0])
