import pytest

from studies.catalogue.batch_size.call_times import call_times
from studies.design.runs import PlannedRun
from tests.support.invented import Record, results_of
from tests.support.records import design_of, record_of


def record(run: PlannedRun) -> Record:
    # On seed 0 twice as fast as the dense network, on seed 1 four times.
    seed = run.configuration.seed
    call = {
        "batch": 8,
        "baseline": "dense",
        "own_seconds": [9.0] * 3,
        "baseline_seconds": [27.0] * 3,
        "own_processor_seconds": [1e-6, 2e-6, 3e-6],
        "library": "eager" if seed else "oneDNN",
        "baseline_processor_seconds": [(2 + 2 * seed) * own for own in (1e-6, 2e-6, 3e-6)],
    }
    calls = [call, call | {"baseline": "dense of equal MACs"}] if run.arm == "top_k" else []
    return record_of(run.configuration) | {"measured": {"batch_latency": {"calls": calls}}}


def test_the_library_is_that_of_most_runs_and_the_only_one_of_older_records():
    found = call_times(results_of(design_of("top_k", "dense", seeds=3), record))
    assert set(found["library"]) == {"eager"}

    def older(run: PlannedRun) -> Record:
        found = record(run)
        for call in found["measured"]["batch_latency"]["calls"]:
            del call["library"]
        return found

    assert set(call_times(results_of(design_of("top_k", "dense", seeds=1), older))["library"]) == {"eager"}


def test_older_records_beside_newer_ones_keep_their_library():
    def partly_older(run: PlannedRun) -> Record:
        found = record(run)
        if run.setting.target_density == 1 / 4:
            for call in found["measured"]["batch_latency"]["calls"]:
                del call["library"]
        return found

    found = call_times(results_of(design_of("top_k", seeds=1, densities=(1 / 4, 1 / 2)), partly_older))
    assert found.groupby("target_density")["library"].first().to_dict() == {0.25: "eager", 0.5: "oneDNN"}


def test_repetitions_of_all_seeds_are_taken_together():
    found = call_times(results_of(design_of("top_k", "dense", seeds=2), record))
    assert found["reference"].tolist() == ["dense", "dense of equal MACs"]
    assert set(found["arm"]) == {"top_k"}
    row = found.iloc[0]
    assert (row["batch"], row["repetitions"], row["family"]) == (8, 6, "routing")
    assert row["microseconds"] == pytest.approx(2)
    # Of 2, 4, 6 and 4, 8, 12.
    assert row["reference_microseconds"] == pytest.approx(5)
    assert row[["speedup_p10", "speedup", "speedup_p90"]].tolist() == pytest.approx([2, 3, 4])
    assert row["wall_speedup"] == pytest.approx(3)


def test_a_run_that_broke_down_has_no_times():
    failed = results_of(design_of("top_k", seeds=1), lambda run: record_of(run.configuration, "nan"))
    assert call_times(failed).empty
