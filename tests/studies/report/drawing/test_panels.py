from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import strategies
from studies.report.drawing.figure import Figure
from studies.report.drawing.panels import MOST_TOGETHER, Labels, best_last, facets, panels, panels_of, strips, wrapped
from studies.report.drawing.style import theme
from studies.report.drawing.venue import VENUES
from studies.report.figures.forest import FOREST
from studies.report.figures.front import FRONT_OF_DENSITIES
from studies.report.figures.improvement import IMPROVEMENT
from studies.report.figures.profile import PROFILE
from tests.support.invented import random_record, results_of
from tests.support.records import design_of

SETTING = ["dataset", "target_density"]


def table(names: list[str], densities: tuple[float, ...] = (0.25, 0.5)) -> pd.DataFrame:
    rows = [
        {"dataset": dataset, "target_density": density, "arm": name, "family": strategies.find(name).family}
        for dataset in ("digits", "mnist1d")
        for density in densities
        for name in names
    ]
    return pd.DataFrame(rows).assign(value=1.0)


class TestPanels:
    def test_each_combination_has_a_panel_that_says_which(self):
        figure, divided = panels(table(["dense"]), SETTING, Labels("x", "y"))
        shown = [(ax.get_title(), len(rows)) for ax, rows in divided]
        assert shown == [(f"{name}, τ = {tau}", 1) for name in ("digits", "mnist1d") for tau in ("1/4", "1/2")]
        assert len(figure.axes) == 4
        assert (figure.get_supxlabel(), figure.get_supylabel()) == ("x", "y")

    def test_what_does_not_vary_is_not_said_and_one_panel_has_its_labels_itself(self):
        figure, divided = panels(table(["dense"])[:1], SETTING, Labels("x", "y"))
        ((ax, _),) = divided
        assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("", "x", "y")
        assert figure.get_supxlabel() == ""

    @pytest.mark.parametrize(("width", "across"), [(6.75, 3), (4.0, 2), (3.0, 1)])
    def test_a_narrow_figure_has_fewer_panels_in_a_row(self, width, across):
        with mpl.rc_context({"figure.figsize": (width, 3)}):
            figure, _ = panels(table(["dense"]), SETTING, Labels("x", "y"))
        assert figure.get_figwidth() == width
        assert len({round(ax.get_position().x0, 3) for ax in figure.axes}) == across


class TestFacets:
    def test_few_strategies_share_a_panel(self):
        names = strategies.built_in()[:MOST_TOGETHER]
        _, divided = facets(table(names), SETTING, Labels("x", "y"))
        assert [set(rows["arm"]) for _, rows in divided] == [set(names)] * 4

    def test_many_are_divided_by_family_and_each_is_shown_once_in_its_row(self):
        numbers = table(strategies.built_in())
        figure, divided = facets(numbers, SETTING, Labels("x", "y"))
        cells = list(divided)
        shown = pd.concat([rows for _, rows in cells])
        assert len(shown) == len(numbers)
        assert not shown.index.duplicated().any()
        assert all(rows["arm"].nunique() <= MOST_TOGETHER for _, rows in cells)
        assert all(len(rows[SETTING].drop_duplicates()) == 1 for _, rows in cells)
        assert [ax.get_ylabel() for ax in figure.axes if ax.get_ylabel()] == [
            f"{name}\nτ = {tau}" for name in ("digits", "mnist1d") for tau in ("1/4", "1/2")
        ]
        heads = ", ".join(ax.get_title().replace("\n", ", ") for ax in figure.axes if ax.get_title())
        assert set(heads.split(", ")) == set(numbers["family"])

    def test_what_stands_everywhere_is_in_every_panel_of_its_row_and_in_no_other(self):
        numbers = table(strategies.built_in())
        front = numbers[SETTING].drop_duplicates().assign(arm="front", family="control")
        _, divided = facets(pd.concat([numbers, front]), SETTING, Labels("x", "y"), everywhere="front")
        for _, rows in divided:
            assert (rows["arm"] == "front").sum() == 1
            assert len(rows[SETTING].drop_duplicates()) == 1

    def test_a_family_is_in_the_column_that_names_it(self):
        figure, divided = facets(table(strategies.built_in()), SETTING, Labels("x", "y"))
        heads = {round(ax.get_position().x0, 3): ax.get_title() for ax in figure.axes if ax.get_title()}
        for ax, rows in divided:
            assert all(family in heads[round(ax.get_position().x0, 3)] for family in rows["family"])


