"""The demo county's nights: the same every time, true to their truth, and shaped as departments shape them."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from hub.demo import DemoNight, write_night
from hub.deployment import County, load_deployment
from hub.errors import ConfigurationError
from hub.feeds import feed_catalogue
from hub.identifiers.codes import classify_code, clean_code, organisation_check_passes, uscc_check_passes
from hub.settings import REPOSITORY
from tests.demo.printed import sheets_of, text_of

Nights = dict[int, tuple[Path, DemoNight]]


@pytest.fixture(scope="module")
def county() -> County:
    return load_deployment(REPOSITORY / "deployments" / "demo").county


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory, county: County) -> Nights:
    """The first three nights, each in a folder of its own."""
    found = {}
    for night in (1, 2, 3):
        folder = tmp_path_factory.mktemp(f"night{night}")
        found[night] = (folder, write_night(folder / "inbox", night=night, county=county))
    return found


def plain(text: object) -> str:
    """A name without what a clerk may add to it."""
    name = "".join(c for c in unicodedata.normalize("NFKC", str(text)) if c.isalnum())
    return name.replace("已注销", "").replace("农民", "")


def name_column(rows: list[list[object]], feed: str) -> int:
    """Where the name stands: the first row that holds one of the feed's headers for it decides."""
    field = feed_catalogue()[feed].by_name["name"]
    wanted = {plain(h) for h in (field.title.zh, *field.synonyms)}
    for row in rows:
        for column, value in enumerate(row):
            if plain(value or "") in wanted and "乡镇" not in str(value):
                return column
    raise AssertionError(feed)


def entities_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "entities.csv").open(encoding="utf-8", newline="") as file:
        return {r["entity"]: r for r in csv.DictReader(file)}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_feed_of_the_catalogue_gets_files(nights: Nights) -> None:
    _, first = nights[1]
    assert {f.parent.name for f in first.files} == set(feed_catalogue())
    assert len({f.name for f in first.files}) == len(first.files)


@pytest.mark.parametrize("night", [1, 2])
def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not(
    nights: Nights, tmp_path: Path, county: County, night: int
) -> None:
    write_night(tmp_path / "a" / "inbox", night=night, county=county)
    assert contents(tmp_path / "a") == contents(nights[night][0])
    write_night(tmp_path / "b" / "inbox", night=night, county=county, seed=7)
    assert contents(tmp_path / "b") != contents(tmp_path / "a")


def test_a_file_that_is_right_already_is_not_touched(tmp_path: Path, county: County) -> None:
    first = write_night(tmp_path / "inbox", county=county, cooperatives=60)
    before = {f: f.stat().st_mtime_ns for f in first.files}
    assert write_night(tmp_path / "inbox", county=county, cooperatives=60) == first
    assert {f: f.stat().st_mtime_ns for f in first.files} == before


def test_truth_names_every_data_row_and_the_row_names_its_entity(nights: Nights) -> None:
    nameless: Counter[str] = Counter()
    for folder, night in nights.values():
        entities = entities_of(folder)
        sheets: dict[tuple[str, str], dict[str, list[list[object]]]] = {}
        with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
            assert [tuple(map(str, t)) for t in night.truth] == [tuple(r) for r in csv.reader(file)][1:]
        for t in night.truth:
            key = (t.source, t.file)
            if key not in sheets:
                sheets[key] = sheets_of(folder / "inbox" / t.source / t.file)
            rows = sheets[key][t.sheet]
            written = plain(rows[t.row - 1][name_column(rows, t.source)] or "")
            if not written:
                nameless[t.source] += 1
                continue
            if t.kind == "not_coop":
                assert t.entity.startswith("OTHER:")
                assert any(word in written for word in ("股份经济合作社", "供销合作社", "家庭农场"))
                continue
            known = entities[t.entity]
            names = [plain(known["name"]), *map(plain, known["former_names"].split("、"))]
            alike = max(SequenceMatcher(None, written, n, autojunk=False).ratio() for n in names)
            assert alike > 0.6, (t, written, names)
    assert set(nameless) <= {"traceability_batches", "finance"}  # rows that nobody can place, to be sent back


def test_no_data_row_is_missing_from_the_truth(nights: Nights) -> None:
    folder, night = nights[1]
    told = {(t.source, t.file, t.sheet, t.row) for t in night.truth}
    for file in night.files:
        feed = file.parent.name
        for sheet, rows in sheets_of(folder / "inbox" / feed / file.name).items():
            column = name_column(rows, feed)
            for number, row in enumerate(rows, 1):
                looks_like_data = len(row) > column and re.search("合作社|专业社|家庭农场", str(row[column] or ""))
                title_or_header = sum(bool(v) for v in row) < 3 or "名称" in str(row[column])
                header = {"实施单位", "项目单位", "被举报单位"} & set(map(str, row))
                if looks_like_data and not title_or_header and not header:
                    assert (feed, file.name, sheet, number) in told, (file.name, number, row)


def test_codes_of_entities_pass_both_checks_and_are_the_county_s(nights: Nights, county: County) -> None:
    folder, _ = nights[3]
    codes = [r["uscc"] for r in entities_of(folder).values()]
    assert len(codes) == len(set(codes)) > 600
    for code in codes:
        assert uscc_check_passes(code)
        assert organisation_check_passes(code[8:17])
        assert code[:2] == "93"
        assert code[2:8] in (county.code, *county.former_codes)


