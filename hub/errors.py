"""What can go wrong, named by what the operator must do next.

A truncated delivery has no error of its own. Bytes that did not all come are the connector's to notice (transient, asked again),
a file cut off is a `FormatError`, and a list with far fewer rows than the last may be right: it is held, and a person decides
(`row_count_holds` in `expectations.generic`).

Every error a person can meet is a `HubError`: a Chinese sentence for the clerk (`message`), the next step
(`next_step`), and where it happened (`Where`). A traceback never reaches a user; `detail` goes to the log only
and must hold no personal data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a problem, from the whole feed down to one cell. Rows count from 1 as the sheet shows them."""

    feed: str | None = None
    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        parts = [self.feed or "", self.file or ""]
        if self.sheet:
            parts.append(f"工作表“{self.sheet}”")
        if self.row is not None:
            parts.append(f"第 {self.row} 行")
        if self.column:
            parts.append(f"“{self.column}”列")
        return " · ".join(p for p in parts if p)


class HubError(Exception):
    """Root of every expected error.

    Args:
        message: what happened, in Chinese, for a clerk.
        next_step: what to do now, in Chinese; required, because an error without it is half an error.
        where: the place, as exactly as known.
        detail: for the log: library message, codes; never personal data.
    """

    retry = False

    def __init__(self, message: str, *, next_step: str, where: Where | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.message, self.next_step, self.where, self.detail = message, next_step, where or Where(), detail

    def at(self, **place: str | int | None) -> HubError:
        """The same error with its place filled in further (a reader knows the row, its caller the feed)."""
        self.where = replace(self.where, **place)  # type: ignore[arg-type]
        return self

    def __str__(self) -> str:
        place = str(self.where)
        return f"{place + '：' if place else ''}{self.message} 下一步：{self.next_step}"


class ConfigurationError(HubError):
    """Settings or a deployment are wrong: a person edits a file. `problems` lists all of them at once."""

    def __init__(
        self,
        message: str,
        *,
        next_step: str,
        where: Where | None = None,
        detail: str = "",
        problems: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, next_step=next_step, where=where, detail=detail)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  - {p}" for p in self.problems)])


class AuthenticationError(HubError):
    """The other side refuses our password, key or token: a person renews it. Never retried (accounts lock)."""


class HostKeyError(HubError):
    """The other side is not who it was: loud, never retried, nothing is sent."""


class TransientError(HubError):
    """Network, time-out, busy, disk full: worth another try, then an alert."""

    retry = True


class FormatError(HubError):
    """A file cannot be read as what it should be. Costs this delivery, never the night."""


class DriftError(HubError):
    """The layout changed: a required column vanished or a header is unknown."""


class PermissionRefusedError(HubError):
    """Somebody asked for what no agreement or role allows."""


class ConflictError(HubError):
    """A decision or an edit contradicts what stands; the message names the chain."""
