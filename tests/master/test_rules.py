"""Every rule answers yes, no and unknown as its law or local source says. Two counties: in one all lists are full and current,
in the other every list is an increment, so that silence says nothing."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, create_engine, text

from hub.feeds import Coverage, feed_catalogue
from hub.master.provenance import read_evidence
from hub.master.rules import rules
from hub.settings import Settings
from hub.store.database import database_url
from tests.master.builder import County

DAY = date(2026, 11, 1)
FULL, BARE = "full", "bare"
OLD, YOUNG = date(2015, 5, 1), date(2026, 3, 1)


def tax(status: str = "03", **more: Any) -> dict[str, Any]:
    return {"tax_registration": [{"status": status, "founded_on": OLD, **more}]}


def listed(*dates: date, reason: str = "no_report", **more: Any) -> dict[str, Any]:
    return {"market_abnormal": [{"reason": reason, "listed_on": d, **more} for d in dates]}


def check(result: str, on: date = date(2026, 5, 1)) -> dict[str, Any]:
    return {"market_inspection": [{"check_type": "spot_check", "checked_on": on, "result": result}]}


def title(level: str = "county", **more: Any) -> dict[str, Any]:
    return {"demonstration": [{"level": level, "awarded_in": 2019, **more}]}


def subject(approval: str | None = "approved") -> dict[str, Any]:
    return {"traceability_subjects": [{"approval": approval, "registered_on": date(2020, 1, 1)}]}


def batch(on: date) -> dict[str, Any]:
    return {"traceability_batches": [{"batch": f"{on:%Y%m%d}-1"}]}


def ledger(**more: Any) -> dict[str, Any]:
    return {"standardisation": [{"checked_on": date(2026, 6, 1), **more}]}


def cleanup(problem: str = "stopped", progress: str = "under_way", **more: Any) -> dict[str, Any]:
    return {"township_cleanup": [{"problem": problem, "progress": progress, **more}]}


def funded(year: int = 2022) -> dict[str, Any]:
    return {"fiscal_support": [{"project": "大棚", "amount": 200000.0, "year": year}]}


def registry(status: str = "active", **more: Any) -> dict[str, Any]:
    return {"registry": [{"status": status, "founded_on": OLD, **more}]}


def several(**one: Any) -> dict[str, Any]:
    """Three cooperatives that share something: the case's own and two more."""
    return {
        "tax_registration": [
            {"status": "03", **one},
            {"status": "03", "also": 1, **one},
            {"status": "03", "also": 2, **one},
        ]
    }


TWO_REPORTS_MISSED = listed(date(2025, 7, 9), date(2026, 7, 9))
GOOD = {**tax(), **subject(), **ledger(governance=True, member_accounts=True)}

