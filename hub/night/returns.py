"""Return workbooks (退回工作簿) a night owes: one for each delivery it took in with rows that go back. What is owed was noted with the
acceptance itself and is paid here, perhaps by a later night; a workbook that cannot be made costs neither delivery nor night.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from hub.alerts import fix_alert, raise_alert
from hub.errors import HubError, Where
from hub.feeds import feed_catalogue
from hub.night.context import Night
from hub.night.stumbles import details_of, lies_with_the_delivery, place_of, tell_log

log = logging.getLogger(__name__)

_DUE = """
select d.delivery_id, d.feed, d.department, d.name, a.path from delivery d join archived_file a using (sha256)
where d.return_due and d.state in ('accepted', 'held') and d.feed = any(:feeds) order by d.delivery_id
"""


def write_due_returns(night: Night, feeds: list[str]) -> list[str]:
    """Writes what is owed for these feeds; returns the paths."""
    with night.engine.connect() as connection:
        due = connection.execute(text(_DUE), {"feeds": feeds}).all()
    written = []
    for one in due:
        try:
            done = _write(night, one)
        except Exception as error:
            if not lies_with_the_delivery(error):
                raise
            _tell(night, one.delivery_id, one.feed, one.name, error)
            continue
        with night.engine.begin() as connection:
            _settle(connection, one.delivery_id, f"{one.feed}/{one.name}")
        if done is not None:
            written.append(str(done))
    return written


def _write(night: Night, one: Any) -> Path | None:
    from hub.intake.return_workbook import workbook_name, write_return_workbook

    out: Path = night.settings.data / "returns" / one.department / workbook_name(one.delivery_id, one.name)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with night.engine.connect() as connection:
            write_return_workbook(
                connection, one.delivery_id, night.settings.data / one.path, out, settings=night.settings
            )
    except HubError as error:  # a database's table cannot go back as a workbook; its reasons stand in the database
        log.info(
            "no return workbook for delivery %s of %s: %s", one.delivery_id, one.feed, error.detail or error.message
        )
        return None
    return out


def _settle(connection: Connection, delivery_id: int, problem: str) -> None:
    connection.execute(text("update delivery set return_due = false where delivery_id = :id"), {"id": delivery_id})
    fix_alert(connection, "return_stumbled", problem)


def _tell(night: Night, delivery_id: int, feed: str, name: str, error: Exception) -> None:
    tell_log(f"return workbook of delivery {delivery_id}", error)
    where = Where(feed=feed_catalogue()[feed].title.zh, file=name)
    with night.engine.begin() as connection:
        raise_alert(
            connection, "return_stumbled", f"{feed}/{name}", f"退回表没有写成：{name}",
            f"{where}：程序没能写出退回表（{type(error).__name__}，{place_of(error)}）；来件本身已按规则处理，行和原因都在。"
            f"下一步：用 coop-hub deliveries receipt {delivery_id} 出回执发给报送单位；把这条消息交给维护人员。每夜自动再写一次。",
            details_of(night, feed, name, delivery_id),
        )  # fmt: skip
