"""What staff decide about two profiles: same, different, unsure; by whom, when, why. A decision binds every later
matching until it is revoked; a contradiction is refused with the chain that causes it; no pair is decided twice.

Every function works inside the caller's transaction. The links follow with the next matching
(`hub.matching.resolve`), which a caller may start at once.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.errors import ConflictError, PermissionRefusedError

VERDICT_WORDS = {"same": "同一家", "different": "不是同一家", "unsure": "拿不准"}


@dataclass(frozen=True, slots=True)
class Decision:
    """A standing or revoked decision."""

    decision_id: int
    profile_a: str
    profile_b: str
    verdict: str
    person: str
    reason: str
    decided_at: datetime
    needs_second: bool
    confirmed_by: str | None
    revoked_by: str | None
    revoked_at: datetime | None
    revoke_reason: str | None
    name_a: str | None
    name_b: str | None
    entered_by: str | None = None  # the account that recorded another person's answer

    @property
    def in_force(self) -> bool:
        """Whether the matcher obeys it: not revoked, and confirmed where a second person is asked for."""
        return self.revoked_at is None and (not self.needs_second or self.confirmed_by is not None)

    @property
    def waits(self) -> bool:
        """Whether it waits for the second pair of eyes."""
        return self.revoked_at is None and self.needs_second and self.confirmed_by is None


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One standing decision in the chain that a new one would contradict."""

    decision_id: int
    name_a: str
    name_b: str
    verdict: str
    person: str
    decided_at: datetime


class ContradictionError(ConflictError):
    """What standing decisions exclude; `chain` holds them in the order that leads from one side to the other."""

    def __init__(self, message: str, *, next_step: str, chain: tuple[ChainLink, ...]) -> None:
        super().__init__(message, next_step=next_step)
        self.chain = chain


_SELECT = """
    select d.decision_id, d.profile_a, d.profile_b, d.verdict, d.person, d.reason, d.decided_at, d.needs_second,
           d.confirmed_by, d.revoked_by, d.revoked_at, d.revoke_reason, a.name, b.name, d.entered_by
    from decision d join profile a on a.profile_key = d.profile_a join profile b on b.profile_key = d.profile_b
"""


def list_decisions(
    connection: Connection,
    *,
    standing: bool = True,
    waiting: bool = False,
    person: str | None = None,
    limit: int = 500,
    offset: int = 0,
) -> list[Decision]:
    """Decisions, the newest first.

    Args:
        standing: only those not revoked.
        waiting: only those that wait for the second pair of eyes.
        person: only what this person decided or recorded.
    """
    conditions = ["true"]
    if standing:
        conditions.append("d.revoked_at is null")
    if waiting:
        conditions.append("d.revoked_at is null and d.needs_second and d.confirmed_by is null")
    if person:
        conditions.append(":person in (d.person, d.entered_by)")
    rows = connection.execute(
        text(f"{_SELECT} where {' and '.join(conditions)} order by d.decision_id desc limit :n offset :o"),
        {"n": limit, "o": offset, "person": person},
    )
    return [Decision(*row) for row in rows]


def get_decision(connection: Connection, decision_id: int) -> Decision:
    """One decision.

    Raises:
        ConflictError: there is none of this number.
    """
    row = connection.execute(text(f"{_SELECT} where d.decision_id = :id"), {"id": decision_id}).one_or_none()
    if row is None:
        raise ConflictError(
            f"没有编号为 {decision_id} 的判断。", next_step="用 coop-hub review decisions 查看判断的编号。"
        )
    return Decision(*row)


def decide(
    connection: Connection,
    profile_a: str,
    profile_b: str,
    verdict: str,
    *,
    person: str,
    reason: str,
    second: bool = False,
    entered_by: str | None = None,
) -> int:
    """Records a decision; returns its number.

    Args:
        second: the office asks for a second pair of eyes; the decision waits for `confirm`.
        entered_by: the account that records somebody else's answer (a township's workbook).

    Raises:
        ConflictError: the pair is decided already, a profile is unknown, or the decision contradicts standing ones.
    """
    if verdict not in VERDICT_WORDS:
        raise ConflictError(f"没有“{verdict}”这种判断。", next_step="写“同一家”“不是同一家”或“拿不准”。")
    if profile_a == profile_b:
        raise ConflictError("两边是同一条身份画像。", next_step="选两条不同的记录。")
    a, b = sorted((profile_a, profile_b))
    connection.execute(text("lock table decision in share row exclusive mode"))
    names = _names(connection, (a, b))
    if missing := {a, b} - set(names):
        raise ConflictError("要判断的记录不存在。", next_step="刷新待判清单后重试。", detail=", ".join(sorted(missing)))
    standing = connection.execute(
        text(
            "select decision_id, verdict, person from decision where profile_a = :a and profile_b = :b and revoked_at is null"
        ),
        {"a": a, "b": b},
    ).one_or_none()
    evidence = connection.execute(
        text("select kind, evidence from candidate where profile_a = :a and profile_b = :b"), {"a": a, "b": b}
    ).one_or_none()
    if standing is not None:
        if evidence is None or evidence.kind != "recheck":
            raise ConflictError(
                f"这一对已由{standing.person}判断为“{VERDICT_WORDS[standing.verdict]}”（第 {standing.decision_id} 号）。",
                next_step="要改判，请先撤销原判断。",
            )
        revoke(connection, standing.decision_id, person=person, reason="资料有变，重新判断")
        # answered: the question is not asked again while the next matching is waited for
        connection.execute(text("delete from candidate where profile_a = :a and profile_b = :b"), {"a": a, "b": b})
    if verdict != "unsure":
        refuse_contradiction(connection, a, b, verdict)
    return int(
        connection.execute(
            text(
                "insert into decision (profile_a, profile_b, verdict, person, reason, evidence, needs_second, entered_by) "
                "values (:a, :b, :verdict, :person, :reason, cast(:evidence as jsonb), :second, :entered_by) "
                "returning decision_id"
            ),
            {
                "entered_by": entered_by if entered_by != person else None,
                "a": a,
                "b": b,
                "verdict": verdict,
                "person": person,
                "reason": reason,
                "second": second and verdict != "unsure",
                "evidence": json.dumps(evidence.evidence if evidence else {}, ensure_ascii=False),
            },
        ).scalar_one()
    )


