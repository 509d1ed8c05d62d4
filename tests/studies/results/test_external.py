"""Results of others: what a CSV must hold, and where it stands beside a study's own."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError
from studies.report.drawing.panels import MOST_TOGETHER
from studies.report.drawing.style import styles
from studies.report.figures.error_against_macs import ERROR_AGAINST_MACS
from studies.report.figures.front import FRONT_OF_DENSITIES
from studies.report.figures.seeds import SEEDS
from studies.report.latex import latex_table
from studies.report.terminal import terminal_table
from studies.results import Results
from studies.results.statistics.intervals import t_interval
from studies.results.summary import SUMMARY
from tests.support.drawings import drawn, legend_of, lines_of
from tests.support.invented import random_record, results_of
from tests.support.records import design_of
from tests.support.tables import written

RUNS = """arm,dataset,seed,error,test_macs
theirs,digits,0,0.10,900
theirs,digits,1,0.14,1100
"""
MEANS = """arm,dataset,network,target_density,n,error,ci_low,ci_high,test_density,test_macs
cited,digits,8x2,0.25,5,0.2,0.15,0.25,0.3,300
cited,digits,8x2,0.75,5,0.1,,,,1600
uncosted,digits,,,1,0.3,,,,
"""


@pytest.fixture(scope="module")
def own() -> Results:
    return results_of(design_of("dense", "small_dense", "reinforce", densities=(0.25, 0.5)), random_record())


def beside(results: Results, text: str, folder: Path, name: str = "theirs.csv") -> Results:
    (folder / name).write_text(text, "utf-8")
    return results.beside(folder / name)


def test_of_runs_the_mean_is_over_seeds_with_the_interval_of_t(own, tmp_path):
    (found,) = beside(own, RUNS, tmp_path).external
    assert found.file == "theirs.csv"
    (row,) = found.summary.to_dict("records")
    assert (row["arm"], row["n"], row["mean"], row["test_macs"]) == ("theirs*", 2, pytest.approx(0.12), 1000)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(t_interval([0.1, 0.14]))


def test_of_means_everything_is_as_the_file_has_it(own, tmp_path):
    (found,) = beside(own, MEANS, tmp_path).external
    assert found.summary["mean"].tolist() == [0.2, 0.1, 0.3]
    assert found.summary["n"].tolist() == [5, 5, 1]
    assert found.summary["ci_low"].tolist() == pytest.approx([0.15, np.nan, np.nan], nan_ok=True)
    assert found.runs.empty


def test_errors_in_bits_may_be_above_one(tmp_path):
    own = results_of(design_of("dense", "reinforce", datasets=("kjv:20000",)), random_record())
    both = beside(own, "arm,dataset,n,error,ci_low,ci_high\ncited,kjv:20000,3,2.5,2.4,2.6\n", tmp_path)
    (row,) = both.external[0].summary.to_dict("records")
    assert (row["mean"], row["ci_high"]) == (2.5, 2.6)
    assert "2.500 bits" in [row[2] for row in written(SUMMARY, SUMMARY.numbers(both))]
    with pytest.raises(InputError, match="error -1 is not a number from 0"):
        beside(own, "arm,dataset,n,error\ncited,kjv:20000,3,-1\n", tmp_path)


def test_a_file_of_a_spreadsheet_is_read(own, tmp_path):
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbf" + RUNS.replace("\n", "\r\n\r\n").encode())
    (found,) = own.beside(tmp_path / "excel.csv").external
    assert len(found.runs) == 2


def test_nothing_that_is_tested_changes(own, tmp_path):
    both = beside(own, RUNS, tmp_path)
    assert all(
        getattr(both, field.name) is getattr(own, field.name) for field in fields(own) if field.name != "external"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no results"),
        ("arm,dataset,n,error\n", "holds no results"),
        ("arm,dataset,n\nx,digits,1\n", "lacks the column error; it has arm, dataset, n"),
        ("arm;dataset;n;error\nx;digits;1;0.1\n", "unknown column 'arm;dataset;n;error'"),
        ("arm,dataset,n,error,test_mac\nx,digits,1,0.1,5\n", "unknown column 'test_mac': did you mean 'test_macs'"),
        ("arm,dataset,n,error,error\nx,digits,1,0.1,0.1\n", "has a column twice"),
        ("arm,dataset,error\nx,digits,0.1\n", "expected either seed, for a row per run, or n"),
        ("arm,dataset,seed,n,error\nx,digits,1,1,0.1\n", "expected either seed, for a row per run, or n"),
        ("arm,dataset,seed,error,ci_low,ci_high\nx,digits,0,0.1,0,0.2\n", "ci_high and ci_low are of means"),
        ("arm,dataset,n,error,ci_low\nx,digits,1,0.1,0\n", "has ci_low alone"),
        ("arm,dataset,n,error\nx,digits,1\n", "line 2: has 3 cells, expected 4"),
        ("arm,dataset,n,error\n,digits,1,0.1\n", "line 2: arm is empty"),
        ("arm,dataset,n,error\nx,digits,1,\n", "line 2: error is empty"),
        ("arm,dataset,n,error\nx,digits,,0.1\n", "line 2: n is empty"),
        ("arm,dataset,n,error\nx,digits,1,nan\n", "line 2: error nan is not a number from 0 to 1"),
        ("arm,dataset,n,error\nx,digits,1,8.1\n", "error 8.1 is not within 0 and 1: expected a fraction, not per cent"),
        ("arm,dataset,n,error\nx,digits,1,8.1 %\n", "line 2: error '8.1 %' is not a number"),
        ("arm,dataset,n,error\nx,digits,1,-0.1\n", "line 2: error -0.1 is not a number from 0 to 1"),
        ("arm,dataset,n,error\nx,digits,0,0.1\n", "line 2: n 0 is not a whole number from 1"),
        ("arm,dataset,n,error\nx,digits,1.5,0.1\n", "line 2: n 1.5 is not a whole number from 1"),
        ("arm,dataset,n,error\nx,digits,inf,0.1\n", "line 2: n inf is not a whole number from 1"),
        ("arm,dataset,n,error,test_macs\nx,digits,1,0.1,0\n", "test_macs 0 is not a number above 0"),
        ("arm,dataset,n,error,ci_low,ci_high\nx,digits,1,0.1,,0.2\n", "expected both ci_low and ci_high or neither"),
        ("arm,dataset,n,error,ci_low,ci_high\nx,digits,1,0.1,0.2,0.3\n", "error 0.1 is not between ci_low 0.2 and"),
        ("arm,dataset,n,error\nx,digit,1,0.1\n", "line 2: unknown dataset 'digit': did you mean 'digits'"),
        ("arm,dataset,network,n,error\nx,digits,9x9,1,0.1\n", "line 2: unknown network '9x9'"),
        ("arm,dataset,n,error\nreinforce,digits,1,0.1\n", "line 2: reinforce is an arm of the study too"),
        ("arm,dataset,n,error\ndense front,digits,1,0.1\n", "line 2: dense front is an arm of the study too"),
        ("arm,dataset,n,error\nx,digits,1,0.1\n\nx,digits,1,0.2\n", "line 4: has the same dataset, network"),
        ("arm,dataset,seed,error\nx,digits,1,0.1\nx,digits,1,0.1\n", "arm, seed as line 2"),
        (
            "arm,dataset,seed,error,test_macs\nx,digits,0,0.1,9\nx,digits,1,0.1,\n",
            "x has test_macs in some of its runs",
        ),
        ('arm,dataset,n,error\n"x,digits,1,0.1\n', "is no CSV in UTF-8"),
    ],
)
def test_a_bad_file_is_one_line_that_names_where_and_what_would_be_right(own, tmp_path, text, message):
    with pytest.raises(InputError) as raised:
        beside(own, text, tmp_path)
    said = str(raised.value)
    assert message in said
    assert said.startswith(str(tmp_path / "theirs.csv"))
    assert "\n" not in said


def test_a_file_that_is_not_there_or_no_text_is_one_line(own, tmp_path):
    with pytest.raises(InputError, match=r"no\.csv: cannot be read: No such file"):
        own.beside(tmp_path / "no.csv")
    (tmp_path / "some.csv").write_bytes(b"arm,\xff\xfe\n")
    with pytest.raises(InputError, match=r"some\.csv: is no CSV in UTF-8"):
        own.beside(tmp_path / "some.csv")


def test_two_files_cannot_have_an_arm_in_common(own, tmp_path):
    both = beside(beside(own, RUNS, tmp_path), MEANS, tmp_path, "cited.csv")
    assert both.external_arms == ("theirs*", "cited*", "uncosted*")
    with pytest.raises(InputError, match="line 2: theirs is an arm of the study too"):
        both.beside(tmp_path / "theirs.csv")


def test_the_summary_has_them_last_marked_and_without_a_verdict(own, tmp_path):
    both = beside(own, MEANS, tmp_path)
    numbers = SUMMARY.numbers(both)
    pd.testing.assert_frame_equal(numbers[: len(own.summary)], SUMMARY.numbers(own), check_dtype=False)
    theirs = numbers[len(own.summary) :]
    assert theirs["arm"].tolist() == ["cited*", "cited*", "uncosted*"]
    assert set(theirs["verdict"]) == {""}
    assert numbers.to_csv().count("3.0,") == SUMMARY.numbers(own).to_csv().count("3.0,")
    rows = {(row[0], row[1]): row for row in written(SUMMARY, numbers)}
    assert rows["cited*", "1/4"][2:5] == ["5", "20.0 %", "15.0 – 25.0 %"]
    assert rows["uncosted*", "–"][2:5] == ["1", "30.0 %", "–"]
    assert not any(cell.flagged for row in SUMMARY.cells(theirs, "page") for cell in row)
    caption = SUMMARY.full_caption(both, numbers, "paper")
    assert "Arms marked * are from theirs.csv. They were not run here, are of other seeds and test examples" in caption
    assert "no test or verdict; of their means, intervals are as the file has them" in caption
    assert "marked *" not in SUMMARY.full_caption(own, SUMMARY.numbers(own), "paper")
    assert "cited*" in latex_table(SUMMARY, numbers, caption)
    assert terminal_table(SUMMARY, numbers, 80).row_count == len(numbers)


def test_error_against_macs_has_runs_and_means_that_say_their_cost_and_counts_the_others(own, tmp_path):
    both = beside(beside(own, RUNS, tmp_path), MEANS, tmp_path, "cited.csv")
    numbers = ERROR_AGAINST_MACS.numbers(both)
    theirs = numbers[numbers["family"] == "external"]
    assert theirs["arm"].tolist() == ["theirs*", "theirs*", "cited*", "cited*"]
    assert theirs["test_macs"].tolist() == [900, 1100, 300, 1600]
    assert theirs["test_error"].tolist() == pytest.approx([0.1, 0.14, np.nan, np.nan], nan_ok=True)
    assert legend_of(ERROR_AGAINST_MACS, numbers)[-2:] == ["cited*", "theirs*"]
    (panel,) = drawn(ERROR_AGAINST_MACS, numbers).axes
    centres = [line[0] for line in lines_of(panel) if len(line) == 1]
    assert {(300, 20), (1600, 10)} <= {(round(x), round(y)) for x, y in centres}
    caption = ERROR_AGAINST_MACS.caption(both)
    assert "Arms marked * are from theirs.csv and cited.csv." in caption
    assert "1 of their 4 results has no multiply-adds and cannot be shown." in caption


def test_seeds_has_them_in_each_panel_of_their_density_or_in_all(own, tmp_path):
    both = beside(beside(own, RUNS, tmp_path), MEANS, tmp_path, "cited.csv")
    numbers = SEEDS.numbers(both)
    theirs = numbers[numbers["family"] == "external"]
    assert set(zip(theirs["arm"], theirs["target_density"], strict=True)) == {
        ("theirs*", 0.25),
        ("theirs*", 0.5),
        ("cited*", 0.25),
        ("uncosted*", 0.25),
        ("uncosted*", 0.5),
    }
    assert set(theirs["network"]) == {"8x2"}
    caption = SEEDS.caption(both)
    assert "1 of their 4 results has a target density that the study has not and cannot be shown." in caption
    assert "stand in every panel of their dataset" in caption
    names = {label.get_text() for ax in drawn(SEEDS, numbers).axes for label in ax.get_yticklabels()}
    assert {"theirs*", "cited*", "uncosted*"} <= names


def test_the_front_has_their_means_as_points_relative_to_our_dense_network(own, tmp_path):
    both = beside(beside(own, RUNS, tmp_path), MEANS, tmp_path, "cited.csv")
    numbers = FRONT_OF_DENSITIES.numbers(both)
    theirs = numbers[numbers["family"] == "external"]
    dense = own.runs["dense_macs"].iloc[0]
    assert theirs["kind"].tolist() == ["mean"] * 3
    assert sorted(theirs["share"]) == pytest.approx(sorted(macs / dense for macs in (1000, 300, 1600)))
    assert drawn(FRONT_OF_DENSITIES, numbers).axes
    assert "1 of their 4 results has no multiply-adds" in FRONT_OF_DENSITIES.caption(both)


def test_their_colour_is_nobody_elses_and_they_are_shown_where_families_have_panels_of_their_own(tmp_path):
    own = ["dense", "small_dense", "random_blocks", "reinforce", "disarm", "straight_through", "gumbel_softmax"]
    many = [*own, "local_search", "top_k", "tree_routing"]
    assert len(many) >= MOST_TOGETHER
    both = beside(results_of(design_of(*many), random_record()), RUNS, tmp_path)
    both = beside(both, MEANS, tmp_path, "cited.csv")
    numbers = ERROR_AGAINST_MACS.numbers(both)
    looks = styles(numbers)
    assert looks["theirs*"].colour == looks["cited*"].colour
    assert looks["theirs*"].marker != looks["cited*"].marker
    assert looks["theirs*"].colour not in {style.colour for name, style in looks.items() if not name.endswith("*")}
    panels = drawn(ERROR_AGAINST_MACS, numbers).axes
    assert len(panels) > 1
    assert any("external" in ax.get_title() for ax in panels)
