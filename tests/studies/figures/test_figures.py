from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from studies.aggregate import collect
from studies.figures import STANDARD
from studies.figures.figure import FORMATS, Figure
from studies.figures.gates_by_class import GATES_BY_CLASS
from studies.figures.learning_curves import LEARNING_CURVES
from studies.figures.seeds import SEEDS
from studies.results import Results
from tests.studies.plugins import read_plugin
from tests.studies.records import CHANCE, Failures, design_of, finished

FIGURES = {figure.name: figure for figure in STANDARD}
NAMES = ("dense", "reinforce", "straight_through")
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "one seed": {"seeds": 1},
    "several settings": {"datasets": ("digits", "mnist1d"), "networks": ("4x4", "2x8"), "densities": (0.25, 0.5)},
    "two layers": {"networks": ("4x4,2x8",)},
    "one epoch": {"training": {"epochs": 1}},
}
FAILURES: dict[str, Failures] = {
    "no failure": {},
    "some failures": {("reinforce", 0): "nan", ("reinforce", 1): "error", ("dense", 1): "diverged"},
    "a strategy that only fails": {("reinforce", seed): "error" for seed in range(3)},
}


def results_of(folder: Path, *strategies: str, failures: Failures | None = None, **changes: Any) -> Results:
    design = design_of(*(strategies or NAMES), **changes)
    return collect(design, finished(folder, design, failures).ledger)


def drawn(figure: Figure, numbers: pd.DataFrame) -> list[Any]:
    """What is drawn, counted: per axes its title and how many points, lines, images and texts it holds."""
    with mpl.rc_context({"svg.hashsalt": "x"}):
        picture = figure.draw(numbers)
    return [
        (
            ax.get_title(),
            [np.shape(collection.get_offsets()) for collection in ax.collections],
            [np.shape(line.get_xydata()) for line in ax.lines],
            [np.asarray(image.get_array()).shape for image in ax.images],
            len(ax.patches),
        )
        for ax in picture.axes
    ]


@pytest.fixture
def results(tmp_path):
    return results_of(tmp_path)


@pytest.mark.parametrize(
    ("case", "failures"),
    [
        ("plain", "no failure"),
        ("plain", "some failures"),
        ("one seed", "no failure"),
        ("one seed", "a strategy that only fails"),
        ("several settings", "some failures"),
        ("two layers", "some failures"),
        ("one epoch", "a strategy that only fails"),
    ],
)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_drawn_from_its_csv_alone(tmp_path, name, case, failures):
    figure = FIGURES[name]
    results = results_of(tmp_path, failures=FAILURES[failures], **CASES[case])
    figure.write(results, tmp_path / "figures", formats=[])
    numbers = pd.read_csv(tmp_path / "figures" / f"{name}.csv")
    assert drawn(figure, numbers) == drawn(figure, figure.numbers(results))


@pytest.mark.parametrize("case", [("one seed", "a strategy that only fails"), ("several settings", "some failures")])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_written_in_every_format_beside_its_numbers(tmp_path, name, case):
    results = results_of(tmp_path, failures=FAILURES[case[1]], **CASES[case[0]])
    pictures = FIGURES[name].write(results, tmp_path / "figures", FORMATS)
    assert [path.name for path in pictures] == [f"{name}.{extension}" for extension in FORMATS]
    written = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert written.keys() == {f"{name}.{extension}" for extension in ("csv", *FORMATS)}
    assert written[f"{name}.pdf"].startswith(b"%PDF")
    assert written[f"{name}.png"].startswith(b"\x89PNG")
    assert written[f"{name}.svg"].startswith(b"<?xml")


def test_only_the_formats_asked_for_are_written(results, tmp_path):
    SEEDS.write(results, tmp_path / "figures", ["svg"])
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"seeds.csv", "seeds.svg"}


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_numbers_give_the_same_bytes_and_no_dates(results, tmp_path, name):
    def write(folder: Path) -> dict[str, bytes]:
        FIGURES[name].write(results, folder, FORMATS)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first = write(tmp_path / "first")
    assert write(tmp_path / "second") == first
    assert b"CreationDate" not in first[f"{name}.pdf"]
    assert b"dc:date" not in first[f"{name}.svg"]
    assert b"tIME" not in first[f"{name}.png"]


@pytest.mark.parametrize("name", FIGURES)
def test_other_numbers_give_another_picture(tmp_path, name):
    pictures = set()
    for root_seed in (0, 1):
        results = results_of(tmp_path / str(root_seed), root_seed=root_seed)
        FIGURES[name].write(results, tmp_path / f"figures{root_seed}", ["svg"])
        pictures.add((tmp_path / f"figures{root_seed}" / f"{name}.svg").read_bytes())
    assert len(pictures) == 2


def test_figures_with_nothing_to_show_are_not_written(tmp_path):
    results = results_of(tmp_path, "dense")
    assert GATES_BY_CLASS.write(results, tmp_path / "figures", FORMATS) == []
    failed = results_of(tmp_path / "failed", "dense", failures={("dense", seed): "error" for seed in range(3)})
    assert LEARNING_CURVES.write(failed, tmp_path / "figures", FORMATS) == []
    assert not (tmp_path / "figures").exists()