def confirm(connection: Connection, decision_id: int, *, person: str) -> None:
    """The second pair of eyes agrees.

    Raises:
        PermissionRefusedError: it is the same person.
        ConflictError: nothing waits to be confirmed.
    """
    decision = get_decision(connection, decision_id)
    if person in {decision.person, decision.entered_by}:
        raise PermissionRefusedError("复核人不能是判断人本人。", next_step="请另一位工作人员复核。")
    if decision.revoked_at is not None or not decision.needs_second or decision.confirmed_by is not None:
        raise ConflictError(f"第 {decision_id} 号判断不在等待复核。", next_step="刷新后查看它现在的状态。")
    refuse_contradiction(connection, decision.profile_a, decision.profile_b, decision.verdict, but=decision_id)
    connection.execute(
        text("update decision set confirmed_by = :person, confirmed_at = now() where decision_id = :id"),
        {"person": person, "id": decision_id},
    )


def revoke(connection: Connection, decision_id: int, *, person: str, reason: str) -> None:
    """Takes a decision back; the next matching is as if it had never been.

    Raises:
        ConflictError: it is revoked already.
    """
    decision = get_decision(connection, decision_id)
    if decision.revoked_at is not None:
        raise ConflictError(f"第 {decision_id} 号判断已被{decision.revoked_by}撤销。", next_step="无需再撤销。")
    connection.execute(
        text(
            "update decision set revoked_by = :person, revoked_at = now(), revoke_reason = :reason where decision_id = :id"
        ),
        {"person": person, "reason": reason, "id": decision_id},
    )


def refuse_contradiction(connection: Connection, a: str, b: str, verdict: str, *, but: int | None = None) -> None:
    """Refuses what standing decisions exclude.

    "Same" is refused when a chain of "same" decisions from one side meets a "different" one to the other side's chain;
    "different" when such a chain joins both. Links by codes or by the model never refuse a person.

    Raises:
        ContradictionError: with the chain.
    """
    rows = connection.execute(
        text(
            "select decision_id, profile_a, profile_b, verdict, person, decided_at from decision "
            "where revoked_at is null and verdict <> 'unsure' and decision_id is distinct from :but order by decision_id"
        ),
        {"but": but},
    ).all()
    near: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for row in rows:
        if row.verdict == "same":
            near[row.profile_a].append((row.profile_b, row))
            near[row.profile_b].append((row.profile_a, row))
    from_a, from_b = _reached(near, a), _reached(near, b)
    chain: list[Any] | None = None
    if verdict == "different" and b in from_a:
        chain = from_a[b]
    elif verdict == "same":
        for row in rows:
            if row.verdict != "different":
                continue
            for x, y in ((row.profile_a, row.profile_b), (row.profile_b, row.profile_a)):
                if x in from_a and y in from_b:
                    chain = [*from_a[x], row, *reversed(from_b[y])]
                    break
            if chain:
                break
    if chain:
        names = _names(connection, {p for row in chain for p in (row.profile_a, row.profile_b)})
        told = "；".join(
            f"“{names[row.profile_a]}”与“{names[row.profile_b]}”{VERDICT_WORDS[row.verdict]}"
            f"（第 {row.decision_id} 号，{row.person}，{row.decided_at:%Y-%m-%d}）"
            for row in chain
        )
        raise ContradictionError(
            f"判断为“{VERDICT_WORDS[verdict]}”与已有判断矛盾：{told}。",
            next_step="核实后先撤销其中有误的一条，再作判断。",
            chain=tuple(
                ChainLink(
                    row.decision_id, names[row.profile_a], names[row.profile_b], row.verdict, row.person, row.decided_at
                )
                for row in chain
            ),
        )


def _reached(near: dict[str, list[tuple[str, Any]]], start: str) -> dict[str, list[Any]]:
    """Everything "same" decisions lead to from `start`, each with the shortest chain that leads there."""
    chains: dict[str, list[Any]] = {start: []}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for there, row in near.get(here, ()):
            if there not in chains:
                chains[there] = [*chains[here], row]
                queue.append(there)
    return chains


def _names(connection: Connection, keys: Any) -> dict[str, str]:
    return {
        r.profile_key: r.name or "（无名称）"
        for r in connection.execute(
            text("select profile_key, name from profile where profile_key = any(:keys)"), {"keys": sorted(keys)}
        )
    }
