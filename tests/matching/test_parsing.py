"""Features made by processes of their own are those made here."""

from __future__ import annotations

import pytest

from hub.matching import features as features_of_names
from hub.matching import parsing
from hub.matching.features import profile_features
from hub.matching.gazetteers import learn_gazetteer
from tests.matching.rows import COUNTY
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