# rule -> (answer, county, rows by feed)
CASES: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "abnormal_now": [
        ("yes", BARE, listed(date(2026, 7, 9))),
        ("yes", FULL, {"market_abnormal": [{"reason": "no_report", "listed_on": date(2024, 7, 9), "removed_on": date(2025, 1, 1)},
                                           {"reason": "no_report", "listed_on": date(2026, 7, 9)}]}),
        ("no", FULL, listed(date(2024, 7, 9), removed_on=date(2025, 1, 1))),
        ("no", FULL, tax()),
        ("unknown", BARE, tax()),
    ],
    "tax_registered": [("yes", BARE, tax("05")), ("no", BARE, tax("07")), ("no", FULL, title()), ("unknown", BARE, title())],
    "tax_normal": [("yes", BARE, tax()), ("no", BARE, tax("04")), ("no", FULL, title()), ("unknown", BARE, title()),
                   ("unknown", BARE, tax("看不懂的状态")),
                   ("yes", FULL, {"tax_registration": [{"status": "07", "registration_serial": "1"}, {"status": "03", "registration_serial": "2"}]})],
    "tax_abnormal": [("yes", BARE, tax("05")), ("no", BARE, tax()), ("no", FULL, title()), ("unknown", BARE, title())],
    "traceability_registered": [("yes", BARE, subject()), ("yes", BARE, subject(None)), ("no", BARE, subject("pending")), ("no", FULL, tax()), ("unknown", BARE, tax())],
    "demonstration_now": [
        ("yes", BARE, title()),
        ("yes", FULL, title(monitored_in=2024, monitoring="pass")),
        ("no", FULL, title(monitored_in=2024, monitoring="fail")),
        ("no", FULL, {"demonstration": [{"level": "city", "awarded_in": 2019}, {"level": "city", "awarded_in": 2019, "monitored_in": 2025, "monitoring": "cancelled"}]}),
        ("no", FULL, tax()),
        ("unknown", BARE, tax()),
    ],
    "governance": [("yes", BARE, ledger(governance=True)), ("no", BARE, ledger(member_meeting=True, council=True, supervisors=False, articles=True)),
                   ("yes", BARE, ledger(member_meeting=True, council=True, supervisors=True, articles=True)),
                   ("unknown", BARE, ledger(member_meeting=True)), ("unknown", FULL, tax())],
    **{name: [("yes", BARE, ledger(**{name: True})), ("no", BARE, ledger(**{name: False})), ("unknown", FULL, tax())]
       for name in ("member_accounts", "computerised_accounts", "annual_report", "open_affairs", "surplus_distribution")},
    "supply_marketing_led": [("yes", BARE, {"supply_marketing": [{}]}), ("no", FULL, tax()), ("unknown", BARE, tax())],
    "forestry_guided": [("yes", BARE, {"forestry": [{}]}), ("no", FULL, tax()), ("unknown", BARE, tax())],
    "water_guided": [("yes", BARE, {"water": [{}]}), ("no", FULL, tax()), ("unknown", BARE, tax())],
    "in_cleanup": [("yes", BARE, cleanup()), ("no", FULL, cleanup(progress="done")), ("no", FULL, cleanup(closed_on=date(2026, 9, 1))),
                   ("no", FULL, tax()), ("unknown", BARE, tax())],
    "subsidised": [("yes", BARE, funded()), ("yes", BARE, {"water": [{"amount": 1000.0}]}),
                   ("no", FULL, {"support_measures": [{"measure": "training", "content": "课程"}]}), ("unknown", BARE, tax())],
    "ended": [("yes", BARE, registry("deregistered")), ("yes", BARE, listed(date(2020, 7, 1), removed_on=date(2021, 1, 1), removal_reason="deregistered")),
              ("no", BARE, registry()), ("unknown", BARE, tax())],
    "shell_members": [("yes", BARE, cleanup("no_members")), ("yes", BARE, registry(members=4)), ("unknown", BARE, registry(members=5)), ("unknown", FULL, tax())],
    "shell_no_business": [
        ("yes", FULL, {**TWO_REPORTS_MISSED, **tax("05")}),
        ("yes", FULL, {**TWO_REPORTS_MISSED, **tax("05"), **batch(date(2024, 10, 1))}),
        ("yes", BARE, {**check("no_activity"), **tax()}),
        ("no", FULL, {**TWO_REPORTS_MISSED, **tax("05"), **batch(date(2024, 12, 1))}),
        ("no", FULL, {**TWO_REPORTS_MISSED, **tax("03")}),
        ("no", FULL, {**listed(date(2026, 7, 9)), **tax("05")}),  # one year is not two running
        ("no", FULL, {**listed(date(2023, 7, 9), date(2026, 7, 9)), **tax("05")}),
        ("no", FULL, {**listed(date(2021, 7, 9), date(2022, 7, 9)), **tax("05")}),  # long ago
        ("no", BARE, {**check("no_activity"), **tax(founded_on=YOUNG)}),
        ("no", FULL, {**check("no_activity", date(2025, 5, 1)), "market_inspection": [
            {"checked_on": date(2025, 5, 1), "result": "no_activity"}, {"checked_on": date(2026, 5, 1), "result": "no_problem"}], **tax()}),
        ("unknown", BARE, {**TWO_REPORTS_MISSED, **tax("05")}),  # batches are an increment: none known is not none
        ("unknown", BARE, check("no_activity")),  # nobody knows how old it is
    ],
    "shell_stopped": [
        ("yes", BARE, tax("05", abnormal_on=date(2024, 10, 31))),
        ("yes", BARE, {**tax(), **listed(date(2024, 10, 1), reason="unreachable")}),
        ("yes", BARE, {**tax(), **check("closed")}),
        ("yes", BARE, {**tax(), **check("unreachable", date(2024, 10, 1))}),
        ("yes", BARE, tax("04", modified_on=date(2022, 1, 1))),
        ("no", FULL, tax("05", abnormal_on=date(2024, 11, 2))),
        ("no", FULL, tax()),
        ("no", BARE, tax("05", abnormal_on=date(2024, 1, 1), founded_on=YOUNG)),
        ("unknown", FULL, tax("05")),  # since when, nobody says
        ("unknown", BARE, tax()),
    ],
    "shell_subsidy": [
        ("yes", FULL, {**tax("05", abnormal_on=date(2020, 1, 1)), **funded()}),
        ("no", FULL, {**tax(), **funded()}),
        ("no", FULL, tax("05", abnormal_on=date(2020, 1, 1))),
        ("unknown", BARE, tax("05", abnormal_on=date(2020, 1, 1))),
    ],
    "shell_reported": [
        ("yes", BARE, {"complaints": [{"registered_on": date(2025, 1, 1), "content": "拖欠", "outcome": "founded"}]}),
        ("yes", BARE, {"complaints": [{"registered_on": date(2026, 10, 1), "content": "拖欠"}]}),
        ("no", FULL, {"complaints": [{"registered_on": date(2025, 1, 1), "content": "拖欠", "outcome": "unfounded"}]}),
        ("unknown", BARE, tax()),
    ],
    "shell_illegal_finance": [("yes", BARE, {"finance": [{"record_type": "illegal_finance"}]}),
                              ("no", FULL, {"finance": [{"record_type": "loan", "amount": 1.0}]}), ("unknown", BARE, tax())],
    "shell_suspected": [("yes", BARE, cleanup("no_members")), ("unknown", FULL, tax())],
    "demonstration_in_trouble": [
        ("yes", BARE, {**title(), **listed(date(2026, 7, 9))}), ("yes", BARE, {**title(), **tax("05")}),
        ("no", FULL, {**title(), **tax()}), ("no", FULL, listed(date(2026, 7, 9))), ("unknown", BARE, {**title(), **tax()})],
    "demonstration_not_traceable": [
        ("yes", FULL, title()), ("no", BARE, {**title(), **subject()}), ("no", FULL, tax()), ("unknown", BARE, title())],
    "ended_but_listed": [
        ("yes", BARE, {**registry("revoked"), **title()}), ("yes", BARE, {**tax("07"), **ledger(governance=True)}),
        ("no", BARE, {**registry(), **title(), **tax()}), ("no", BARE, registry("deregistered")),
        ("no", FULL, {**registry("deregistered"), **title(monitored_in=2024, monitoring="cancelled")}), ("unknown", BARE, title())],
    "ended_but_funded": [
        ("yes", BARE, {**registry("deregistered", ended_on=date(2021, 5, 1)), **funded(2022)}),
        ("no", BARE, {**registry("deregistered", ended_on=date(2023, 5, 1)), **funded(2022)}),
        ("no", BARE, {**registry(), **tax(), **funded()}),
        ("unknown", BARE, {**registry("deregistered"), **funded()})],
    "representative_of_several": [("yes", BARE, several(representative="王多社")), ("no", BARE, tax(representative="赵一社")), ("unknown", BARE, title())],
    "phone_of_several": [("yes", BARE, several(phone="13811112222")), ("no", BARE, tax(phone="13911112222")), ("unknown", BARE, title())],
    "address_of_several": [("yes", BARE, several(address="白石镇石门村8号")), ("no", BARE, tax(address="白石镇石门村9号")),
                           ("unknown", BARE, several(address="白石镇石门村"))],
    "cancellation_blocked": [
        ("yes", BARE, {**listed(date(2026, 7, 9)), **cleanup(proposed="deregister")}), ("yes", BARE, {**listed(date(2026, 7, 9)), **tax("13")}),
        ("no", BARE, {**listed(date(2026, 7, 9)), **tax(), **cleanup(proposed="rectify")}), ("no", FULL, cleanup(proposed="deregister")),
        ("unknown", BARE, cleanup(proposed="deregister"))],
    "eligible_demonstration": [
        ("yes", FULL, GOOD), ("no", FULL, {**GOOD, **listed(date(2026, 7, 9))}), ("no", FULL, {**GOOD, **tax(founded_on=YOUNG)}),
        ("no", FULL, {**GOOD, **cleanup("no_members")}), ("unknown", BARE, GOOD)],
    "eligible_project": [("yes", FULL, {**title(), **tax()}), ("no", FULL, {**title(), **tax(), **cleanup()}), ("no", FULL, tax()), ("unknown", BARE, {**title(), **tax()})],
    "eligible_credit": [("yes", FULL, tax()), ("no", BARE, tax("05")), ("no", FULL, {**tax(), "finance": [{"record_type": "illegal_finance"}]}), ("unknown", BARE, tax())],
    "eligible_simple_cancellation": [("yes", FULL, tax()), ("no", BARE, listed(date(2026, 7, 9))), ("no", FULL, registry("revoked")), ("unknown", BARE, tax())],
    "fit_for_publicity": [("yes", FULL, {**title(), **tax()}), ("no", FULL, {**title(), **tax(), "complaints": [{"registered_on": DAY, "content": "拖欠"}]}),
                          ("no", FULL, tax()), ("unknown", BARE, {**title(), **tax()})],
}  # fmt: skip
FLAT = [(rule, i, *case) for rule, cases in CASES.items() for i, case in enumerate(cases)]


