"""What holds for every figure."""

from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from studies.design import Search
from studies.report.drawing.figure import FORMATS
from studies.report.drawing.panels import MOST_TOGETHER, panels_of
from studies.report.drawing.style import theme
from studies.report.presentation import SEARCHED, UNSEARCHED
from studies.results import Results
from tests.support.drawings import drawn
from tests.support.invented import random_record, results_of
from tests.support.plugins import read_plugin
from tests.support.records import CHANCE, Failures, design_of

FIGURES = {figure.name: figure for figure in (*UNSEARCHED, *SEARCHED)}
NAMES = ("dense", "small_dense", "reinforce", "straight_through")
WITH_SEARCH: dict[str, Any] = {
    "test_split": "fixed",
    "search": Search(points=3, searches=2),
    "densities": (0.25, 0.5),
}
# Tuning seeds are 0 and 1000.
FAILURES: Failures = {("reinforce", 1): "nan", ("reinforce", 2): "error", ("dense", 1): "diverged"}
ONLY_FAILURES: Failures = {("reinforce", seed): "error" for seed in range(3)}
OF_SEARCHES = {"every_run", "optimism", "expected_validation"}
OF_CONTRASTS = {"forest", "improvement", "detectable"}


@cache
def results(case: str) -> Results:
    if case == "searched":
        return results_of(design_of(*NAMES, **WITH_SEARCH), random_record(FAILURES))
    if case == "two datasets":
        design = design_of(*NAMES, datasets=("digits", "mnist1d"), densities=(0.25, 0.5))
        return results_of(design, random_record(FAILURES))
    if case == "one seed":
        return results_of(design_of(*NAMES, seeds=1), random_record(ONLY_FAILURES))
    if case == "plain":
        return results_of(design_of("dense", "reinforce"), random_record())
    raise ValueError(case)


# What tells panels apart besides the dataset; for others the setting.
PANELS: dict[str, tuple[str, ...]] = {
    "error_against_macs": ("network",),
    "profile": ("network",),
    "front": ("network",),
    "failures": (),
    "critical_difference": (),
    "forest": ("network", "target_density", "reference"),
    "improvement": ("network", "target_density", "reference"),
    "detectable": ("network", "target_density", "reference"),
    "gates_by_class": ("network", "target_density", "arm", "layer"),
}


def panels_in(name: str, numbers: pd.DataFrame) -> int:
    by = list(PANELS.get(name, ("network", "target_density")))
    shown = numbers[numbers["kind"] != "dense"] if name == "front" else numbers
    return len(shown[["dataset", *by]].drop_duplicates()) if by else 1


def names_in(picture: Any) -> set[str]:
    """What a legend, the names of rows, or headings say that there is."""
    legends = [text.get_text() for legend in picture.legends for text in legend.get_texts()]
    rows = [label.get_text() for ax in picture.axes for label in ax.get_yticklabels()]
    headings = [part for ax in picture.axes for part in ax.get_title().replace("\n", ", ").split(", ")]
    return {*legends, *rows, *headings}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_from_its_csv_alone(tmp_path, name):
    figure = FIGURES[name]
    (path,) = figure.write(results("searched"), tmp_path, ["svg"])
    assert path.stat().st_size > 0
    # One status is "nan".
    exported = pd.read_csv(tmp_path / f"{name}.csv", keep_default_na=False, na_values=[""])
    numbers = figure.numbers(results("searched")).reset_index(drop=True)
    pd.testing.assert_frame_equal(exported, numbers, check_dtype=False)
    assert numbers["arm"].nunique() <= MOST_TOGETHER
    picture = drawn(figure, exported)
    assert len(panels_of(picture)) == panels_in(name, numbers)
    assert set(numbers["arm"]) <= names_in(picture)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_one_seed_is_drawn_from_its_csv_alone(tmp_path, name):
    figure = FIGURES[name]
    figure.write(results("one seed"), tmp_path, formats=[])
    if name in {*OF_SEARCHES, "front", "detectable", "critical_difference"}:
        assert not list(tmp_path.iterdir())
        return
    assert drawn(figure, pd.read_csv(tmp_path / f"{name}.csv")).axes