class TestStrips:
    def test_panels_in_a_row_share_the_names(self):
        numbers = table(["dense", "reinforce"])
        _, divided, places = strips(numbers, SETTING, ["reinforce", "dense"], "x")
        assert places == {"reinforce": 0, "dense": 1}
        axes = [ax for ax, _ in divided]
        assert [label.get_text() for label in axes[0].get_yticklabels()] == ["reinforce", "dense"]
        named = [any(label.get_visible() for label in ax.get_yticklabels()) for ax in axes]
        # Three in the first row, one in the second.
        assert named == [True, False, False, True]

    def test_panels_of_few_arms_come_last_and_are_as_high_as_these_need(self):
        order = [f"arm {number}" for number in range(8)]
        few, all_of_them = (
            pd.DataFrame({"arm": arms, "panel": name}) for arms, name in ((order[5:7], "few"), (order, "all"))
        )
        figure, divided, places = strips(pd.concat([few, all_of_them]), ["panel"], order, "x", few="arm")
        (whole, rows), (part, _) = divided
        assert list(rows["panel"].unique()) == ["all"]
        assert [label.get_text() for label in whole.get_yticklabels()] == order
        assert [label.get_text() for label in part.get_yticklabels()] == order[5:7]
        assert part.get_ylim() == (4.4, 6.6)
        figure.draw_without_rendering()
        # One above the other, each as wide as the figure has room for.
        assert whole.get_window_extent().width > 0.8 * figure.get_window_extent().width
        assert part.get_window_extent().height < 0.5 * whole.get_window_extent().height
        assert places["arm 6"] == 6

    def test_the_lowest_mean_over_all_panels_is_last(self):
        numbers = pd.DataFrame({"arm": ["a", "b", "c"] * 2, "value": [1.0, 2.0, 3.0, 6.0, 2.0, 3.0]})
        assert best_last(numbers, "value") == ["a", "c", "b"]


def test_headings_break_where_they_are_too_long():
    parts = ["mnist1d", "16x16", "τ = 1/4"]
    assert wrapped(parts, 10.0) == "mnist1d, 16x16, τ = 1/4"
    assert wrapped(parts, 0.1) == "mnist1d\n16x16\nτ = 1/4"
    with mpl.rc_context(theme()):
        assert wrapped(parts, 1.3) == "mnist1d, 16x16\nτ = 1/4"


@pytest.fixture(scope="module")
def crowd():
    """All strategies in four settings, of which one fails now and then."""
    sweep: dict[str, Any] = {"datasets": ("digits", "mnist1d"), "densities": (1 / 16, 1 / 8), "seeds": 2}
    sweep["networks"] = ("16x2",)
    return results_of(design_of(*strategies.built_in(), **sweep), random_record({("disarm", 0): "error"}))


def letters_of(picture: mpl.figure.Figure) -> dict[str, list[mpl.transforms.Bbox]]:
    """Where ticks' labels, headings and names of the legend are, those that are seen."""
    boxes: dict[str, list[mpl.transforms.Bbox]] = {"across": [], "up": [], "headings": [], "names": []}
    for ax in panels_of(picture):
        for axis, kind in ((ax.xaxis, "across"), (ax.yaxis, "up")):
            low, high = sorted(axis.get_view_interval())
            boxes[kind] += [
                tick.label1.get_window_extent()
                for tick in axis.get_major_ticks()
                if tick.label1.get_visible() and tick.label1.get_text() and low <= tick.get_loc() <= high
            ]
        if ax.get_title():
            boxes["headings"].append(ax.title.get_window_extent())
    boxes["names"] = [text.get_window_extent() for legend in picture.legends for text in legend.get_texts()]
    return boxes


@pytest.mark.parametrize(
    ("figure", "venue"),
    [
        (IMPROVEMENT, "default"),
        (PROFILE, "default"),
        (FOREST, "springer"),
        (FRONT_OF_DENSITIES, "springer"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_nothing_is_cut_off_or_overlaps_in_a_crowd(crowd, figure: Figure, venue):
    picture = figure.drawn_for(VENUES[venue], figure.numbers(crowd))
    with mpl.rc_context(theme(VENUES[venue])):
        picture.draw_without_rendering()
        everything = picture.get_tightbbox()
        assert everything.x0 >= 0
        assert everything.y0 >= 0
        assert everything.x1 <= picture.get_figwidth()
        assert everything.y1 <= picture.get_figheight()
        for kind, boxes in letters_of(picture).items():
            overlaps = sum(boxes[i].overlaps(boxes[j]) for i in range(len(boxes)) for j in range(i))
            assert not overlaps, kind
        legend = [legend.get_window_extent() for legend in picture.legends]
        assert not any(box.overlaps(ax.bbox) for box in legend for ax in panels_of(picture))
        assert min(ax.get_position().width for ax in panels_of(picture)) * picture.get_figwidth() > 0.8
        assert np.isclose(picture.get_figwidth(), VENUES[venue].text_width)
