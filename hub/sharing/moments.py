"""What an agreement would have given at another moment: true on a day, known by a night. For the office to look at; nothing is
published, no copy is made, nothing enters the ledger.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from hub.deployment import Deployment
from hub.errors import ConfigurationError
from hub.settings import Settings
from hub.sharing.agreements import load_agreements, recipients_of
from hub.sharing.disputes import flagged_disputes
from hub.sharing.keys import derive_key
from hub.sharing.selection import Selector, workspace
from hub.sharing.sources import MasterDatasets
from hub.sharing.sql import name

if TYPE_CHECKING:
    import pyarrow as pa


def extract_at(
    connection: Connection,
    deployment: Deployment,
    settings: Settings,
    agreement: str,
    department: str | None,
    *,
    as_of: date | None = None,
    known_at: date | int | None = None,
) -> tuple[pa.Table, dict[str, str], date]:
    """The rows as people read them, the columns' titles, and the day they speak of.

    Args:
        agreement: its id; as it stands now, in force or not.
        department: the recipient; may be left out where there is only one.
        as_of, known_at: as in `hub.master.datasets.read_dataset`.

    Raises:
        ConfigurationError: no such agreement or recipient, or nothing was published by then.
    """
    from hub.master.reading import find_version

    source = MasterDatasets(as_of, known_at)
    datasets = dict(source.datasets())
    agreements = load_agreements(deployment, datasets)
    if agreement not in agreements:
        raise ConfigurationError(
            f"没有名为 {agreement} 的协议。", next_step=f"可用的有：{'、'.join(sorted(agreements)) or '（尚无协议）'}。"
        )
    wanted = agreements[agreement]
    recipients = {d.id: d for d in recipients_of(wanted, deployment)}
    if department is None and len(recipients) == 1:
        department = next(iter(recipients))
    if department not in recipients:
        raise ConfigurationError(
            f"协议 {agreement} 没有这个接收方：{department or '（未指明）'}。",
            next_step=f"用 --department 指明一个：{'、'.join(recipients)}。",
        )
    version = find_version(connection, known_at)
    day = min(as_of, version.business_date) if as_of else version.business_date
    with tempfile.TemporaryDirectory(prefix="coop-hub-") as folder, workspace(Path(folder), memory_mb=1024) as duck:
        selector = Selector(duck, deployment, datasets, lambda dataset: source.read(connection, dataset), day)
        chosen = selector.select(
            wanted,
            recipients[department],
            flagged_disputes(connection, wanted.dataset),
            lambda: derive_key(settings, "pseudonym", str(department)),
        )
        shown = ", ".join(f"{c.shown()} as {name(c.name)}" for c in chosen.columns)
        return (
            duck.sql(f"select {shown} from selected").to_arrow_table(),
            {c.name: c.title for c in chosen.columns},
            day,
        )
