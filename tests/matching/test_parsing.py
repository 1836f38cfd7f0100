"""Features of many profiles: the same however they are made, and bounded whatever a cell holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.matching import features as features_of_names
from hub.matching import labour, parsing, standing
from hub.matching.features import cuts, masks, profile_features
from hub.matching.gazetteers import learn_gazetteer, learn_places
from hub.matching.matcher import COLUMNS, add_profiles, create_tables, match_all, match_profiles, profile_numbers
from hub.matching.model import load_model
from hub.matching.scoring import open_workspace
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, row, uscc
from tests.matching.test_model import county


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[labour.Labour]:
    monkeypatch.setattr(labour, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr(labour.os, "cpu_count", lambda: 2)
    with labour.labour_for(1) as two:
        assert two.workers == 2
        yield two


def test_processes_make_the_same_features(two_processes: labour.Labour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_CHUNK", 40)
    profiles = county(40)
    places = learn_gazetteer(profiles["name"].to_pylist(), profiles["town"].to_pylist(), [], COUNTY)
    made = list(parsing.features_in_chunks(profiles, places, two_processes))
    assert len(made) > 2
    assert sum(chunk.num_rows for chunk, _ in made) == profiles.num_rows
    for chunk, features in made:
        assert features.equals(profile_features(chunk, places))


def test_processes_judge_codes_as_one_would(two_processes: labour.Labour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "_WORTH_SHARING", 5)
    profiles = county(80)
    numbers = profile_numbers(profiles["profile_key"].to_pylist())
    apart = [(numbers[0], numbers[1])]
    lines = []
    for who in (labour.ALONE, two_processes):
        with open_workspace() as duck:
            create_tables(duck)
            places = learn_places(profiles, COUNTY)
            add_profiles(duck, profiles.select(list(COLUMNS)), profile_features(profiles, places))
            match_all(duck, load_model(), [], apart, labour=who)
            lines.append(duck.sql("select * from standing order by profile").fetchall())
    assert lines[0] == lines[1]
    assert len({line[1] for line in lines[0]}) > 20


def test_plain_names_give_what_any_name_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = county(60)
    places = learn_gazetteer(profiles["name"].to_pylist(), profiles["town"].to_pylist(), [], COUNTY)
    taken = profile_features(profiles, places)
    monkeypatch.setattr(features_of_names, "_is_plain", lambda parts: False)
    assert taken.equals(profile_features(profiles, places))


def test_a_paragraph_pasted_into_a_cell_is_no_name_and_has_no_slips() -> None:
    """Every character left out of 30,000 once made texts of 2.7 gigabytes a name."""
    pasted = "经查该社长期未开展经营活动" * 2_500
    rows = [
        row(pasted, uscc(1), representative=pasted, town=pasted, address=pasted),
        row(pasted + "二", representative=pasted[:41], town="白石镇"),
        row("云岫县兴旺果蔬专业合作社", uscc(1), town="白石镇"),
    ]
    profiles = profile_table(rows)
    places = learn_places(profiles, COUNTY)
    features = profile_features(profiles, places).to_pylist()
    longest = max(len(text) for one in features for texts in one.values() if isinstance(texts, list) for text in texts)
    assert longest <= 40
    assert cuts(pasted) == masks(pasted) == []
    found = match_profiles(profiles, county=COUNTY)
    assert sorted(found.link) == ["identifier", "identifier", "nothing"]
