"""What the office reads and decides: cooperatives and dossiers, targets, changes, the clean-up board, agreements, corrections."""

from __future__ import annotations

import io
import json
import re
from datetime import date

from sqlalchemy import select, text

from hub.matching.reasons import percent
from hub.store.tables.portal import audit_event
from hub.store.tables.sharing import correction, ledger
from tests.portal.conftest import Portal, proof


def scalar(portal: Portal, query: str) -> str:
    with portal.engine.connect() as connection:
        return str(connection.execute(text(query)).scalars().first())


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_cooperative_is_found_by_name_code_initials_and_state_and_its_dossier_opens(lived: Portal) -> None:
    coop, name, uscc, initials = (
        scalar(lived, f"select {c} from cooperative where uscc is not null order by coop_id")
        for c in ("coop_id", "name", "uscc", "initials")
    )
    office = lived.as_role("office")
    for wanted in (name, uscc, coop, initials.lower()):
        assert f"/cooperatives/{coop}" in office.get("/cooperatives", params={"q": wanted}).text, wanted
    assert "没有找到" in office.get("/cooperatives", params={"q": "查无此社"}).text
    listed = int(scalar(lived, "select count(*) from cooperative where fields->>'abnormal_now' = 'yes'"))
    assert f"共 {listed} 家" in office.get("/cooperatives", params={"rule": "abnormal_now"}).text
    page = words(office.get(f"/cooperatives/{coop}").text)
    for part in (name, uscc, "大事记", "谁领取过这家的数据", "各来源的写法与认定依据"):
        assert part in page
    for way in (uscc, name):
        assert office.get(f"/cooperatives/{way}").status_code == 200
    assert office.get("/cooperatives/ZZZZZZZ").status_code == 404
    told = json.loads(office.get(f"/cooperatives/{coop}/dossier.json").content)
    assert told["coop_id"] == coop
    with lived.engine.connect() as connection:
        seen = connection.scalars(
            select(audit_event.c.event).where(audit_event.c.details["coop_id"].astext == coop)
        ).all()
    assert seen.count("cooperative_viewed") == 3 and seen.count("dossier_downloaded") == 1


def test_a_link_the_model_made_shows_its_evidence_piece_by_piece_where_a_clerk_asks_why(lived: Portal) -> None:
    with lived.engine.connect() as connection:
        link = connection.execute(
            text("""select coop_id, score, evidence->'items' as items, reason, o.name as other from link join profile o
                    on o.profile_key = evidence->>'partner' where link = 'model' order by score, link.profile_key""")
        ).first()
    assert link is not None
    office = lived.as_role("office")
    page = office.get(f"/cooperatives/{link.coop_id}").text
    assert '<svg class="waterfall"' in page and "逐项依据" in page and f'与此比较：<span lang="zh">{link.other}' in page
    for item in link.items:
        assert f"{item['title']} {item['weight']:+.1f}" in page  # what a reader of the drawing hears
    assert f"合计：把握 {percent(link.score)}" in page
    told = json.loads(office.get(f"/cooperatives/{link.coop_id}/dossier.json").content)
    (naming,) = [n for n in told["namings"] if n["reason"] == link.reason and n["score"] == link.score][:1]
    assert naming["items"] == link.items and naming["compared_with"] == link.other
    english = lived.as_role("operator")
    assert (
        english.get(f"/cooperatives/{link.coop_id}").status_code == 403
    )  # who may not read the dossier sees no evidence


def test_a_dossier_of_the_night_before_shows_what_was_known_then(lived: Portal) -> None:
    coop = scalar(lived, "select coop_id from cooperative_history order by coop_id")
    office = lived.as_role("office")
    assert "总表第 1 版" in office.get(f"/cooperatives/{coop}", params={"known_at": "2026-10-31"}).text
    assert "总表第 2 版" in office.get(f"/cooperatives/{coop}").text