def test_every_format_is_written_beside_the_numbers_without_dates_and_with_letters_that_can_be_edited(tmp_path):
    pictures = FIGURES["seeds"].write(results("plain"), tmp_path, FORMATS)
    assert [path.name for path in pictures] == [f"seeds.{extension}" for extension in FORMATS]
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written.keys() == {f"seeds.{extension}" for extension in ("csv", "txt", *FORMATS)}
    pdf, svg, png = (written[f"seeds.{extension}"] for extension in ("pdf", "svg", "png"))
    assert (pdf[:4], svg[:5], png[:4]) == (b"%PDF", b"<?xml", b"\x89PNG")
    assert b"CreationDate" not in pdf
    assert b"dc:date" not in svg
    assert b"tIME" not in png
    assert b"/Type3" not in pdf
    assert b"/FontFile2" in pdf
    FIGURES["seeds"].write(results("plain"), tmp_path / "again", FORMATS)
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == written


def test_only_the_formats_asked_for_are_written(tmp_path):
    FIGURES["seeds"].write(results("plain"), tmp_path, ["svg"])
    assert {path.name for path in tmp_path.iterdir()} == {"seeds.csv", "seeds.txt", "seeds.svg"}


@pytest.mark.parametrize(
    ("case", "empty"),
    [
        # The only reference, small_dense, takes no part; one density; nothing failed; no search.
        ("plain", OF_SEARCHES | OF_CONTRASTS | {"front", "failures", "critical_difference"}),
        ("two datasets", OF_SEARCHES),
        ("searched", set()),
    ],
)
def test_what_has_nothing_to_show_has_no_numbers(case, empty):
    assert {name for name, figure in FIGURES.items() if figure.numbers(results(case)).empty} == empty


