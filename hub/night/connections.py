"""Whether the ways in and out of a county work: every declared connector and every server extracts are pushed to, looked
at once, side by side. Fetches nothing, stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hub.deployment import Deployment, FeedDeclaration
from hub.errors import (
    AuthenticationError,
    ConfigurationError,
    FormatError,
    HostKeyError,
    HubError,
    TransientError,
)
from hub.feeds import feed_catalogue

if TYPE_CHECKING:
    from connectors.contract import Connector, Discovered

# what went wrong, in the words of docs/connectors.md
_FAULTS: tuple[tuple[type[HubError], str], ...] = (
    (HostKeyError, "主机密钥"),
    (AuthenticationError, "登录"),
    (ConfigurationError, "配置"),
    (TransientError, "暂时"),
    (FormatError, "格式"),
)


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """One way in or out. `fault` is empty where it works; otherwise the kind of error, and `next_step` says what to do."""

    name: str  # feed, or department an extract is pushed to
    title: str
    department: str
    direction: str  # in, out
    kind: str
    place: str
    seen: str = ""
    fault: str = ""
    next_step: str = ""
    passing: bool = False  # a fault that may be gone when tried again


def declared_ways(deployment: Deployment, feeds: Sequence[str] = ()) -> tuple[FeedDeclaration, ...]:
    """The feeds' declarations, all of them or those named.

    Raises:
        ConfigurationError: a feed that is not switched on here.
    """
    unknown = [f for f in feeds if f not in deployment.feed_by_name]
    if unknown:
        raise ConfigurationError(
            f"没有启用的数据目录项：{'、'.join(unknown)}。",
            next_step=f"用 coop-hub connectors list 查看已启用的：{'、'.join(sorted(deployment.feed_by_name))}。",
        )
    return tuple(d for d in deployment.feeds if not feeds or d.feed in feeds)


def opened(declaration: FeedDeclaration, data: Path, environment: Mapping[str, str] | None = None) -> Connector:
    """The connector of a feed, no connection made yet.

    Raises:
        ConfigurationError: its options have faults.
    """
    from connectors import open_connector

    way = declaration.connector
    return open_connector(way.kind, way.options, feed=declaration.feed, folder=data, environment=environment)


def list_ways(deployment: Deployment, data: Path, feeds: Sequence[str] = ()) -> list[ConnectionReport]:
    """Every way in with its address, without reaching out. Faults of options are told, not raised."""
    reports = []
    for declaration in declared_ways(deployment, feeds):
        try:
            with opened(declaration, data) as connector:
                reports.append(_report(deployment, declaration, connector.place))
        except HubError as error:
            reports.append(_report(deployment, declaration, "", error=error))
    return reports


def check_ways(
    deployment: Deployment,
    data: Path,
    feeds: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    done: Callable[[], None] = lambda: None,
) -> list[ConnectionReport]:
    """Reaches out by every declared way; with no feed named, also to the servers extracts are pushed to.

    Args:
        deployment: the county.
        data: where relative paths of the options start.
        feeds: only these.
        environment: where the names of secrets are looked up; the process's own by default.
        done: called after each.
    """
    jobs: list[Callable[[], ConnectionReport]] = [
        lambda declaration=d: _check(deployment, declaration, data, environment)  # type: ignore[misc]
        for d in declared_ways(deployment, feeds)
    ]
    if not feeds:
        jobs += _pushes(deployment, environment)

    def run(job: Callable[[], ConnectionReport]) -> ConnectionReport:
        report = job()
        done()
        return report

    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(run, jobs))


def discover_feed(deployment: Deployment, data: Path, feed: str) -> tuple[Discovered, ...]:
    """Everything that lies at a feed's source, wanted or not: files, tables, fields.

    Raises:
        HubError: it cannot be reached.
    """
    (declaration,) = declared_ways(deployment, [feed])
    with opened(declaration, data) as connector:
        return connector.discover()


def _check(
    deployment: Deployment, declaration: FeedDeclaration, data: Path, environment: Mapping[str, str] | None
) -> ConnectionReport:
    try:
        with opened(declaration, data, environment) as connector:
            place = connector.place
            outcome = connector.check()
    except HubError as error:
        return _report(deployment, declaration, "", error=error)
    return _report(deployment, declaration, place, seen=outcome.seen, error=outcome.error)


def _pushes(deployment: Deployment, environment: Mapping[str, str] | None) -> list[Callable[[], ConnectionReport]]:
    from connectors.sftp_upload import open_uploader
    from hub.sharing.delivery import push_targets

    def check(department: str) -> ConnectionReport:
        name = deployment.department_by_id[department].name
        place, seen, error = "", "", None
        try:
            with open_uploader(targets[department], folder=deployment.folder, environment=environment) as uploader:
                place = f"{uploader.options.user}@{uploader.options.host} {uploader.options.path}".rstrip()
                outcome = uploader.check()
                seen, error = outcome.seen, outcome.error
        except HubError as fault:
            error = fault
        return _filled(ConnectionReport(department, "提取件推送", name, "out", "sftp", place, seen), error)

    try:
        targets = push_targets(deployment)
    except ConfigurationError as fault:
        refused = _filled(ConnectionReport("deliveries_out.yaml", "提取件推送", "", "out", "sftp", ""), fault)
        return [lambda: refused]
    return [lambda department=d: check(department) for d in sorted(targets)]  # type: ignore[misc]


def _report(
    deployment: Deployment, declaration: FeedDeclaration, place: str, *, seen: str = "", error: HubError | None = None
) -> ConnectionReport:
    sender = deployment.department_by_id[deployment.sender_of(declaration.feed)].name
    title = feed_catalogue()[declaration.feed].title.zh
    kind = declaration.connector.kind
    return _filled(ConnectionReport(declaration.feed, title, sender, "in", kind, place, seen), error)


def _filled(report: ConnectionReport, error: HubError | None) -> ConnectionReport:
    from dataclasses import replace

    if error is None:
        return report
    fault = next((words for kind, words in _FAULTS if isinstance(error, kind)), "其他")
    problems = getattr(error, "problems", ())
    seen = error.message + ("（" + "；".join(problems) + "）" if problems else "")
    return replace(report, seen=seen, fault=fault, next_step=error.next_step, passing=error.retry)
