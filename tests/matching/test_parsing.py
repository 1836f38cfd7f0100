"""Features of many profiles: the same however they are made, and bounded whatever a cell holds."""

from __future__ import annotations

import pytest

from hub.matching import features as features_of_names
from hub.matching import parsing
from hub.matching.features import cuts, masks, profile_features
from hub.matching.gazetteers import learn_gazetteer, learn_places
from hub.matching.matcher import match_profiles
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, row, uscc
from tests.matching.test_model import county


def test_processes_make_the_same_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_CHUNK", 40)
    monkeypatch.setattr(parsing, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr(parsing.os, "cpu_count", lambda: 2)
    profiles = county(40)
    places = learn_gazetteer(profiles["name"].to_pylist(), profiles["town"].to_pylist(), [], COUNTY)
    with parsing.parser(profiles.num_rows) as parse:
        made = list(parse.features(profiles, places))
    assert len(made) > 2
    assert sum(chunk.num_rows for chunk, _ in made) == profiles.num_rows
    for chunk, features in made:
        assert features.equals(profile_features(chunk, places))


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