def test_targets_changes_and_the_board_agree_with_the_master(lived: Portal) -> None:
    office = lived.as_role("office")
    targets = office.get("/targets").text
    assert "国家级示范社" in targets and '<svg class="trend"' in targets
    changes = office.get("/changes").text
    assert "2026-10-31" in changes and "到 2026-11-30" in changes
    board = office.get("/cleanup").text
    town = lived.deployment.county.towns[0].name
    assert town in board
    narrowed = office.get("/cleanup", params={"town": town, "stage": "open"})
    assert narrowed.status_code == 200


def test_dossier_and_bulletin_leave_as_word_files_and_are_noted(lived: Portal) -> None:
    import docx

    office = lived.as_role("office")
    coop, name = (scalar(lived, f"select {c} from cooperative order by coop_id") for c in ("coop_id", "name"))
    for address, told in (
        (f"/cooperatives/{coop}/dossier.docx?as_of=&known_at=2026-10-31", name),
        ("/changes/bulletin.docx?month=2026-11", "联席会议通报"),
    ):
        answer = office.get(address)
        assert answer.status_code == 200 and ".docx" in answer.headers["content-disposition"]
        document = docx.Document(io.BytesIO(answer.content))
        assert any(told in p.text for p in document.paragraphs), address
    assert office.get("/changes/bulletin.docx?month=2026-13").status_code == 303
    assert f"/cooperatives/{coop}/dossier.docx?" in office.get(f"/cooperatives/{coop}").text
    with lived.engine.connect() as connection:
        events = connection.scalars(select(audit_event.c.event)).all()
    assert events.count("dossier_downloaded") == 1 and events.count("bulletin_downloaded") == 1
    assert lived.as_role("staff").get("/changes/bulletin.docx?month=2026-11").status_code in {403, 404}


def test_changes_are_counted_from_the_joint_meeting_the_office_noted(lived: Portal) -> None:
    office = lived.as_role("office")
    form = {"proof": proof(office, "/changes"), "held_on": "2026-11-05"}
    assert office.post("/changes/meetings", data=form).status_code == 303
    page = office.get("/changes").text
    assert re.search(r'<option value="2026-11-05" selected>[^<]*（联席会议）', page)
    for wrong, told in (("2031-01-01", "还没有到"), ("昨天", "请选择会议日期")):
        office.post("/changes/meetings", data={**form, "held_on": wrong})
        assert told in office.get("/changes").text
    assert scalar(lived, "select details->>'held_on' from audit_event where event = 'meeting_noted'") == "2026-11-05"
    assert scalar(lived, "select count(*) from joint_meeting") == "1"


def test_who_received_what_is_told_with_the_copies_that_left(lived: Portal) -> None:
    coop = scalar(
        lived, "select coop_id from extract_cooperative where department = 'tax' and until_extract is null order by 1"
    )
    number = scalar(
        lived,
        f"select max(x.extract_id) from extract x join extract_cooperative c using (agreement, department) "
        f"where c.coop_id = '{coop}' and department = 'tax' and c.from_extract <= x.extract_id and c.until_extract is null",
    )
    assert lived.as_role("staff").get(f"/extracts/{number}/csv").status_code == 200
    office = lived.as_role("office")
    assert "the-staff" in office.get(f"/cooperatives/{coop}").text
    assert "the-staff" not in office.get(f"/cooperatives/{coop}", params={"known_at": "2026-10-31"}).text
    assert "the-staff" in office.get("/ledger", params={"event": "downloaded"}).text
    assert "已领 1 份" in office.get("/sharing").text


