"""Organisations listed by nine departments of a city, a public labelled set: pairs found by the general part of the matcher
beside Splink and, where it is installed, dedupe, on the same rows in one run.

Splink and dedupe are set up as their documents say: Splink with its usual comparisons, parameters estimated without labels;
dedupe trained on a sample of labelled pairs, which the other two never see. The data lie beside the project
(`../shared/data/organisations`); without them there is nothing to measure.
"""

from __future__ import annotations

import csv
import logging
import os
import random
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.frame import Measure, timed
from hub.matching.general import Organisation, group_organisations

FILE = "csv_example_input_with_true_ids.csv"
FOLDER = "COOP_HUB_SHARED"


def run(scale: float) -> list[Measure]:
    """`scale` below 1 takes that share of the rows."""
    folder = Path(os.environ.get(FOLDER, Path(__file__).parents[2] / "shared"))
    path = folder / "data" / "organisations" / FILE
    if not path.is_file():
        return [
            Measure(
                "organisations", 0.0, note=f"no data: {path} is absent; set {FOLDER} to the folder that holds data/"
            )
        ]
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        lines = list(csv.DictReader(stream))
    lines = lines[: max(200, int(len(lines) * min(scale, 1.0)))]
    truth = [line["True Id"] for line in lines]
    rows = [Organisation(line["Site name"].strip(), line["Address"], line["Zip"], line["Phone"]) for line in lines]
    ways: list[tuple[str, Callable[[], Sequence[Any]]]] = [
        ("coop hub, general part", lambda: group_organisations(rows)),
        ("splink", lambda: _splink(rows)),
    ]
    try:
        import dedupe  # noqa: F401
    except ImportError:
        note = "not installed (pip install dedupe 'BTrees<6'); measured without it"
        missing = [Measure("dedupe", 0.0, note=note)]
    else:
        ways.append(("dedupe", lambda: _dedupe(rows, truth)))
        missing = []
    measures = []
    for name, work in ways:
        seconds, groups = timed(work)
        precision, recall, f1 = pair_figures(groups, truth)
        note = f"pairs: precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}"
        measures.append(
            Measure(name, seconds, rows=len(rows), against=None if name == "splink" else "splink", note=note)
        )
    return measures + missing


def pair_figures(groups: Sequence[Any], truth: Sequence[Any]) -> tuple[float, float, float]:
    """Precision, recall and F1 over pairs of rows."""

    def pairs(counts: Counter[Any]) -> int:
        return sum(n * (n - 1) // 2 for n in counts.values())

    right = pairs(Counter(zip(groups, truth, strict=True)))
    made, wanted = pairs(Counter(groups)), pairs(Counter(truth))
    precision, recall = right / max(made, 1), right / max(wanted, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def _frame(rows: Sequence[Organisation]) -> Any:
    import pandas as pd

    def clean(text: str) -> str | None:
        return " ".join(text.lower().split()) or None

    return pd.DataFrame(
        {
            "unique_id": range(len(rows)),
            "name": [clean(r.name) for r in rows],
            "address": [clean(r.address) for r in rows],
            "postcode": [clean(r.postcode) for r in rows],
            "phone": [clean(r.phone) for r in rows],
        }
    )


def _splink(rows: Sequence[Organisation]) -> list[Any]:
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.disable(logging.WARNING)  # it tells every step of its training
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=[
                cl.JaroWinklerAtThresholds("name", [0.92, 0.8]),
                cl.JaroWinklerAtThresholds("address", [0.95, 0.88]),
                cl.ExactMatch("postcode"),
                cl.LevenshteinAtThresholds("phone", [1]),
            ],
            blocking_rules_to_generate_predictions=[
                block_on("phone"),
                block_on("name"),
                block_on("address"),
                block_on("substr(address, 1, 8)"),
            ],
        )
        api = DuckDBAPI()
        linker = Linker(api.register(_frame(rows)), settings)
        linker.training.estimate_probability_two_random_records_match(
            [block_on("phone", "name"), block_on("address", "name")], recall=0.5
        )
        linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
        linker.training.estimate_parameters_using_expectation_maximisation(block_on("phone"))
        linker.training.estimate_parameters_using_expectation_maximisation(block_on("address"))
        predicted = linker.inference.predict(threshold_match_probability=0.5)
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, 0.5)
        found = dict(clusters.as_pandas_dataframe()[["unique_id", "cluster_id"]].itertuples(index=False))
    return [found[i] for i in range(len(rows))]


def _dedupe(rows: Sequence[Organisation], truth: Sequence[str]) -> list[Any]:
    import dedupe

    data = {
        i: {"name": r["name"], "address": r["address"], "postcode": r["postcode"], "phone": r["phone"]}
        for i, r in enumerate(_frame(rows).replace({float("nan"): None}).to_dict("records"))
    }
    fields = [
        dedupe.variables.String("name"),
        dedupe.variables.String("address"),
        dedupe.variables.Exact("postcode", has_missing=True),
        dedupe.variables.String("phone", has_missing=True),
    ]
    random.seed(1)
    deduper = dedupe.Dedupe(fields, num_cores=0)
    with_truth = {i: {**row, "truth": truth[i]} for i, row in data.items()}
    labelled = dedupe.training_data_dedupe(with_truth, "truth", 500)
    training = {
        kind: [tuple({k: v for k, v in side.items() if k != "truth"} for side in pair) for pair in labelled[kind]]
        for kind in ("match", "distinct")
    }
    file = StringIO()
    dedupe.serializer.write_training(training, file)
    file.seek(0)
    deduper.prepare_training(data, training_file=file, sample_size=1_500)
    deduper.train(recall=1.0)
    found: dict[int, int] = {}
    for number, (members, _) in enumerate(deduper.partition(data, threshold=0.5)):
        found.update(dict.fromkeys(members, number))
    return [found.get(i, f"alone {i}") for i in range(len(rows))]
