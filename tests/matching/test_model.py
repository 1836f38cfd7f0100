"""The model's file, its training, and that our scoring is Splink's."""

import json
import math
import warnings
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from hub.deployment import Deployment
from hub.errors import ConfigurationError, ConflictError, FormatError
from hub.matching.adoption import Measured, adopt, hide_codes, measure, model_of
from hub.matching.comparison import COMPARISONS
from hub.matching.evaluation import Figures
from hub.matching.features import profile_features
from hub.matching.gazetteers import learn_gazetteer
from hub.matching.model import MODELS, load_model, model_from_json
from hub.matching.scoring import build_parties, derive_columns, open_workspace, score_candidates
from hub.matching.splink_model import splink_settings
from hub.matching.training import labels_from_codes, train
from tests.matching.profiles import profile_table
from tests.matching.rows import COUNTY, county_deployment, row, uscc

_BRANDS = (
    "兴旺",
    "兴盛",
    "石门",
    "牛山",
    "绿源",
    "绿原",
    "大丰",
    "金果",
    "和平",
    "山里红",
    "清水湾",
    "福农",
    "富农",
    "民兴",
    "宏达",
    "鸿达",
    "天香",
    "云雾",
    "新农人",
    "青峰",
)
_TRADES = ("果蔬", "茶叶", "水产养殖", "生猪")


def county_rows(cooperatives: int = 60, seed: int = 7) -> list[dict[str, Any]]:
    """Rows of a small county whose cooperatives stand in three feeds each, now and then with a slip."""
    random = Random(seed)
    names = [f"{b}{t}" for b in _BRANDS for t in _TRADES]
    rows = []
    for n, core in enumerate(random.sample(names, cooperatives)):
        rep, phone, town = f"王{'小大老'[n % 3]}{core[0]}", f"138{n:08d}", ("白石镇", "青溪镇", "龙潭镇")[n % 3]
        people = {"representative": rep, "phone": phone, "town": town}
        rows.append(row(f"云岫县{core}专业合作社", uscc(n + 1), **people))
        rows.append(row(f"{core}农民专业合作社", uscc(n + 1), representative=rep, town=town, feed="standardisation"))
        slipped = core[:1] + core[2:] if n % 7 == 0 else core
        rows.append(row(f"云岫县{slipped}合作社", representative=rep if n % 5 else "李四", feed="township_cleanup"))
    return rows


def county(cooperatives: int = 60, seed: int = 7) -> pa.Table:
    """The profiles of that county."""
    return profile_table(county_rows(cooperatives, seed))


def all_pairs(size: int) -> duckdb.DuckDBPyConnection:
    """A workspace with a small county's profiles as parties, and every pair of them as a candidate."""
    profiles = county(size)
    gazetteer = learn_gazetteer(profiles["name"].to_pylist(), profiles["town"].to_pylist(), [], COUNTY)
    parties = pa.array(range(profiles.num_rows), pa.int32())
    connection = open_workspace()
    build_parties(
        connection,
        profile_features(profiles, gazetteer),
        pa.table(
            {
                "profile": parties,
                "party": parties,
                "coded": [bool(c) for c in profiles["codes"].to_pylist()],
                "weak": [False] * profiles.num_rows,
            }
        ),
    )
    connection.execute(
        "create table candidate as select l.party as b, r.party as a from party l join party r on l.party < r.party"
    )
    return connection


def test_pairs_left_out_early_are_those_too_unlikely_in_full() -> None:
    model = load_model()
    connection = all_pairs(30)
    score_candidates(connection, model, least=-1e9)
    everything = connection.execute("select * from scored order by a, b").fetchall()
    columns = [d[0] for d in connection.description or ()]
    for least in (-12.0, 0.0, 3.7, 20.0):
        score_candidates(connection, model, least=least)
        kept = connection.execute("select * from scored order by a, b").fetchall()
        assert kept == [row for row in everything if row[columns.index("weight")] > least]
    connection.close()


