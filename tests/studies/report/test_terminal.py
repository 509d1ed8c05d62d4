from io import StringIO

import pandas as pd
import pytest
from rich.console import Console
from rich.text import Text

from studies.formatting import percent
from studies.report.terminal import terminal_table
from studies.results.table import Column, Table

TABLE = Table(
    name="some",
    title="Some",
    numbers=lambda results: pd.DataFrame(),
    columns=(
        Column("arm", "arm"),
        Column("error", "test error", percent, verdict="verdict"),
        Column("failures", "failed", str, flag=bool),
        Column("seconds", "seconds", str, outputs=("paper", "page")),
        Column("dataset", "dataset", varying=True),
    ),
    caption=lambda results: "",
)
NUMBERS = pd.DataFrame(
    {
        "arm": ["reinforce", "a very long name [bold] of an arm", "top_k"],
        "error": [0.1, 0.25, float("nan")],
        "verdict": ["better", "worse", ""],
        "failures": [0, 2, 0],
        "seconds": [1.0, 2.0, 3.0],
        "dataset": "digits",
    }
)


def printed(*, width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(terminal_table(TABLE, NUMBERS, width))
    assert isinstance(console.file, StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def styles_of(column: int) -> list[str]:
    cells = list(terminal_table(TABLE, NUMBERS, 80).columns[column].cells)
    assert all(isinstance(cell, Text) for cell in cells)
    return [str(cell.style) for cell in cells if isinstance(cell, Text)]


def test_it_shows_the_columns_of_a_terminal_and_every_row():
    head, *rows = printed()
    assert head.split() == ["arm", "test", "error", "failed"]
    assert rows[0].split() == ["reinforce", "10.0", "%", "0"]
    assert rows[2].split() == ["top_k", "–", "0"]
    assert len(rows) == 3


def test_words_are_not_taken_for_markup():
    assert "a very long name [bold] of an arm" in printed()[2]


def test_words_stand_to_the_left_and_numbers_to_the_right():
    lines = printed()
    assert len({len(line) for line in lines}) == 1
    assert [line[0] for line in lines[1:]] == ["r", "a", "t"]


@pytest.mark.parametrize("width", [80, 40, 30])
def test_numbers_are_whole_however_narrow_the_terminal_and_names_are_broken(width):
    lines = printed(width=width)
    # Above may stand the first words of heads.
    head = next(index for index, line in enumerate(lines) if line.endswith("failed"))
    assert lines[head + 1].endswith("0")
    assert not [line for line in lines if "…" in line]
    assert sum("25.0 %       2" in line for line in lines) == 1
    assert (len(lines) == 1 + len(NUMBERS)) == (width == 80)


def test_heads_take_several_lines_before_a_name_is_broken():
    longest = max(map(len, NUMBERS["arm"]))
    # Cells of 6 characters, in place of a head of 10, and a head of 6 that is one word.
    narrow = longest + 2 + 6 + 2 + 6
    assert printed(width=narrow + 4)[0].split() == ["arm", "test", "error", "failed"]
    heads, rows = printed(width=narrow)[:2], printed(width=narrow)[2:]
    assert [head.split() for head in heads] == [["test"], ["arm", "error", "failed"]]
    assert len(rows) == len(NUMBERS)


def test_what_failed_is_red_and_what_is_better_is_bold():
    assert styles_of(0) == ["", "", ""]
    assert styles_of(1) == ["bold", "", ""]
    assert styles_of(2) == ["", "red", ""]
