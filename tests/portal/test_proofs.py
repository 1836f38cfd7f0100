"""Who received a cooperative's data, whose copy a list is, whether the ledger is whole, and the heads kept elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from sqlalchemy import select, text

from hub.store.tables.portal import audit_event
from tests.portal.conftest import Portal, proof
from tests.portal.test_office import scalar, words


def take(client: httpx.Client, extract_id: str, form: str = "csv") -> bytes:
    answer = client.get(f"/extracts/{extract_id}/{form}")
    assert answer.status_code == 200
    return answer.content


def trace(client: httpx.Client, content: bytes, name: str = "名单.csv") -> str:
    answer = client.post("/trace", data={"proof": proof(client)}, files={"file": (name, content)})
    assert answer.status_code in {200, 400}
    return words(answer.text)


def test_receivers_are_named_and_a_stretch_of_a_list_leads_back_to_who_took_it(lived: Portal) -> None:
    extract = scalar(
        lived, "select max(extract_id) from extract where department = 'tax' and dataset = 'abnormal_decisions'"
    )
    first = lived.enter(lived.add("zhang", "tax", "staff"))
    second = lived.enter(lived.add("wang", "tax", "staff"))
    take(first, extract)
    header, *rows = take(second, extract).decode("utf-8-sig").splitlines()
    assert len(rows) > 30
    auditor = lived.as_role("auditor")
    told = trace(auditor, "\n".join([header, *rows[6:]]).encode())
    assert "wang" in told and "百万分之一" in told and "zhang" not in told.split("外面发现的名单")[0]
    assert "没有指向任何副本" in trace(auditor, "\n".join([header, *sorted(rows)]).encode())
    assert "下一步" in trace(auditor, b"PK\x03\x04")
    coop, name = (scalar(lived, f"select c.{c} from cooperative c join extract_cooperative x using (coop_id) where department = 'tax' and agreement = 'abnormal_decisions_to_tax' and until_extract is null order by 1") for c in ("coop_id", "name"))  # fmt: skip
    page = words(auditor.get("/ledger/who", params={"coop": coop}).text)
    assert "zhang" in page and "wang" in page and "门户下载" in page
    assert "zhang" in words(auditor.get("/ledger/who", params={"coop": name}).text)
    assert "下一步" in words(auditor.get("/ledger/who", params={"coop": "查无此社专业合作社"}).text)
    with lived.engine.connect() as connection:
        details = connection.scalars(select(audit_event.c.details).where(audit_event.c.event == "list_traced")).all()
    assert [len(d["copies"]) for d in details] == [1, 0]


def test_the_ledger_is_proven_on_the_spot_also_against_heads_kept_elsewhere(lived: Portal, tmp_path: Path) -> None:
    keeper = lived.enter(lived.add("keeper", "market_supervision", "staff"))
    assert "台账的每日摘要" in keeper.get("/extracts").text
    seq = scalar(lived, "select min(seq) from ledger where event = 'head_exported'")
    sent = keeper.get(f"/heads/{seq}/head.json")
    assert sent.status_code == 200
    head = json.loads(sent.content)
    assert head["hash"] == scalar(lived, f"select hash from ledger where seq = {head['seq']}")
    stranger = lived.enter(lived.add("stranger", "forestry", "staff"))
    assert stranger.get(f"/heads/{seq}/head.json").status_code == 404
    assert head["hash"][:24] not in stranger.get("/heads").text
    auditor = lived.as_role("auditor")

    def check(*heads: bytes) -> str:
        files = [("heads", (f"{i}.json", h)) for i, h in enumerate(heads)] or None
        answer = auditor.post("/ledger/check", data={"proof": proof(auditor)}, files=files, follow_redirects=True)
        assert answer.status_code == 200
        return words(answer.text)

    assert "没有缺失、改动或换序" in check()
    assert "与交存过的 1 份摘要一致" in check(sent.content)
    forged = json.dumps({**head, "hash": "0" * 64}).encode()
    assert "整条链可能被重写" in check(forged)
    assert "不是交存的台账摘要" in check(b"{}")
    with lived.engine.begin() as connection:
        connection.execute(text("alter table ledger disable trigger all"))
        connection.execute(text("update ledger set person = 'nobody' where seq = 3"))
    assert "第 3 条的内容与摘要不符" in check()
