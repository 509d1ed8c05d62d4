import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest

from core.errors import InputError
from studies.report.drawing.figure import Figure
from studies.report.drawing.style import theme
from studies.report.drawing.venue import VENUES, Venue, find_venue
from studies.report.figures.forest import FOREST
from studies.report.figures.gates_by_class import GATES_BY_CLASS
from studies.report.figures.learning_curves import LEARNING_CURVES
from studies.report.figures.seeds import SEEDS
from studies.results import Results
from tests.support.invented import random_record, results_of
from tests.support.records import design_of

TEX_POINTS = 72.27  # to the inch


@pytest.fixture(scope="module")
def one():
    """Results in one setting."""
    return results_of(design_of("dense", "reinforce"), random_record())


@pytest.fixture(scope="module")
def several():
    """Results in two settings."""
    return results_of(design_of("dense", "reinforce", densities=(0.25, 0.5)), random_record())


def printed(figure: Figure, results: Results, folder: Path, venue: Venue) -> tuple[float, bytes]:
    """The width of the page in inches, as the file has it, and the file."""
    (path,) = figure.write(results, folder, ["pdf"], venue)
    pdf = path.read_bytes()
    (box,) = re.findall(rb"/MediaBox \[ ?([^\]]*)\]", pdf)
    left, _, right, _ = map(float, box.split())
    return (right - left) / 72, pdf


@pytest.mark.parametrize("name", VENUES)
def test_a_file_is_as_wide_as_its_place(one, several, tmp_path, name):
    venue = VENUES[name]
    assert printed(SEEDS, one, tmp_path, venue)[0] == pytest.approx(venue.column_width, abs=0.001)
    assert printed(SEEDS, several, tmp_path, venue)[0] == pytest.approx(venue.text_width, abs=0.001)


def test_pictures_are_as_wide_in_every_format(one, tmp_path):
    SEEDS.write(one, tmp_path, ["png", "svg"], VENUES["icml"])
    png = (tmp_path / "seeds.png").read_bytes()
    assert int.from_bytes(png[16:20], "big") == 3.25 * 200
    assert 'width="234pt"' in (tmp_path / "seeds.svg").read_text("utf-8")


def test_a_panel_that_a_column_is_too_narrow_for_gets_the_width_of_the_text(one, tmp_path):
    assert printed(SEEDS, one, tmp_path, replace(VENUES["icml"], column_width=1.9))[0] == pytest.approx(6.75)
    assert printed(SEEDS, one, tmp_path, replace(VENUES["icml"], column_width=2.5))[0] == pytest.approx(2.5)


def test_a_panel_whose_letters_a_column_is_too_narrow_for_gets_the_width_of_the_text():
    results = results_of(design_of("small_dense", "top_k"), random_record())
    numbers = FOREST.numbers(results)
    # "test error minus that of small_dense (points)" takes 2.22 inches.
    for column, width in ((2.2, 6.75), (2.3, 2.3)):
        assert FOREST.drawn_for(replace(VENUES["icml"], column_width=column), numbers).get_figwidth() == width


def test_a_colour_bar_is_no_second_panel(one, tmp_path):
    assert printed(GATES_BY_CLASS, one, tmp_path, VENUES["icml"])[0] == pytest.approx(3.25)


def test_letters_are_of_the_venues_family_and_size(one, tmp_path):
    for name, font, size, small in (("default", b"DejaVuSans", 9, 8), ("neurips", b"STIXGeneral", 10, 8)):
        _, pdf = printed(SEEDS, one, tmp_path, VENUES[name])
        fonts = set(re.findall(rb"/FontName /(?:[A-Z]{6}\+)?([A-Za-z-]+)", pdf))
        assert {found.partition(b"-")[0] for found in fonts} == {font}
        picture = LEARNING_CURVES.drawn_for(VENUES[name], LEARNING_CURVES.numbers(one))
        (ax,) = picture.axes
        assert ax.xaxis.label.get_fontsize() == size
        assert {label.get_fontsize() for label in ax.get_xticklabels()} == {small}
        assert {text.get_fontsize() for text in picture.legends[0].get_texts()} == {small}


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        # As LaTeX prints \\the\\textwidth and \\the\\columnwidth.
        ("neurips", 397.48499, 397.48499),
        ("iclr", 397.48499, 397.48499),
        ("icml", 487.8225, 234.8775),
        ("ieee", 516.0, 252.0),
        ("acl", 455.24408, 219.08621),
        ("springer", 347.12354, 347.12354),
    ],
)
def test_widths_are_those_of_the_style_files(name, text, column):
    venue = VENUES[name]
    assert venue.text_width * TEX_POINTS == pytest.approx(text, abs=0.01)
    assert venue.column_width * TEX_POINTS == pytest.approx(column, abs=0.01)


def test_an_unknown_venue_is_named_with_the_nearest():
    assert find_venue("icml") is VENUES["icml"]
    with pytest.raises(InputError, match=r"unknown venue 'nips': .*neurips"):
        find_venue("nips")


def test_a_theme_holds_only_settings_that_matplotlib_has():
    for venue in VENUES.values():
        assert theme(venue).keys() <= mpl.rcParams.keys()
        assert theme(venue)["figure.figsize"][0] == venue.text_width