def test_no_number_of_a_living_person_stands_in_any_file(nights: Nights, county: County) -> None:
    """Phones are of a block nobody has; citizens' numbers are of the fictional county and of people born in 1900."""
    folder, night = nights[2]
    phones = ids = 0
    for file in night.files:
        for rows in sheets_of(folder / "inbox" / file.parent.name / file.name).values():
            for value in (str(v) for row in rows for v in row if isinstance(v, str)):
                for code in re.findall(r"[0-9A-Z.]{9,}", clean_code(value)):
                    tail = code[-18:]
                    if classify_code(tail) == "id_card":
                        ids += 1
                        assert tail.startswith(f"{county.code}1900")
                digits = re.sub(r"[\s-]", "", value)
                if re.fullmatch(r"1[3-9]\d{9}", digits) and not value.startswith("1013"):
                    phones += 1
                    assert digits.startswith("1990000")
    assert phones > 500
    assert ids > 20


def test_files_come_in_the_kinds_departments_send(nights: Nights) -> None:
    folder, night = nights[1]
    inbox = folder / "inbox"
    head = {f.parent.name: f.read_bytes()[:8] for f in night.files}
    assert head["market_abnormal"].startswith(b"\xd0\xcf\x11\xe0")
    assert head["water"].startswith(b"<html")
    assert head["tax_registration"].startswith(b"PK")
    assert head["traceability_subjects"].startswith(b"\xef\xbb\xbf")
    fiscal = next(iter((inbox / "fiscal_support").iterdir()))
    with pytest.raises(UnicodeDecodeError):
        fiscal.read_bytes().decode("utf-8")
    assert "实施单位" in text_of(fiscal)
    towns = Counter((f.suffix, f.read_bytes()[:1]) for f in (inbox / "township_cleanup").iterdir())
    assert towns == {(".xlsx", b"P"): 8, (".xls", b"<"): 2, (".xls", b"\xd0"): 2}


def test_the_mess_of_real_files_is_there(nights: Nights) -> None:
    folder, night = nights[1]
    cells: Counter[str] = Counter()
    for file in night.files:
        for rows in sheets_of(folder / "inbox" / file.parent.name / file.name).values():
            for row in rows:
                for value in row:
                    text = str(value if value is not None else "")
                    cells["zero width"] += "\u200b" in text or "\ufeff" in text
                    cells["line break"] += "\n" in text
                    cells["deregistered"] += "已注销" in text
                    cells["damaged"] += isinstance(value, float) and value > 9e17
                    cells["tax number"] += bool(re.fullmatch(r"339127[0-9A-Z]{9}", text))
                    cells["registration number"] += bool(re.fullmatch(r"339127NA\d{6}X", text))
                    cells["empty word"] += text in ("无", "——", "/", "未提供", "暂无")
                    cells["date in numerals"] += "二〇" in text
                    cells["subtotal"] += text.endswith("小计")
                    cells["footer"] += text.startswith("填表人")
                    cells["sender"] += text.startswith("填报单位")
                    cells["unit"] += text.startswith("单位：")
                    cells["full width"] += bool(re.search("[０-９]{5}", text))
                    cells["two names"] += bool(re.search("社、.+社", text))
    assert {what for what, count in cells.items() if not count} == set()


def test_a_second_night_brings_new_unchanged_and_changed_files_and_one_broken_export(nights: Nights) -> None:
    before, after = contents(nights[1][0] / "inbox"), contents(nights[2][0] / "inbox")
    new = {k.split("/")[0] for k in after.keys() - before.keys()}
    changed = {k.split("/")[0] for k in after.keys() & before.keys() if after[k] != before[k]}
    unchanged = [k for k in after.keys() & before.keys() if after[k] == before[k]]
    assert {"tax_registration", "market_abnormal", "traceability_batches", "registry"} <= new
    assert changed == {"complaints", "township_cleanup"}
    assert len(unchanged) > 20
    rows = Counter(t.file for t in nights[2][1].truth if t.source == "traceability_subjects")
    full, broken = rows["追溯平台生产主体_20261031.csv"], rows["追溯平台生产主体_20261130.csv"]
    assert 0.4 * full < broken < 0.7 * full
    rows = Counter(t.file for t in nights[3][1].truth if t.source == "traceability_subjects")
    assert rows["追溯平台生产主体_20261231.csv"] >= full


def test_things_happen_between_nights(nights: Nights) -> None:
    first, second = (entities_of(nights[n][0]) for n in (1, 2))
    assert len(second) > len(first)
    both = [(first[e], second[e]) for e in first]
    for what in ("name", "legal_rep", "deregistered"):
        assert any(a[what] != b[what] for a, b in both), what
    assert all(b["former_names"] for a, b in both if a["name"] != b["name"])


def test_different_cooperatives_stand_close_by_name(nights: Nights) -> None:
    names = [r["name"].removeprefix("云岫县") for r in entities_of(nights[1][0]).values()]
    masked: Counter[str] = Counter()
    for name in names:
        masked.update({name[:i] + "?" + name[i + 1 :] for i in range(len(name))})
    close = sum(any(masked[n[:i] + "?" + n[i + 1 :]] > 1 for i in range(len(n))) for n in names)
    assert 0.25 < close / len(names) < 0.75


def test_wrong_arguments_are_told_in_plain_words(tmp_path: Path, county: County) -> None:
    with pytest.raises(ConfigurationError, match="夜次"):
        write_night(tmp_path / "inbox", night=0, county=county)
