import math

import pytest

from studies.design import Arm
from studies.design.runs import PlannedRun
from studies.report.publication.numbers import Published, beside, pass_times, published_table
from tests.support.drawings import row_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of, record_of

ROWS = (
    Published("condnet", error=0.5, seconds=6.8, masked_seconds=26.2, speedup=3.8),
    Published("wide", error=0.4, seconds=1.2),
    Published("not run here", error=0.1),
    Published("narrow", error=0.6),
)
ARMS = (
    Arm("narrow", "dense", network="1x2", density=1.0),
    Arm("wide", "dense", network="1x16", density=1.0),
    Arm("condnet", "reinforce", network="8x2", density=0.25),
)
ERRORS: dict[str, list[float | None]] = {
    "dense": [0.2, 0.2],
    "condnet": [0.2, 0.4],
    "wide": [0.1, 0.1],
    "narrow": [0.3, None],
}
SECONDS: dict[str, list[float | None]] = {
    "dense": [None, None],
    "condnet": [0.002, 0.004],
    "wide": [0.003, 0.003],
    "narrow": [0.001, None],
}


def record(run: PlannedRun) -> Record:
    arm, seed = run.arm, run.configuration.seed
    error, seconds = ERRORS[arm][seed], SECONDS[arm][seed]
    if error is None:
        return record_of(run.configuration, "error")
    if seconds is None:
        return measured(run, error)
    masked = 5 * seconds if arm == "condnet" else None
    times = {"batch": 50, "examples": 360, "seconds": seconds, "masked_seconds": masked, "dense_seconds": 0.01}
    return measured(run, error) | {"measured": {"pass_time": times}}


@pytest.fixture(scope="module")
def results():
    # With a strategy of which nothing was published.
    return results_of(design_of("dense", seeds=2, arms=ARMS), record)


def test_times_are_joined_to_their_runs_and_missing_where_a_run_was_not_tested(results):
    runs = pass_times(results)
    condnet, wide = row_of(runs, arm="condnet", seed=1), row_of(runs, arm="wide", seed=0)
    assert [condnet[key] for key in ("seconds", "masked_seconds", "speedup")] == [0.004, 0.02, 5.0]
    assert wide["seconds"] == 0.003
    assert math.isnan(wide["masked_seconds"])
    for arm, seed in (("narrow", 1), ("dense", 0)):
        untimed = row_of(runs, arm=arm, seed=seed)
        assert math.isnan(untimed["examples"])
        assert math.isnan(untimed["seconds"])


def test_rows_are_those_published_and_run_in_the_order_of_the_publication(results):
    numbers = beside(results, ROWS)
    assert numbers["arm"].tolist() == ["condnet", "wide", "narrow"]
    condnet, wide, narrow = numbers.to_dict("records")
    assert (condnet["published_error"], condnet["published_seconds"], condnet["published_speedup"]) == (0.5, 6.8, 3.8)
    assert condnet["mean"] == pytest.approx(0.3)
    assert (condnet["seconds"], condnet["masked_seconds"], condnet["speedup"]) == pytest.approx((0.003, 0.015, 5.0))
    assert math.isnan(wide["published_masked_seconds"])
    assert (narrow["failures"], narrow["n"], narrow["seconds"]) == (1, 2, 0.001)
    assert narrow["mean"] == pytest.approx(0.3)


def test_the_table_has_a_dash_where_there_is_no_number(results):
    table = published_table(ROWS, "somewhere")
    numbers = table.numbers(results)
    heads = [column.head for column in table.shown(numbers, "page")]
    rows = [[cell.text for cell in row] for row in table.cells(numbers, "page")]
    cells = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    assert cells["condnet"]["error, paper"] == "50.0 %"
    assert cells["condnet"]["error, ours"] == "30.0 %"
    assert (cells["condnet"]["speed-up, paper"], cells["condnet"]["speed-up, ours"]) == ("3.8", "5.0")
    assert (cells["condnet"]["s, paper"], cells["condnet"]["s, ours"]) == ("6.8", "0.003")
    assert cells["narrow"]["s, paper"] == cells["wide"]["speed-up, ours"] == cells["wide"]["s without, paper"] == "–"
    caption = table.caption(results)
    for said in ("somewhere", "digits", "2 seeds", "95 % interval", "1 of 6 runs failed", "360 examples"):
        assert said in caption