def test_a_figure_without_numbers_writes_and_deletes_nothing(tmp_path):
    FIGURES["forest"].write(results("one seed"), tmp_path, ["svg"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert FIGURES["forest"].write(results("plain"), tmp_path, ["svg"]) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_figures_of_runs_that_all_failed_are_drawn_or_empty():
    failures: Failures = {("dense", seed): "error" for seed in range(3)}
    failed = results_of(design_of("dense"), random_record(failures))
    numbers = {name: figure.numbers(failed) for name, figure in FIGURES.items()}
    shown = {name for name, table in numbers.items() if not table.empty}
    assert shown == {"error_against_macs", "seeds", "profile", "failures"}
    for name in shown:
        assert drawn(FIGURES[name], numbers[name]).axes


def test_drawing_leaves_the_settings_of_others_alone(tmp_path):
    before = dict(mpl.rcParams)
    FIGURES["seeds"].write(results("plain"), tmp_path, ["svg"])
    assert dict(mpl.rcParams) == before


INTERVALS = {
    "forest": "t intervals",
    "seeds": "over searches and seeds",
    "error_against_macs": "interval of",
    "optimism": "over searches and seeds",
    "improvement": "95 % Wilson interval",
    "failures": "Clopper-Pearson",
    "front": "bands",
    "expected_validation": "not a confidence interval",
    "profile": "no interval",
    "detectable": "no interval",
    "every_run": "Every run",
    "learning_curves": "seeds",
}


@pytest.mark.parametrize("name", INTERVALS)
def test_captions_say_what_stands_behind_a_figure(name):
    caption = FIGURES[name].caption(results("searched"))
    for number in ("n = 3", "R = 2", "K = 3", "S = 1"):
        assert number in caption
    evaluated = results("searched").runs.query("stage == 'evaluate'")
    assert f"{(evaluated['status'] != 'ok').sum()} of {len(evaluated)} runs" in caption
    assert INTERVALS[name] in caption
    assert "  " not in caption
    assert caption.endswith(".")


def test_captions_without_a_search_do_not_speak_of_one():
    for figure in UNSEARCHED:
        assert "search" not in figure.caption(results("two datasets")).lower()


def test_captions_warn_of_few_seeds_and_say_when_no_run_failed():
    assert "below 20 seeds" in FIGURES["seeds"].caption(results("plain"))
    assert "no run failed" in FIGURES["seeds"].caption(results("plain"))
    twenty = results_of(design_of("dense", seeds=20), random_record())
    assert "below 20 seeds" not in FIGURES["seeds"].caption(twenty)


def test_captions_name_the_setting_that_no_heading_names():
    assert "digits, 8x2, τ = 1/8" in FIGURES["seeds"].caption(results("plain"))
    several = FIGURES["seeds"].caption(results("two datasets"))
    assert "8x2" in several
    assert "digits" not in several


def test_captions_count_the_failures_of_the_search():
    failures: Failures = {("reinforce", 1000): "error", ("dense", 0): "nan"}
    searched = results_of(design_of(*NAMES, **WITH_SEARCH), random_record(failures))
    # Both densities, three points each: reinforce in the second search, dense in the first.
    assert "12 of 48 runs failed" in FIGURES["seeds"].caption(searched)


NO_ERROR = {"validation_error": 0.0, "test_error": 0.0, "test_hits": None}


def without_errors(strategies: tuple[str, ...]) -> Results:
    """A searched study in which some strategies make no error."""
    base = random_record()

    def record(run: Any) -> dict[str, Any]:
        made = base(run)
        if run.configuration.strategy not in strategies:
            return made
        history = [epoch | {"validation_error": 0.0} for epoch in made["history"]]
        return {**made, "history": history, **{key: value for key, value in NO_ERROR.items() if key in made}}

    return results_of(design_of(*NAMES, **WITH_SEARCH), record)


@pytest.mark.parametrize("strategies", [("dense",), NAMES], ids=["of one", "of all"])
def test_errors_of_zero_are_drawn_without_warning(strategies):
    perfect = without_errors(strategies)
    for figure in FIGURES.values():
        numbers = figure.numbers(perfect)
        # Where all errors are equal nothing is noisy, and where none fails there are no failures.
        if figure.name == "failures" or (figure.name == "detectable" and strategies == NAMES):
            assert numbers.empty
            continue
        with mpl.rc_context(theme()):
            figure.draw(numbers).draw_without_rendering()


@pytest.mark.parametrize("name", ["error_against_macs", "seeds", "every_run"])
def test_every_run_is_a_point_within_its_axes_even_one_without_errors(name):
    numbers = FIGURES[name].numbers(without_errors(("dense",)))
    picture = drawn(FIGURES[name], numbers)
    with mpl.rc_context(theme()):
        picture.draw_without_rendering()
    shown = 0
    for ax in picture.axes:
        for collection in ax.collections:
            points = ax.transData.transform(np.ma.filled(collection.get_offsets(), np.nan))
            # A collection of lines has one offset, of no point.
            if hasattr(collection, "get_sizes"):
                shown += sum(ax.bbox.padded(1).contains(*point) for point in points if np.isfinite(point).all())
    assert shown == len(numbers)


@pytest.mark.parametrize("name", ["error_against_macs", "seeds"])
def test_failed_runs_are_points_at_the_chance_floor(name):
    numbers = FIGURES[name].numbers(results("two datasets"))
    assert len(numbers) == 4 * 2 * 2 * 3
    failed = numbers[numbers.status != "ok"]
    assert set(zip(failed.arm, failed.seed, strict=True)) == FAILURES.keys()
    assert set(failed.test_error) == {CHANCE}


@pytest.mark.parametrize("name", ["error_against_macs", "seeds"])
def test_means_and_intervals_are_those_of_the_summary(name):
    numbers = FIGURES[name].numbers(results("two datasets"))
    columns = ["dataset", "target_density", "arm", "mean", "ci_low", "ci_high"]
    own = numbers.drop_duplicates(columns[:3])[columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, results("two datasets").summary[columns])


def test_strategies_from_elsewhere_are_drawn_too(tmp_path):
    plugins = (read_plugin(tmp_path),)
    design = design_of("small_dense", "of_mine", "reinforce", plugins=plugins, **WITH_SEARCH)
    shown = results_of(design, random_record({("reinforce", 1): "error"}, plugins))
    for figure in FIGURES.values():
        numbers = figure.numbers(shown)
        # It has no gates: nothing to contrast, or to look at.
        assert ("of_mine" in set(numbers.arm)) == (figure.name not in {*OF_CONTRASTS, "gates_by_class"})
        assert drawn(figure, numbers).axes