def coop_of(rule: str, i: int) -> str:
    return f"{rule}-{i}"


class Published(NamedTuple):
    """One cooperative: what the night published of it, and what stands behind it."""

    fields: dict[str, Any]
    evidence: dict[str, Any]


@pytest.fixture(scope="module")
def published(server_settings: Settings, _template: str) -> Iterator[dict[str, dict[str, Any]]]:
    """Fields of every case's cooperative, by county; both counties projected once."""
    found: dict[str, dict[str, Any]] = {}
    admin = create_engine(database_url(server_settings, database="postgres"), isolation_level="AUTOCOMMIT")
    for world, coverage in ((FULL, Coverage.FULL), (BARE, Coverage.INCREMENT)):
        with admin.connect() as c:
            c.execute(text(f"create database rules_{world} template {_template}"))
        engine = create_engine(database_url(server_settings, database=f"rules_{world}"))
        county = County(engine).night(DAY)
        rows: dict[str, list[dict[str, Any]]] = {f: [] for f in feed_catalogue()}
        for rule, i, _, of, given in FLAT:
            for feed, ones in given.items() if of == world else ():
                for one in ones:
                    also = one.get("also", "")
                    coop = f"{coop_of(rule, i)}{also}"
                    row = {k: v for k, v in one.items() if k != "also"}
                    if feed == "traceability_batches":
                        row["batch"] = f"{row['batch']}-{coop}"
                    rows[feed].append({"coop": coop, "name": f"{coop}专业合作社", **row})
        for feed, these in rows.items():
            county.deliver(
                feed,
                these
                or [
                    {
                        "coop": "filler",
                        "name": "充数专业合作社",
                        **({"batch": "x"} if feed == "traceability_batches" else {}),
                    }
                ],
                coverage=coverage,
            )
        county.project()
        with engine.connect() as c:
            fields = {r.coop_id: r.fields for r in c.execute(text("select coop_id, fields from cooperative"))}
            proof = read_evidence(c, list(fields))
            found[world] = {coop: Published(fields[coop], proof[coop]) for coop in fields}
        engine.dispose()
    yield found
    with admin.connect() as c:
        for world in (FULL, BARE):
            c.execute(text(f"drop database rules_{world} with (force)"))
    admin.dispose()


