import math
from dataclasses import replace

import pytest

from core.data import find
from studies.catalogue.data_size import EPOCHS, LEARNED, STUDY
from studies.catalogue.data_size.crossing import against_examples, crossings
from studies.catalogue.data_size.difference_against_examples import DIFFERENCE_AGAINST_EXAMPLES
from studies.catalogue.data_size.measure_training_examples import measure
from studies.catalogue.data_size.report import FIGURES, TABLES, by_size
from studies.design import DENSE_FRONT
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.results import Results
from tests.support.drawings import axes_of, legend_of, row_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import configurations_of, design_of, record_of
from tests.support.tables import written
from tests.support.trained import digits, subject_of

ARMS = ("random_exactly_k", *LEARNED)
# Of the learned gates: worse by .2 with few examples, better by .2 with ten times as many.
GAINS = {"kjv:20000": -0.2, "kjv:5000": 0.2, "mnist_5k:1000": 0.01, "mnist_5k": 0.02}
TRAINED = {"kjv:5000": 1000, "kjv:20000": 10_000, "mnist_5k:1000": 700, "mnist_5k": 3500}


def record(run: PlannedRun) -> Record:
    """Dense networks of all widths have the same error, and so has the control."""
    dataset = run.setting.dataset
    bits = dataset.startswith("kjv")
    gain = GAINS[dataset] if run.arm in LEARNED else 0.0
    error = (2.0 if bits else 0.1) + gain + (0.01 if bits else 0.001) * run.configuration.seed
    macs = float(run.setting.network.removeprefix("1x")) if run.arm.startswith(DENSE_FRONT) else 80.0
    return measured(run, error, macs=macs) | {"test_bits": None} | counted(run)


def counted(run: PlannedRun) -> Record:
    if not run.configuration.measurements:
        return {}
    return {"measured": {"training_examples": {"examples": TRAINED[run.setting.dataset]}}}


def spread(run: PlannedRun) -> Record:
    """Seeds differ more in the gates than in the dense networks."""
    found = record(run)
    return found | {"test_error": found["test_error"] + (0.01 * run.configuration.seed if run.arm in LEARNED else 0.0)}


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(FrozenStudy.freeze("data_size", "quick", STUDY.scales["quick"]), record)


def test_more_examples_are_passed_through_less_often():
    for data in ("kjv", "mnist"):
        sizes = sorted((find(name)[1], epochs) for name, epochs in EPOCHS.items() if name.partition(":")[0] == data)
        assert [epochs for _, epochs in sizes] == sorted((epochs for _, epochs in sizes), reverse=True)
        assert len(sizes) >= 3
    frozen = FrozenStudy.freeze("data_size", "default", STUDY.scales["default"])
    assert {entry.dataset: entry.training["epochs"] for entry in configurations_of(frozen)} == dict(EPOCHS)


def test_contrasts_are_of_most_text_and_with_many_seeds_of_the_other_ends_too():
    primary = {scale: {(entry.arm, entry.dataset) for entry in sweep.primary} for scale, sweep in STUDY.scales.items()}
    assert primary["default"] == {("reinforce", "kjv:1000000")}
    assert primary["paper"] == {("reinforce", size) for size in ("kjv:10000", "kjv:1000000", "mnist")}
    for scale in ("default", "paper"):
        frozen = FrozenStudy.freeze("data_size", scale, STUDY.scales[scale])
        assert frozen.protocol.contrasts == len(primary[scale])


def test_the_training_examples_of_a_network_are_counted():
    assert measure(subject_of("top_k")) == {"examples": len(digits().train.y)} == {"examples": 1257}


def test_a_row_is_a_strategy_on_so_many_examples_beside_the_dense_front(results):
    numbers = by_size(results)
    assert len(numbers) == len(ARMS) * len(GAINS)
    # The design begins with the text, and names its sizes in this order.
    assert numbers["dataset"].drop_duplicates().tolist() == ["kjv:5000", "kjv:20000", "mnist_5k:1000", "mnist_5k"]
    row = row_of(numbers, arm="reinforce", dataset="kjv:20000")
    assert (row["examples"], row["data"], row["n"]) == (10_000, "kjv", 2)
    assert (row["difference"], row["reference_error"]) == pytest.approx((-0.2, 2.005))
    assert (row["mean"], row["share"]) == pytest.approx((1.805, -0.2 / 2.005))
    assert row_of(numbers, arm="random_exactly_k", dataset="mnist_5k")["difference"] == pytest.approx(0)
    table = next(table for table in TABLES if table.name == "by_size")
    cells = written(table, numbers)
    assert ["−0.200 bits" in row for row in cells].count(True) == len(LEARNED)
    assert ["+2.0" in row for row in cells].count(True) == len(LEARNED)


def test_rows_go_from_few_examples_to_many_in_whatever_order_a_study_names_them(results):
    sweep = replace(STUDY.scales["quick"], datasets=("kjv:20000", "kjv:5000", "mnist_5k", "mnist_5k:1000"))
    other = results_of(FrozenStudy.freeze("data_size", "quick", sweep), record)
    for found in (results, other):
        assert against_examples(found)["examples"].drop_duplicates().tolist() == [1000, 10_000, 700, 3500]


