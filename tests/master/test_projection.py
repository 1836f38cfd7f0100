"""One cooperative, many departments: whose word counts, what is kept of the others, and when a version is published."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from hub.errors import ConfigurationError
from hub.feeds import Kind, feed_catalogue
from hub.master.datasets import DATASETS, read_dataset
from hub.master.publication import rebuild, write_canonical
from tests.master.builder import County

USCC = "933391270000000011"
TAX = {"coop": "A", "name": "白石山茶叶专业合作社", "tax_number": USCC, "status": "03", "representative": "李四",
       "address": "白石镇石门村5号", "founded_on": date(2012, 3, 1), "phone": "13800000000"}  # fmt: skip
LISTED = {"coop": "A", "name": "云岫县白石山茶叶专业合作社", "code": USCC, "representative": "张三", "reason": "no_report",
          "listed_on": date(2026, 7, 9)}  # fmt: skip


@pytest.fixture
def county(engine: Engine) -> County:
    return County(engine)


def test_the_declared_source_wins_and_the_others_are_kept_as_differences(county: County) -> None:
    county.deliver("tax_registration", [TAX])
    county.deliver("market_abnormal", [LISTED])
    county.deliver(
        "demonstration", [{"coop": "A", "name": "白石山茶叶合作社", "town": "白石乡", "level": "provincial"}]
    )
    county.project()
    one, evidence = county.one("A"), county.evidence("A")
    assert (one["name"], one["representative"], one["town"]) == ("云岫县白石山茶叶专业合作社", "张三", "白石镇")
    assert one["uscc"] == USCC
    assert one["organisation_code"] == USCC[8:17]
    assert one["founded_on"] == "2012-03-01"
    assert evidence["representative"]["source"] == "market_abnormal.representative"
    assert [o["value"] for o in evidence["representative"]["others"]] == ["李四"]
    assert {o["value"] for o in evidence["name"]["others"]} == {"白石山茶叶专业合作社", "白石山茶叶合作社"}
    assert set(evidence["name"]) == {"row", "delivery", "source", "as_of", "rule", "others"}


def test_a_name_only_cooperative_takes_the_name_most_lists_write(county: County) -> None:
    county.deliver("demonstration", [{"coop": "A", "name": "青溪竹笋合作社"}])
    county.deliver("supply_marketing", [{"coop": "A", "name": "云岫县青溪竹笋专业合作社"}])
    county.deliver("forestry", [{"coop": "A", "name": "云岫县青溪竹笋专业合作社", "phone": "13900000000"}])
    county.deliver("water", [{"coop": "B", "name": "龙潭用水专业合作社（已注销）"}])
    county.project()
    assert county.one("A")["name"] == "云岫县青溪竹笋专业合作社"
    assert county.one("B")["name"] == "龙潭用水专业合作社"


def test_a_name_cut_short_does_not_win_by_its_rank(county: County) -> None:
    county.deliver("market_abnormal", [{**LISTED, "name": "白石山茶叶专业社"}])
    county.deliver("tax_registration", [{**TAX, "name": "云岫县白石山茶叶专业合作社"}])
    county.deliver("registry", [{"coop": "B", "name": "月湖莲藕合作社"}])
    county.deliver("demonstration", [{"coop": "B", "name": "云岫县月湖莲藕专业合作社"}])
    county.project()
    assert county.one("A")["name"] == "云岫县白石山茶叶专业合作社"
    assert county.one("B")["name"] == "月湖莲藕合作社"  # what the registry says is the name


def test_a_code_that_passes_its_check_goes_before_one_that_does_not(county: County) -> None:
    from hub.identifiers.codes import make_uscc

    good = make_uscc("339127", "000000019")
    county.deliver("market_abnormal", [{**LISTED, "code": good[:17] + ("1" if good[17] != "1" else "2")}])
    county.deliver("tax_registration", [{**TAX, "tax_number": good}])
    county.project()
    assert county.one("A")["uscc"] == good


def test_the_newest_phone_goes_first_whoever_gave_it(county: County) -> None:
    county.deliver("tax_registration", [TAX], as_of=date(2026, 10, 1))
    county.deliver(
        "traceability_subjects",
        [{"coop": "A", "name": "白石山茶叶专业合作社", "phone": "13911111111"}],
        as_of=date(2026, 10, 20),
    )
    county.project()
    assert county.one("A")["phone"] == "13911111111"
    assert county.one("A")["other_phones"] == "13800000000"


def test_a_town_no_source_states_is_read_off_the_address(county: County) -> None:
    county.deliver(
        "tax_registration", [{**TAX, "address": "云岫县青溪镇溪口村3号"}, {**TAX, "coop": "B", "address": "石门村8组"}]
    )
    county.project()
    assert county.one("A")["town"] == "青溪镇"
    assert county.evidence("A")["town"]["rule"] == "read_off_address"
    assert county.one("B")["town"] == "白石镇"


def test_rows_under_review_quarantined_out_of_scope_or_of_held_deliveries_never_enter(county: County) -> None:
    county.deliver("tax_registration", [TAX])
    county.deliver("demonstration", [{"coop": "R", "link": "review", "name": "甲合作社"}, {"name": "乙合作社"}])
    county.deliver("forestry", [{"coop": "Q", "name": "丙合作社"}], disposition="quarantined")
    county.deliver("water", [{"coop": "O", "name": "丁股份经济合作社"}], disposition="out_of_scope")
    county.deliver("supply_marketing", [{"coop": "H", "name": "戊合作社"}], state="held")
    assert county.project().rows == 1


def test_nothing_changed_makes_no_new_version_and_a_resent_list_only_renews_the_evidence(county: County) -> None:
    county.deliver("tax_registration", [TAX])
    first = county.project()
    again = county.night(date(2026, 11, 2)).project()
    assert first.published
    assert (again.version, again.published) == (first.version, False)
    second = county.deliver("tax_registration", [TAX], as_of=date(2026, 11, 2))
    assert not county.project().published
    assert county.evidence("A")["address"]["delivery"] == second


def test_a_version_says_what_changed(county: County) -> None:
    county.deliver(
        "tax_registration",
        [TAX, {**TAX, "coop": "B", "name": "月湖莲藕专业合作社", "tax_number": "93339127000000002X"}],
    )
    county.project()
    county.night(date(2026, 12, 1))
    county.deliver(
        "tax_registration",
        [
            {**TAX, "status": "05", "phone": "13700000000"},
            {"coop": "C", "name": "新合作社", "tax_number": "1", "status": "03"},
        ],
    )
    summary = county.project()
    assert (summary.new, summary.changed, summary.gone) == (
        1,
        2,
        0,
    )  # B stands in no current list any more, but is known
    assert summary.fields["tax_status"] == 2
    assert ("A", "tax_status", "03", "05") in {(c.coop_id, c.field, c.before, c.after) for c in summary.examples}
    assert not {"phone", "other_phones"} & set(summary.fields)
    assert county.one("B")["in_current_lists"] is False
    assert county.evidence("B")["name"]["past"] is True


def test_dropping_and_projecting_again_gives_the_same_bytes(county: County, engine: Engine, tmp_path: Path) -> None:
    county.deliver("tax_registration", [TAX], as_of=date(2026, 9, 30))
    county.deliver("market_abnormal", [LISTED])
    county.project()
    county.deliver("tax_registration", [{**TAX, "name": "云岫县白石茶叶专业合作社"}], as_of=date(2026, 10, 31))
    county.project()
    write_canonical(engine, tmp_path / "before")
    assert not rebuild(engine, county.deployment, county.run_id, county.today).published
    write_canonical(engine, tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()


def test_every_dataset_reads_with_its_declared_columns(county: County, engine: Engine) -> None:
    county.deliver("tax_registration", [TAX])
    county.deliver("market_abnormal", [LISTED])
    county.project()
    with engine.connect() as connection:
        for name, dataset in DATASETS.items():
            table = read_dataset(connection, name)
            assert table.schema.equals(dataset.schema()), name
        assert read_dataset(connection, "abnormal_decisions").to_pylist()[0]["listed_on"] == date(2026, 7, 9)
        master = read_dataset(connection, "cooperatives").to_pylist()[0]
        assert (master["tax_status"], master["abnormal_now"], master["forestry_guided"]) == ("03", "yes", "unknown")
        with pytest.raises(ConfigurationError):
            read_dataset(connection, "nothing_of_that_name")


def test_a_dataset_read_before_the_first_night_says_so(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(ConfigurationError, match="还没有发布过总表"):
        read_dataset(connection, "cooperatives")


def test_the_search_box_finds_pinyin_initials(county: County, engine: Engine) -> None:
    county.deliver("tax_registration", [TAX])
    county.project()
    with engine.connect() as connection:
        assert connection.execute(text("select initials from cooperative")).scalar_one() == "bsscyzyhzs"


HOSTILE = ('"', '\\', '"}],{"a":"', "{{7*7}}", "'; drop table cooperative; --", "a\tb\nc", "<b>x</b>", "𠮷\u202e", "=1+1", "%s", "null")  # fmt: skip


def test_whatever_an_office_wrote_into_a_text_stands_in_the_master_as_it_was_written(
    county: County, engine: Engine
) -> None:
    """A choice too may be any text: what fits none of its feed's choices is kept."""
    texts = {Kind.TEXT, Kind.CHOICE, Kind.ADDRESS, Kind.PERSON, Kind.PHONE, Kind.TOWN}
    for feed in feed_catalogue().values():
        fields = [f.name for f in feed.fields if f.kind in texts]
        rows = [
            dict.fromkeys(fields, written) | {"coop": f"C{i}", "name": f"白石山茶叶专业合作社{written}"}
            for i, written in enumerate(HOSTILE)
        ]
        county.deliver(feed.feed, rows)
    county.project()
    for i, written in enumerate(HOSTILE):
        one = county.one(f"C{i}")
        for field in ("registry_status", "representative", "address"):
            assert one[field] == written, field
        assert county.evidence(f"C{i}")["name"]["source"]
    with engine.connect() as c:
        for name in DATASETS:
            read_dataset(c, name)