@pytest.mark.parametrize(("rule", "i", "answer", "world", "rows"), FLAT, ids=[f"{r}-{i}-{a}" for r, i, a, *_ in FLAT])
def test_the_rule_answers(
    published: dict[str, Any], rule: str, i: int, answer: str, world: str, rows: dict[str, Any]
) -> None:
    assert published[world][coop_of(rule, i)].fields.get(rule, "unknown") == answer


def test_every_rule_has_a_case_of_each_answer_it_can_give() -> None:
    never = {("shell_members", "no"), ("shell_suspected", "no")}  # without a list of members nobody can say no
    wanted = {(r.name, a) for r in rules() for a in ("yes", "no", "unknown")} - never
    assert wanted == {(rule, answer) for rule, _, answer, *_ in FLAT}


def test_an_answer_of_yes_names_the_rows_it_rests_on(published: dict[str, Any]) -> None:
    for rule, i, answer, world, _ in FLAT:
        # an eligibility hint may rest on a list that does not name the cooperative: there is no row for that
        if answer != "yes" or rule == "shell_suspected" or rule.startswith("eligible_"):
            continue
        evidence = published[world][coop_of(rule, i)].evidence[rule]
        assert evidence["rows"] or evidence.get("with"), rule


def test_every_rule_has_a_basis_a_date_and_both_titles() -> None:
    for rule in rules():
        assert rule.basis
        assert rule.dated.year >= 2014
        assert not rule.title.zh.isascii()
        assert rule.title.en.isascii() or "’" in rule.title.en