def test_an_agreement_is_revoked_and_approved_by_the_office_only_and_never_unseen(lived: Portal) -> None:
    office, staff = lived.as_role("office"), lived.as_role("staff")
    path = "/agreements/abnormal_decisions_to_tax"
    assert "税务" in words(staff.get(path).text)
    assert staff.get("/agreements/master_to_agriculture").status_code == 200, "tax gives part of the master"
    assert staff.get("/agreements/abnormal_decisions_to_forestry").status_code == 404
    assert staff.post(path, data={"proof": proof(staff), "word": "revoke", "reason": "x"}).status_code == 403
    data = {"proof": proof(office), "word": "revoke", "version": "1"}
    assert "撤销须写明理由" in office.post(path, data=data, follow_redirects=True).text
    stale = office.post(path, data={**data, "reason": "x", "version": "7"}, follow_redirects=True)
    assert "协议刚有改动" in stale.text
    assert "已撤销" in office.post(path, data={**data, "reason": "用途不符"}, follow_redirects=True).text
    office.post(path, data={**data, "word": "approve"})
    assert "有效" in words(office.get(path).text)
    with lived.engine.connect() as connection:
        lines = connection.scalars(select(ledger.c.event).where(ledger.c.person == "the-office").order_by(ledger.c.seq))
        assert lines.all() == ["agreement_revoked", "agreement_approved"]


def test_the_catalogue_shows_every_feed_with_its_fields_and_leaves_as_a_workbook(lived: Portal) -> None:
    auditor = lived.as_role("auditor")
    page = auditor.get("/catalogue").text
    assert "经营异常名录" in page and "共享数据" in page
    code = f"{lived.deployment.county.code}-in-market_abnormal"
    assert "列入日期" in auditor.get(f"/catalogue/{code}").text
    assert auditor.get("/catalogue/nothing").status_code == 404
    assert auditor.get("/catalogue.xlsx").content.startswith(b"PK")
    assert "没有符合的目录项" in auditor.get("/catalogue", params={"q": "查无"}).text


def dispute(portal: Portal) -> tuple[str, str]:
    """Number of an extract the tax office holds of market supervision's list, and a cooperative in it."""
    row = "agreement = 'abnormal_decisions_to_tax' and department = 'tax'"
    number = scalar(portal, f"select max(extract_id) from extract where {row}")
    return number, scalar(
        portal, f"select coop_id from extract_cooperative where {row} and until_extract is null order by 1"
    )


def test_a_value_is_disputed_answered_and_archived_each_by_the_right_side(lived: Portal) -> None:
    number, coop = dispute(lived)
    tax = lived.as_role("staff")
    market = lived.enter(lived.add("shi", "market_supervision", "staff"))
    forestry = lived.enter(lived.add("lin", "forestry", "staff"))
    form = tax.get("/corrections/new", params={"extract": number, "coop": coop})
    assert form.status_code == 200 and "列入日期" in form.text
    assert forestry.get("/corrections/new", params={"extract": number, "coop": coop}).status_code == 404
    data = {
        "proof": proof(tax),
        "extract": number,
        "coop": coop,
        "field": "listed_on",
        "value": "2025-07-01",
        "proposed": "2025-07-11",
    }
    assert tax.post("/corrections/new", data={**data, "reason": ""}).status_code == 400
    reason = {"reason": "决定书日期是 11 日"}
    odd = tax.post("/corrections/new", data={**data, **reason}, files={"evidence": ("x.exe", b"MZ")})
    assert odd.status_code == 400 and "不收" in odd.text
    scan = ("决定书.pdf", b"%PDF-1.4 scan")
    raised = tax.post("/corrections/new", data={**data, **reason}, files={"evidence": scan})
    path = raised.headers["location"]
    assert re.fullmatch(r"/corrections/\d+", path)
    assert "决定书.pdf" in market.get(path).text
    attached = market.get(f"{path}/evidence/0")
    assert attached.content == scan[1] and attached.headers["content-disposition"].startswith("attachment")
    assert forestry.get(f"{path}/evidence/0").status_code == tax.get(f"{path}/evidence/1").status_code == 404
    assert forestry.get(path).status_code == 404
    assert forestry.post(path, data={"proof": proof(forestry), "word": "accept"}).status_code == 404
    assert path in market.get("/corrections").text
    refused = tax.post(path, data={"proof": proof(tax), "word": "accept"}, follow_redirects=True)
    assert "只有数据提供部门" in refused.text
    token = proof(market)
    assert "标注" in words(market.post(path, data={"proof": token, "word": "accept"}, follow_redirects=True).text)
    unsaid = market.post(path, data={"proof": token, "word": "upheld", "note": ""}, follow_redirects=True)
    assert "没有写明核实情况" in unsaid.text
    answer = {"proof": token, "word": "upheld", "note": "已核对决定书，原日期无误"}
    assert "核实无误" in market.post(path, data=answer, follow_redirects=True).text
    assert "已核对决定书" in tax.get(path).text
    early = market.post(path, data={"proof": token, "word": "archive"}, follow_redirects=True)
    assert "只有提出部门" in early.text
    tax.post(path, data={"proof": proof(tax), "word": "archive"})
    with lived.engine.connect() as connection:
        row = connection.execute(select(correction)).one()
        steps = connection.scalars(
            select(audit_event.c.details["step"].astext).where(audit_event.c.event == "correction_handled")
        ).all()
    assert (row.state, row.outcome, row.flagged) == ("archived", "upheld", False)
    assert sorted(steps) == ["accept", "archive", "upheld"]
    office = lived.as_role("office")
    assert "核实无误" in words(office.get("/corrections").text)


