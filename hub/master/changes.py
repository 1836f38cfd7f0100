"""What changed between two published versions, in the words a joint meeting uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select, text

from hub.errors import ConfigurationError
from hub.feeds import feed_catalogue
from hub.master.fields import MasterField, master_field
from hub.master.reading import find_version, master_at
from hub.master.rules import Group, rules
from hub.store.tables.master import master_version

# category -> (title zh, title en, SQL over b(efore) and a(fter) fields, field whose before and after are shown)
CATEGORIES: dict[str, tuple[str, str, str, str]] = {
    "newly_listed": ("新列入经营异常名录", "New on the abnormal list",
                     "a.f->>'abnormal_now' = 'yes' and b.f->>'abnormal_now' is distinct from 'yes'", "abnormal_reason"),
    "removed": ("移出经营异常名录", "Off the abnormal list",
                "b.f->>'abnormal_now' = 'yes' and a.f->>'abnormal_now' is distinct from 'yes'", "abnormal_since"),
    "tax_turned": ("税务状态变化", "Tax state turned", "b.f is not null and a.f->>'tax_status' is distinct from b.f->>'tax_status'", "tax_status"),
    "titles_won": ("新获示范社称号", "Demonstration titles won",
                   "coalesce({rank_a}, 9) < coalesce({rank_b}, 9) or (b.f->>'demonstration_now' is distinct from 'yes' and a.f->>'demonstration_now' = 'yes')",
                   "demonstration_level"),
    "titles_lost": ("失去示范社称号", "Demonstration titles lost",
                    "coalesce({rank_a}, 9) > coalesce({rank_b}, 9) or (b.f->>'demonstration_now' = 'yes' and a.f->>'demonstration_now' is distinct from 'yes')",
                    "demonstration_level"),
    "platform_joined": ("新纳入追溯平台", "New on the traceability platform",
                        "a.f->>'traceability_registered' = 'yes' and b.f->>'traceability_registered' is distinct from 'yes'", "traceability_approval"),
    "platform_left": ("退出追溯平台", "No longer on the platform",
                      "b.f->>'traceability_registered' = 'yes' and a.f->>'traceability_registered' is distinct from 'yes'", "traceability_approval"),
    "clue_new": ("新增疑似空壳线索", "New clue of a shell cooperative",
                 "a.f->>'shell_suspected' = 'yes' and b.f->>'shell_suspected' is distinct from 'yes'", "shell_suspected"),
    "cleanup_closed": ("清理整顿销号", "Clean-up closed", "b.f->>'in_cleanup' = 'yes' and a.f->>'in_cleanup' is distinct from 'yes'", "cleanup_progress"),
    "new": ("新出现的合作社", "New cooperatives", "b.f is null", "feeds"),
    "gone": ("不再出现的合作社", "Gone cooperatives",
             "a.f is null or ((b.f->>'in_current_lists')::boolean and not (a.f->>'in_current_lists')::boolean)", "feeds"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChangedCooperative:
    """One cooperative in one category; `before` and `after` are ready to read."""

    coop_id: str
    name: str
    town: str | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from one version to another. `items` by category, in the order of CATEGORIES; a first version has no before."""

    from_version: int | None
    from_date: date | None
    to_version: int
    to_date: date
    items: dict[str, tuple[ChangedCooperative, ...]]

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in self.items.items()}


def _rank(side: str) -> str:
    choices = " ".join(
        f"when '{c.value}' then {i}"
        for i, c in enumerate(feed_catalogue()["demonstration"].by_name["level"].choices, 1)
    )
    return f"case {side}.f->>'demonstration_level' {choices} end"


def _told(shown: MasterField, fields: dict[str, Any] | None) -> str:
    if fields is None:
        return ""
    if shown.name == "shell_suspected":  # "yes" alone says little: name the clues
        return "；".join(
            r.title.zh
            for r in rules()
            if r.group is Group.CLUE and r.name != shown.name and fields.get(r.name) == "yes"
        )
    return shown.display(fields.get(shown.name))


def changes_since(connection: Connection, since: date | int, *, until: date | int | None = None) -> Changes:
    """Changes from the version that stood at `since` (a night or a version number) to the one at `until` (default: the newest).
    When nothing was published by then, every cooperative counts as new.

    Raises:
        ConfigurationError: nothing was published at all.
    """
    after = find_version(connection, until)
    try:
        before = find_version(connection, since)
    except ConfigurationError:
        before = None
    first = before.version if before else 0
    flags = ", ".join(
        f"case when {condition.format(rank_a=_rank('a'), rank_b=_rank('b'))} then '{name}' end"
        for name, (_, _, condition, _) in CATEGORIES.items()
    )
    rows = connection.execute(
        text(
            f"""select coop_id, coalesce(a.f->>'name', b.f->>'name') as name, coalesce(a.f->>'town', b.f->>'town') as town,
                       b.f as before, a.f as after, array_remove(array[{flags}], null) as categories
                from (select coop_id, fields as f from {master_at(after.version)} x) a
                full join (select coop_id, fields as f from {master_at(first)} y) b using (coop_id)
                where a.f is distinct from b.f order by town nulls last, name, coop_id"""
        )
    )
    found: dict[str, list[ChangedCooperative]] = {name: [] for name in CATEGORIES}
    for row in rows:
        for name in row.categories:
            shown = master_field(CATEGORIES[name][3])
            was, now = (_told(shown, side) for side in (row.before, row.after))
            found[name].append(ChangedCooperative(row.coop_id, row.name, row.town, was, now))
    items = {name: tuple(changed) for name, changed in found.items()}
    return Changes(
        before.version if before else None,
        before.business_date if before else None,
        after.version,
        after.business_date,
        items,
    )


def nights(connection: Connection) -> list[tuple[int, date]]:
    """Published versions and their nights, oldest first (for pickers of "since when")."""
    rows = connection.execute(
        select(master_version.c.version, master_version.c.business_date).order_by(master_version.c.version)
    )
    return [(int(r.version), r.business_date) for r in rows]