def test_drawing_leaves_the_settings_of_others_alone(results, tmp_path):
    before = dict(mpl.rcParams)
    SEEDS.write(results, tmp_path, ["svg"])
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["error_against_macs", "seeds"])
def test_every_run_is_a_point_at_the_error_it_counts_for(tmp_path, name):
    results = results_of(tmp_path, failures=FAILURES["some failures"])
    numbers = FIGURES[name].numbers(results)
    assert len(numbers) == 9
    failed = numbers[numbers.status != "ok"]
    assert set(zip(failed.strategy, failed.seed, strict=True)) == FAILURES["some failures"].keys()
    assert set(failed.test_error) == {CHANCE}
    points = [
        offset
        for ax in FIGURES[name].draw(numbers).axes
        for collection in ax.collections
        for offset in np.atleast_2d(collection.get_offsets())
    ]
    errors = [round(float(point[0 if name == "seeds" else 1]), 6) for point in points]
    assert not set((100 * numbers.test_error).round(6)) - set(errors)


@pytest.mark.parametrize("name", ["error_against_macs", "seeds"])
def test_means_and_intervals_are_those_of_the_summary(tmp_path, name):
    results = results_of(tmp_path, failures=FAILURES["some failures"], densities=(0.25, 0.5))
    numbers = FIGURES[name].numbers(results).drop_duplicates(["target_density", "strategy"])
    columns = ["target_density", "strategy", "mean", "ci_low", "ci_high"]
    pd.testing.assert_frame_equal(numbers[columns].reset_index(drop=True), results.summary[columns])


def test_learning_curves_hold_every_epoch_of_every_run(tmp_path):
    results = results_of(tmp_path, failures=FAILURES["some failures"])
    numbers = LEARNING_CURVES.numbers(results)
    assert len(numbers) == 8 * 3
    record = results.records[0]
    chosen = numbers[(numbers.strategy == "dense") & (numbers.seed == 0)]
    assert chosen.validation_error.tolist() == [epoch["validation_error"] for epoch in record["history"]]


def test_gates_by_class_shows_the_first_seed_of_strategies_that_gate(tmp_path):
    results = results_of(tmp_path, networks=("4x4,2x8",))
    numbers = GATES_BY_CLASS.numbers(results)
    assert set(numbers.strategy) == {"reinforce", "straight_through"}
    assert set(numbers.seed) == {0}
    assert len(numbers) == 2 * 10 * (4 + 2)
    record = results.records[1]
    for layer in (1, 2):
        rows = numbers[(numbers.strategy == "reinforce") & (numbers.layer == layer)]
        table = rows.pivot_table(index="class", columns="block", values="open_share")
        assert table.to_numpy().tolist() == record["gates_by_class"][layer - 1]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ({}, ["n = 3 paired seeds", "no run failed"]),
        (FAILURES["some failures"], ["n = 3 paired seeds", "3 failed"]),
    ],
)
def test_captions_give_n_and_failures(tmp_path, name, failures, words):
    caption = FIGURES[name].caption(results_of(tmp_path, failures=failures))
    assert name == "gates_by_class" or not [word for word in words if word not in caption]


@pytest.mark.parametrize("name", ["error_against_macs", "seeds"])
def test_captions_say_what_the_interval_is_and_that_few_seeds_are_few(results, name):
    caption = FIGURES[name].caption(results)
    assert "95 % t interval" in caption
    assert "below 20 seeds" in caption


def test_each_combination_of_settings_has_a_panel_that_says_which(tmp_path):
    results = results_of(tmp_path, **CASES["several settings"])
    titles = [ax.get_title() for ax in SEEDS.draw(SEEDS.numbers(results)).axes]
    assert len(titles) == len(set(titles)) == 8
    assert titles[0] == "digits, 4x4, τ = 0.25"


def test_layers_are_named_as_such(tmp_path):
    results = results_of(tmp_path, networks=("4x4,2x8",))
    titles = [ax.get_title() for ax in GATES_BY_CLASS.draw(GATES_BY_CLASS.numbers(results)).axes]
    assert "reinforce, layer 2" in titles


def without_errors(results: Results, strategies: tuple[str, ...]) -> Results:
    """The same results with errors of zero for some strategies."""
    runs, summary = results.runs.copy(), results.summary.copy()
    runs.loc[runs.strategy.isin(strategies), "test_error"] = 0.0
    summary.loc[summary.strategy.isin(strategies), ["mean", "ci_low", "ci_high"]] = 0.0
    records = tuple(
        record | {"history": [epoch | {"validation_error": 0.0} for epoch in record["history"]]}
        if record["config"]["strategy"] in strategies
        else record
        for record in results.records
    )
    return Results(records, runs, summary)


@pytest.mark.parametrize("strategies", [("dense",), NAMES])
@pytest.mark.parametrize("name", FIGURES)
def test_errors_of_zero_are_drawn_without_warning(results, tmp_path, name, strategies):
    FIGURES[name].write(without_errors(results, strategies), tmp_path / "figures", FORMATS)


@pytest.mark.parametrize("name", ["error_against_macs", "seeds"])
def test_a_run_without_errors_is_a_point_within_its_axes(results, name):
    numbers = FIGURES[name].numbers(without_errors(results, ("dense",)))
    picture = FIGURES[name].draw(numbers)
    picture.draw_without_rendering()
    shown = 0
    for ax in picture.axes:
        for collection in ax.collections:
            points = ax.transData.transform(np.ma.filled(collection.get_offsets(), np.nan))
            shown += sum(ax.bbox.padded(1).contains(*point) for point in points if np.isfinite(point).all())
    assert shown >= len(numbers)


@pytest.mark.parametrize("name", FIGURES)
def test_strategies_from_elsewhere_are_drawn_too(tmp_path, name):
    plugins = (read_plugin(tmp_path),)
    design = design_of("dense", "of_mine", "reinforce", plugins=plugins)
    results = collect(design, finished(tmp_path, design, plugins=plugins).ledger)
    assert FIGURES[name].write(results, tmp_path / "figures", ["svg"])
