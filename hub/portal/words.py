"""Words for the states that tables hold, in two languages, each with a tone for its badge."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """A state in words; `tone` is one of good, wait, bad, calm."""

    text: str
    tone: str


_STATES: dict[str, dict[str, tuple[str, str, str]]] = {
    "delivery": {
        "received": ("已收到", "Received", "calm"),
        "staged": ("待入库", "Staged", "calm"),
        "held": ("暂扣", "Held", "wait"),
        "accepted": ("已入库", "Accepted", "good"),
        "rejected": ("已退回", "Rejected", "bad"),
        "failed": ("无法使用", "Failed", "bad"),
        "unchanged": ("内容未变", "Unchanged", "calm"),
    },
    "run": {
        "running": ("运行中", "Running", "calm"),
        "done": ("完成", "Done", "good"),
        "attention": ("完成，待处理", "Needs attention", "wait"),
        "failed": ("失败", "Failed", "bad"),
    },
    "run_kind": {
        "nightly": ("夜间同步", "Nightly", "calm"),
        "hand": ("手工", "By hand", "calm"),
        "release": ("放行", "Release", "calm"),
    },
    "disposition": {
        "accepted": ("入库", "Accepted", "good"),
        "quarantined": ("退回", "Quarantined", "bad"),
        "duplicate": ("重复", "Duplicate", "calm"),
        "out_of_scope": ("不在范围", "Out of scope", "calm"),
    },
    "severity": {
        "critical": ("整件", "Whole file", "bad"),
        "hold": ("暂扣", "Hold", "wait"),
        "row": ("退行", "Row", "wait"),
        "warning": ("提醒", "Warning", "calm"),
    },
    "coverage": {
        "full": ("全量", "Full list", "calm"),
        "increment": ("增量", "Increment", "calm"),
        "problems": ("仅问题", "Problems only", "calm"),
    },
    "ledger": {
        "published": ("发布", "Published", "calm"),
        "confirmed": ("核对无变化", "Unchanged", "calm"),
        "downloaded": ("下载", "Downloaded", "good"),
        "pushing": ("开始推送", "Pushing", "calm"),
        "pushed": ("推送送达", "Pushed", "good"),
        "push_failed": ("推送未成", "Push failed", "bad"),
        "refused": ("拒绝", "Refused", "bad"),
        "recalled": ("召回", "Recalled", "bad"),
        "acknowledged": ("召回回执", "Acknowledged", "good"),
        "agreement_approved": ("协议批准", "Agreement approved", "good"),
        "agreement_revoked": ("协议撤销", "Agreement revoked", "bad"),
        "agreement_expired": ("协议到期", "Agreement expired", "wait"),
        "correction": ("校核纠错", "Correction", "calm"),
        "pruned": ("到期清理", "Cleared", "calm"),
        "head_exported": ("摘要交存", "Head handed over", "good"),
    },
    "link": {
        "identifier": ("代码", "Identifier", "good"),
        "name": ("名称", "Name", "good"),
        "model": ("模型", "Model", "calm"),
        "decision": ("人工", "Decision", "good"),
        "new": ("新建", "New", "calm"),
        "review": ("待核对", "Review", "wait"),
    },
    "three": {
        "yes": ("是", "Yes", "good"),
        "no": ("否", "No", "calm"),
        "unknown": ("不明", "Unknown", "wait"),
    },
}


def state(group: str, value: str | None, language: str) -> Word:
    """A state in words; one that this page does not know is shown as it is."""
    zh, en, tone = _STATES[group].get(value or "", (value or "—", value or "—", "calm"))
    return Word(en if language == "en" else zh, tone)