def test_a_step_that_is_none_is_refused(lived: Portal) -> None:
    number, coop = dispute(lived)
    tax = lived.as_role("staff")
    data = {"proof": proof(tax), "extract": number, "coop": coop, "reason": "整行不对"}
    path = tax.post("/corrections/new", data=data).headers["location"]
    assert tax.post(path, data={"proof": proof(tax), "word": "vanish"}).status_code == 400
    assert tax.post("/corrections/424242", data={"proof": proof(tax), "word": "accept"}).status_code == 404
    assert tax.post("/corrections/new", data={**data, "extract": "424242"}).status_code == 404
    assert tax.post("/corrections/new", data={**data, "extract": "x"}).status_code in {400, 404}


def test_one_of_several_records_is_singled_out_and_only_it_is_flagged(lived: Portal) -> None:
    import pyarrow.parquet as pq

    from hub.sharing import publish

    def rows() -> list[dict[str, object]]:
        number = scalar(lived, "select max(extract_id) from extract where agreement = 'abnormal_decisions_to_tax'")
        files = scalar(lived, f"select files->-1->>'path' from extract where extract_id = {number}")
        return list(pq.read_table(lived.settings.data / files).to_pylist())

    coops = [r["coop_id"] for r in rows()]
    coop = next(str(c) for c in coops if coops.count(c) > 1)
    mine = [r for r in rows() if r["coop_id"] == coop]
    number = scalar(lived, "select max(extract_id) from extract where agreement = 'abnormal_decisions_to_tax'")
    tax = lived.as_role("staff")
    assert "第 2 条" in tax.get("/corrections/new", params={"extract": number, "coop": coop}).text
    data = {
        "proof": proof(tax),
        "extract": number,
        "coop": coop,
        "field": "listed_on",
        "line": "1",
        "reason": "日期不对",
    }
    path = tax.post("/corrections/new", data={**data, "value": "said by the form, not believed"}).headers["location"]
    with lived.engine.connect() as connection:
        row = connection.execute(select(correction)).one()
    assert row.value == str(mine[1]["listed_on"]) and row.record["listed_on"] == row.value
    market = lived.enter(lived.add("shi", "market_supervision", "staff"))
    market.post(path, data={"proof": proof(market), "word": "accept"})
    publish(lived.engine, lived.deployment, lived.settings, None, today=date(2026, 11, 30))
    flagged = [r for r in rows() if r["dispute"]]
    assert [(r["coop_id"], str(r["listed_on"])) for r in flagged] == [(coop, row.value)]
    assert "列入日期" in str(flagged[0]["dispute"])
