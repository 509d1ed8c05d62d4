"""What a study knows of each test example, beside every kind of reference."""

import base64
from typing import Any

import numpy as np
import pytest

from studies.design import Primary
from studies.design.dense_front import DENSE_FRONT
from studies.design.runs import PlannedRun
from studies.records.hits import packed
from studies.results import Results
from studies.results.examples.tested import TestedRuns
from studies.results.statistics.intervals import t_interval
from studies.results.statistics.looks import look_levels, repeated_interval
from studies.results.statistics.random_effects.seeds_and_examples import ExampleValues, example_variance
from tests.support.invented import Record, results_of
from tests.support.records import design_of, record_of

EXAMPLES = 40
LEVEL = look_levels((3,), 0.05)[0]


def wrong_of(run: PlannedRun) -> np.ndarray:
    """Examples that a run is wrong on: the hardest for all seeds, and some of its own."""
    random = np.random.default_rng(int(run.configuration.run_id, 16))
    hardness = np.random.default_rng(len(run.arm)).random(EXAMPLES)
    return hardness + 0.3 * random.random(EXAMPLES) > 0.9


def record(run: PlannedRun, macs: float = 50.0) -> Record:
    wrong = wrong_of(run)
    hits = packed(range(EXAMPLES), (~wrong).tolist())
    return {**record_of(run.configuration), "test_error": float(wrong.mean()), "test_hits": hits, "test_macs": macs}


def study(**changes: Any) -> Results:
    design = design_of("small_dense", "reinforce", "top_k", seeds=3, looks=(3,), **changes)
    return results_of(design, record)


def values(arm: str, results: Results) -> list[np.ndarray]:
    """Errors on each example, by seed."""
    records = {entry["run_id"]: entry for entry in results.all_records}
    runs = results.runs[results.runs["arm"] == arm].sort_values("seed")
    packed_bits = [base64.b64decode(records[run]["test_hits"]["right"]) for run in runs["run_id"]]
    return [1.0 - np.unpackbits(np.frombuffer(bits, np.uint8))[:EXAMPLES] for bits in packed_bits]


def test_an_interval_of_a_contrast_covers_the_examples_that_both_were_tested_on():
    results = study(primary=(Primary("reinforce", "small_dense"),), pairs=(("top_k", "small_dense"),))
    contrasts = results.contrasts.set_index("arm")
    for arm, deciding in (("reinforce", True), ("top_k", False)):
        cells = [one - other for one, other in zip(values(arm, results), values("small_dense", results), strict=True)]
        variance = example_variance([ExampleValues(np.arange(EXAMPLES), row) for row in cells])
        row, means = contrasts.loc[arm], [float(cell.mean()) for cell in cells]
        assert variance > 0
        assert row["example_std"] == pytest.approx(variance**0.5)
        if deciding:
            assert row["ci_low"] == pytest.approx(repeated_interval(means, LEVEL, example_variance=variance)[0])
        else:
            half = np.hypot(t_interval(means)[1] - np.mean(means), 1.959964 * variance**0.5)
            assert row["ci_high"] == pytest.approx(np.mean(means) + half, rel=1e-6)
            assert np.isnan(row["detectable"])


def test_beside_the_dense_front_both_networks_count_by_their_distance():
    design = design_of("reinforce", seeds=3, references=(DENSE_FRONT,), primary=(Primary("reinforce", DENSE_FRONT),))
    assert len(design.front) > 1
    order = [arm.name for arm in design.front]

    def at_macs(run: PlannedRun) -> Record:
        return record(run, 200.0 * 4.0 ** order.index(run.arm) if run.arm in order else 400.0)

    results = results_of(design, at_macs)
    row = results.contrasts.iloc[0]
    records = {entry["run_id"]: entry for entry in results.all_records}
    hits = TestedRuns(results.all_records)
    front = results.front_runs.sort_values(["seed", "test_macs"])
    tested = []
    for run in results.runs.sort_values("seed").to_dict("records"):
        low, high = front.loc[front["seed"] == run["seed"], "run_id"].head(2)
        # 400 is half way from 200 to 800 on a logarithmic axis.
        found = hits.of(((run["run_id"], 1.0), (low, -0.5), (high, -0.5)))
        assert found is not None
        between = (records[low]["test_error"] + records[high]["test_error"]) / 2
        assert found.values.mean() == pytest.approx(records[run["run_id"]]["test_error"] - between)
        tested.append(found)
    assert row["difference"] == pytest.approx(np.mean([one.values.mean() for one in tested]))
    assert row["example_std"] == pytest.approx(example_variance(tested) ** 0.5)


def test_without_hits_intervals_are_over_seeds_alone_and_say_so():
    design = design_of("small_dense", "reinforce", seeds=3, looks=(3,))
    old = results_of(design, lambda run: {**record(run), "test_hits": None})
    some = results_of(design, lambda run: {**record(run), **({"test_hits": None} if run.arm == "reinforce" else {})})
    assert old.contrasts["example_std"].isna().all()
    assert old.summary["example_std"].isna().all()
    errors = old.runs.loc[old.runs["arm"] == "reinforce", "test_error"].tolist()
    low, high = t_interval(errors)
    row = old.summary.set_index("arm").loc["reinforce"]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high))
    assert some.summary.set_index("arm")["example_std"].notna().to_dict() == {"small_dense": True, "reinforce": False}


def test_runs_on_other_examples_are_not_set_against_each_other():
    fields = [packed(places, [True, False]) for places in ([1, 2], [1, 3], [1, 2])]
    hits = TestedRuns({"run_id": name, "test_hits": field} for name, field in zip("abc", fields, strict=True))
    assert hits.of((("a", 1.0), ("b", -1.0))) is None
    assert hits.of((("a", 1.0), ("unknown", -1.0))) is None
    assert hits.of(()) is None
    found = hits.of((("a", 1.0), ("c", -0.5)))
    assert found is not None
    assert found.values.tolist() == [0.0, 0.5]
    assert hits.all_of([]) is None
    assert hits.all_of([(("a", 1.0),), (("unknown", 1.0),)]) is None
