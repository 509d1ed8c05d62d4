"""Every study on text: what it shows of errors is in bits, and nothing of them is called a percentage."""

import re
from dataclasses import replace
from functools import cache

import pytest

from studies import catalogue
from studies.design.freezing import FrozenStudy
from studies.report.caveats import caveats
from studies.report.sentences import sentences
from studies.results import Results
from studies.results.tables import STANDARD
from tests.support.drawings import drawn
from tests.support.invented import random_record, results_of

# Of others, whose numbers are shares.
PUBLISHED = {"published_errors", "error_against_time"}
ERROR = re.compile(r"\berrors?\b|optimism|detectable|standard deviation")


@cache
def design_of(name: str) -> FrozenStudy:
    sweep = catalogue.find(name).at("quick")
    return FrozenStudy.freeze(
        name, "quick", replace(sweep, datasets=("kjv:20000",), dataset_training={}, measurements=())
    )


@cache
def found_by(name: str) -> Results:
    return results_of(design_of(name), random_record())


@pytest.mark.parametrize("name", catalogue.names())
def test_axes_of_errors_are_in_bits(name):
    results = found_by(name)
    searched = results.protocol.search is not None
    labels: list[str] = []
    for figure in catalogue.presentation(name, searched=searched).figures:
        numbers = figure.numbers(results)
        if numbers.empty or figure.name in PUBLISHED:
            continue
        picture = drawn(figure, numbers)
        shown = [picture.get_supxlabel(), picture.get_supylabel()]
        labels += [*shown, *(text for ax in picture.axes for text in (ax.get_xlabel(), ax.get_ylabel()))]
        caption = figure.caption(results)
        assert "percentage points" not in caption
        assert "in points" not in caption
    of_errors = [
        label for label in labels if ERROR.search(label) and not label.startswith(("share of", "probability of"))
    ]
    assert all("(bits)" in label for label in of_errors), of_errors
    assert not [label for label in labels if "(points)" in label]


@pytest.mark.parametrize("name", catalogue.names())
def test_cells_of_errors_are_in_bits(name):
    results = found_by(name)
    searched = results.protocol.search is not None
    told = 0
    for table in (*STANDARD, *catalogue.presentation(name, searched=searched).tables):
        numbers = table.numbers(results)
        if numbers.empty or table.name.startswith("published"):
            continue
        assert "in points" not in table.caption(results)
        columns = table.shown(numbers, "page")
        for column, cells in zip(columns, zip(*table.cells(numbers, "page"), strict=True), strict=True):
            if "dataset" in column.keys:
                told += 1
                assert all(cell.text == "–" or cell.text.endswith(" bits") for cell in cells), (table.name, column)
            # Errors of these records are above a bit, which no share is.
            elif column.key in {"mean", "test_error", "validation_error", "difference", "error"} and column.text:
                assert table.name in {"hypervolumes", "overall", "ranks"}, (table.name, column)
    assert told > 2


@pytest.mark.parametrize("name", catalogue.names())
def test_sentences_are_in_bits(name):
    results = found_by(name)
    said = [line for _, lines in sentences(results.contrasts) for line in lines] + caveats(design_of(name), results)
    assert not [line for line in said if re.search(r"\d points", line)]