def test_an_old_full_list_no_longer_says_no(engine: Engine) -> None:
    county = County(engine).night(DAY)
    county.deliver("tax_registration", [{"coop": "A", "name": "甲专业合作社", "status": "03"}])
    county.deliver("market_abnormal", [], as_of=date(2025, 9, 1))
    county.project()
    assert "abnormal_now" not in county.one("A")


def test_batches_declared_complete_since_a_day_can_say_no_batch(engine: Engine) -> None:
    from hub.master.basis import Basis
    from hub.master.inputs import Snapshot, load_rows, load_sources
    from hub.master.projection import new_duck, project_rows
    from hub.master.thresholds import Thresholds

    county = County(engine).night(DAY)
    county.deliver("tax_registration", [{"coop": "A", "name": "甲专业合作社", "status": "05", "founded_on": OLD}])
    county.deliver(
        "market_abnormal",
        [{"coop": "A", "name": "甲专业合作社", **row} for row in TWO_REPORTS_MISSED["market_abnormal"]],
    )
    county.deliver("traceability_subjects", [{"coop": "A", "name": "甲专业合作社"}])
    found = {}
    for since in (None, date(2024, 1, 1), date(2025, 1, 1)):
        duck = new_duck()
        with engine.connect() as connection:
            snapshot = Snapshot(None, None, DAY)
            load_rows(connection, duck, snapshot, load_sources(connection, duck, snapshot, 400))
        project_rows(duck, Basis(thresholds=Thresholds(batches_complete_since=since)), DAY)
        found[since] = duck.execute("select shell_no_business from answers").fetchall()[0][0]
        duck.close()
    assert found == {None: None, date(2024, 1, 1): True, date(2025, 1, 1): None}