def test_intervals_along_a_line_are_those_of_exploratory_contrasts(results):
    numbers = against_examples(results)
    others = numbers[~numbers["primary"]]
    assert others[["low", "high"]].to_numpy() == pytest.approx(others[["ci_low", "ci_high"]].to_numpy())
    sweep = replace(STUDY.scales["quick"], looks=(2, 4))
    decided = against_examples(results_of(FrozenStudy.freeze("data_size", "quick", sweep), spread))
    row = row_of(decided, arm="reinforce", dataset="kjv:20000")
    assert row["primary"]
    assert row["ci_low"] < row["low"] < row["difference"] < row["high"] < row["ci_high"]


def test_intervals_cover_test_examples_where_records_have_them():
    sweep = STUDY.scales["quick"]
    found = results_of(
        FrozenStudy.freeze("data_size", "quick", replace(sweep, seeds=3)),
        lambda run: record_of(run.configuration) | counted(run),
    )
    others = against_examples(found)
    others = others[~others["primary"]]
    assert others["example_std"].notna().all()
    assert others[["low", "high"]].to_numpy() == pytest.approx(others[["ci_low", "ci_high"]].to_numpy())


def test_crossings_are_of_each_strategy_on_each_data(results):
    numbers = crossings(results)
    assert len(numbers) == len(ARMS) * 2
    row = row_of(numbers, arm="hard_concrete", data="kjv")
    assert row["examples"] == pytest.approx(1000 * math.sqrt(10))
    assert (row["loses_up_to"], row["pays_from"], row["least"], row["most"]) == (1000, 10_000, 1000, 10_000)
    assert math.isnan(row_of(numbers, arm="hard_concrete", data="mnist_5k")["examples"])
    table = next(table for table in TABLES if table.name == "crossings")
    said = {(row[0], row[1]): row[2:] for row in written(table, numbers)}
    assert said["kjv", "reinforce"] == ["at about 3,200", "1,000", "10,000"]
    assert said["mnist_5k", "reinforce"] == ["not up to 3,500", "3,500", "–"]


def test_gates_that_pay_from_the_beginning_say_so(results):
    numbers = crossings(results).assign(examples=1000.0, least=1000.0, data="kjv")
    table = next(table for table in TABLES if table.name == "crossings")
    assert {row[1] for row in written(table, numbers)} == {"at 1,000 or before"}


def test_the_figure_has_a_panel_for_each_data_and_a_line_for_each_strategy(results):
    numbers = DIFFERENCE_AGAINST_EXAMPLES.numbers(results)
    text, pictures = axes_of(DIFFERENCE_AGAINST_EXAMPLES, numbers)
    assert [ax.get_title() for ax in (text, pictures)] == ["kjv (bits)", "mnist_5k (points)"]
    assert sorted(legend_of(DIFFERENCE_AGAINST_EXAMPLES, numbers)) == sorted(ARMS)
    for ax, ends in ((text, (0.2, -0.2)), (pictures, (1.0, 2.0))):
        assert ax.get_xscale() == "log"
        zero, *lines = ax.lines
        assert zero.get_ydata() == [0, 0]
        assert len(lines) == len(ARMS)
        assert sum(line.get_ydata() == pytest.approx(ends) for line in lines) == len(LEARNED)
        assert all(line.get_xdata()[0] < line.get_xdata()[1] for line in lines)


def test_intervals_are_drawn_as_they_are_in_the_table(results):
    numbers = DIFFERENCE_AGAINST_EXAMPLES.numbers(results)
    text, _ = axes_of(DIFFERENCE_AGAINST_EXAMPLES, numbers)
    rows = numbers[(numbers["data"] == "kjv") & (numbers["arm"] == "gaussian_gates")]
    ends = [
        (segment[0][1], segment[1][1])
        for collection in text.collections
        if hasattr(collection, "get_segments")
        for segment in collection.get_segments()
    ]
    assert len(ends) == len(ARMS) * 2
    for low, high in rows[["low", "high"]].to_numpy():
        assert any((low, high) == pytest.approx(end) for end in ends)


def test_captions_say_what_the_line_at_zero_is(results):
    assert "above the line at 0 gates lose, below it they pay" in DIFFERENCE_AGAINST_EXAMPLES.caption(results)
    assert all(table.caption(results).endswith(".") for table in TABLES)
    assert FIGURES[0] is DIFFERENCE_AGAINST_EXAMPLES


def test_nothing_is_shown_where_nothing_was_measured_or_compared():
    for design in (design_of("top_k", references=("dense front",)), design_of("top_k", references=())):
        results = results_of(design, lambda run: measured(run, 0.1))
        assert against_examples(results).empty
        assert crossings(results).empty
        assert by_size(results).empty
        assert DIFFERENCE_AGAINST_EXAMPLES.numbers(results).empty
