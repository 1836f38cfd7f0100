"""Large counties: the same tables every time, true to their truth, as near to one another as real names are."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from hub.cli.demo import demo
from hub.demo.scale import generate_scale
from hub.deployment import County, load_deployment, load_yaml_model
from hub.errors import ConfigurationError
from hub.feeds import feed_catalogue
from hub.identifiers.codes import organisation_check_passes, uscc_check_passes
from hub.settings import REPOSITORY


@pytest.fixture(scope="module")
def county() -> County:
    return load_deployment(REPOSITORY / "deployments" / "demo").county


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory, county: County) -> Path:
    folder = tmp_path_factory.mktemp("scaled")
    generate_scale(folder, cooperatives=1000, county=county, seed=5)
    return folder


def rows_of(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql, [str(path)]).fetchall()


def test_a_table_for_every_feed_with_headers_the_catalogue_knows(scaled: Path) -> None:
    for name, feed in feed_catalogue().items():
        headers = pq.read_schema(scaled / "inbox" / name / f"{name}.parquet").names
        known = {f.name: {f.title.zh, *f.synonyms} for f in feed.fields}
        for header in headers:
            plain = header.replace("（万元）", "")
            assert any({header, plain} & words for words in known.values()), (name, header)
        for field in feed.fields:
            assert not field.required or known[field.name] & set(headers), (name, field.name)


def test_equal_seeds_give_equal_tables(scaled: Path, tmp_path: Path, county: County) -> None:
    generate_scale(tmp_path, cooperatives=1000, county=county, seed=5)
    files = sorted(p.relative_to(scaled) for p in scaled.rglob("*.*"))
    assert len(files) == len(feed_catalogue()) + 4
    for file in files:
        if file.suffix == ".parquet":
            assert pq.read_table(tmp_path / file).equals(pq.read_table(scaled / file)), file
    generate_scale(tmp_path, cooperatives=1000, county=county, seed=6)
    assert not pq.read_table(tmp_path / "rows.parquet").equals(pq.read_table(scaled / "rows.parquet"))


def test_truth_rows_and_feeds_tell_of_the_same_rows(scaled: Path) -> None:
    rows = pq.read_table(scaled / "rows.parquet").to_pylist()
    truth = pq.read_table(scaled / "truth.parquet").to_pylist()
    assert [(t["source"], t["row"], t["entity"]) for t in truth] == [(r["feed"], r["row"], r["entity"]) for r in rows]
    entities = {e["entity"]: e for e in pq.read_table(scaled / "entities.parquet").to_pylist()}
    by_feed: dict[str, list[dict[str, object]]] = {}
    for r in rows:
        by_feed.setdefault(str(r["feed"]), []).append(r)
    for name, feed in feed_catalogue().items():
        names = {feed.by_name["name"].title.zh, *feed.by_name["name"].synonyms}
        table = pq.read_table(scaled / "inbox" / name / f"{name}.parquet")
        column = next(h for h in table.column_names if h in names)
        assert [r["row"] for r in by_feed[name]] == list(range(2, table.num_rows + 2))
        if name != "registry":  # a registry prints names as registered
            assert table[column].to_pylist() == [r["name"] for r in by_feed[name]]
        for r in by_feed[name]:
            if not str(r["entity"]).startswith("OTHER:"):
                official = entities[str(r["entity"])]["name"]
                assert SequenceMatcher(None, str(r["name"]), official, autojunk=False).ratio() > 0.5, (r, official)
    assert any(t["kind"] == "not_coop" for t in truth)


def test_codes_are_right_all_different_and_the_county_s(scaled: Path, county: County) -> None:
    codes = [str(c) for (c,) in rows_of(scaled / "entities.parquet", "select uscc from read_parquet(?)")]
    assert len(set(codes)) == 1000
    assert all(uscc_check_passes(c) and organisation_check_passes(c[8:17]) for c in codes)
    assert {c[:8] for c in codes} == {"93" + county.code}


def test_names_are_unique_yet_many_have_a_namesake_one_character_away(scaled: Path) -> None:
    names = [
        str(n).removeprefix("云岫县")
        for (n,) in rows_of(scaled / "entities.parquet", "select name from read_parquet(?)")
    ]
    assert len(set(names)) == len(names)
    masked: Counter[str] = Counter()
    for name in names:
        masked.update(name[:i] + "?" + name[i + 1 :] for i in range(len(name) - 5))
    near = sum(any(masked[n[:i] + "?" + n[i + 1 :]] > 1 for i in range(len(n) - 5)) for n in names)
    assert 0.25 < near / len(names) < 0.7


def test_the_mess_is_there_at_believable_rates(scaled: Path) -> None:
    sql = """select avg((code = '')::int), avg((length(code) = 15)::int), avg((name not like '云岫%')::int),
      avg((name <> replace(name, chr(8203), ''))::int), avg((representative in ('', '无', '/'))::int),
      count(*) - count(distinct (feed, name, code, representative, entity, row)) from read_parquet(?) where feed <> 'registry'"""
    no_code, _, no_region, hidden, nobody, _ = rows_of(scaled / "rows.parquet", sql)[0]
    assert 0.02 < float(str(no_code)) < 0.2
    assert 0.05 < float(str(no_region)) < 0.4
    assert 0 < float(str(hidden)) < 0.05
    assert 0.02 < float(str(nobody)) < 0.2
    wrong = rows_of(
        scaled / "rows.parquet",
        "select count(*) from read_parquet(?) where length(code) = 18 and code like '93%' and code <> entity "
        "and entity not like 'OTHER%' and upper(code) <> entity",
    )
    assert int(str(wrong[0][0])) > 5  # dragged down from the row above, or two characters changed places


def test_the_county_beside_it_is_a_county(scaled: Path) -> None:
    problems: list[str] = []
    county = load_yaml_model(scaled / "county.yaml", County, problems)
    assert not problems
    assert county is not None
    towns = {t.name for t in county.towns}
    assert {str(t) for (t,) in rows_of(scaled / "rows.parquet", "select distinct town from read_parquet(?)")} <= towns


def test_the_command_writes_office_files_and_plain_tables(tmp_path: Path) -> None:
    run = CliRunner().invoke
    office = run(demo, ["generate", "--out", str(tmp_path / "a"), "--cooperatives", "40", "--night", "2"])
    assert office.exit_code == 0, office.output
    assert "第 2 夜（2026-11-30）" in office.output
    assert (tmp_path / "a" / "truth.csv").is_file()
    plain = run(demo, ["generate", "--out", str(tmp_path / "b"), "--cooperatives", "200", "--format", "csv"])
    assert plain.exit_code == 0, plain.output
    assert (tmp_path / "b" / "inbox" / "registry" / "registry.csv").read_text(encoding="utf-8").startswith("名称,")
    for wrong in (["--cooperatives", "30000"], ["--format", "csv", "--night", "2"]):
        assert run(demo, ["generate", "--out", str(tmp_path / "c"), *wrong]).exit_code == 2


def test_too_many_are_refused_in_plain_words(tmp_path: Path, county: County) -> None:
    with pytest.raises(ConfigurationError, match="10,000,000"):
        generate_scale(tmp_path, cooperatives=99_000_000, county=county, seed=1)