def test_our_scoring_is_what_splink_predicts() -> None:
    from splink import DuckDBAPI, Linker

    connection = all_pairs(40)
    derive_columns(connection)
    model = load_model()
    score_candidates(connection, model, least=-1e9)
    ours = {(b, a): w for a, b, w in connection.execute("select a, b, weight from scored").fetchall()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linker = Linker(
            DuckDBAPI(connection).register("party"),
            splink_settings(model, probability_two_random_records_match=0.5, blocking=["1=1"]),
            log_level=40,
        )
        predicted = linker.inference.predict()
    table = predicted.physical_name
    theirs = {
        (min(a, b), max(a, b)): w
        for a, b, w in connection.execute(f"select party_l, party_r, match_weight from {table}").fetchall()
    }
    size = connection.execute("select count(*) from party").fetchall()[0][0]
    connection.close()
    assert len(theirs) == len(ours) == size * (size - 1) // 2
    assert max(abs(ours[pair] - theirs[pair]) for pair in ours) < 1e-6


def test_the_shipped_model_is_complete_and_its_shares_are_shares() -> None:
    model = load_model()
    for comparison in COMPARISONS:
        for shares in (model.m[comparison.name], model.u[comparison.name]):
            assert math.isclose(sum(shares.values()), 1.0, abs_tol=0.02)
        weights = model.weights(comparison)
        assert weights[-1] == 0.0
        assert weights[len(comparison.levels)] > weights[0]
    assert model.link == pytest.approx(1 - model.costs["review"] / model.costs["false_merge"])


def test_an_incomplete_model_is_refused_by_name(tmp_path: Path) -> None:
    data = json.loads((MODELS / "general.json").read_text(encoding="utf-8"))
    del data["comparisons"]["phone"]["near"]
    with pytest.raises(ConfigurationError) as refused:
        model_from_json(data)
    assert refused.value.problems == ("phone.near",)
    (tmp_path / "m.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        load_model(tmp_path / "m.json")


def test_training_on_codes_learns_what_the_county_shows(tmp_path: Path) -> None:
    profiles, base = county(), load_model()
    labels = labels_from_codes(profiles, COUNTY, base)
    assert sum(label is not None for label in labels) == 120
    trained = train(profiles, labels, base, version="t1", trained_on="试验县", county=COUNTY)
    again = train(profiles, labels, base, version="t1", trained_on="试验县", county=COUNTY)
    assert trained == again
    model = trained.model
    assert trained.same_pairs == 120
    assert model.m["representative"]["other"] < base.m["representative"]["other"]
    for comparison in COMPARISONS:
        assert math.isclose(sum(model.m[comparison.name].values()), 1.0, abs_tol=0.02)
    model.save(tmp_path / "m.json")
    assert load_model(tmp_path / "m.json") == model
    assert measure(hide_codes(profiles, labels), labels, model, COUNTY).mixed == 0


def test_too_few_labels_train_nothing() -> None:
    profiles = county(3)
    with pytest.raises(FormatError, match="不足以训练"):
        train(profiles, ["x"] * profiles.num_rows, load_model(), version="t", trained_on="t")


def test_a_worse_model_is_not_adopted_and_a_better_one_is_the_countys(tmp_path: Path) -> None:
    deployment: Deployment = county_deployment(tmp_path)
    base = load_model()
    good, bad = (Measured(Figures(1.0, r, r, 10), 0, 1) for r in (0.99, 0.9))
    with pytest.raises(ConflictError):
        adopt(deployment, base, bad, good)
    assert model_of(deployment) == base
    path = adopt(deployment, base, good, bad)
    assert path.is_file()
    assert model_of(deployment) == base


def test_a_model_trained_before_a_level_was_split_still_reads() -> None:
    told = load_model().to_json()
    for level in ("broken", "bare"):
        del told["comparisons"]["name"][level]
    name = model_from_json(told).m["name"]
    assert (name["broken"], name["bare"]) == (name["trade_slip"], name["lost"])
