"""What is shown of a table's numbers, where, and how; and that a study's own table reaches every output."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from studies.formatting import interval, number, percent
from studies.report.presentation import Presentation
from studies.results.collecting import collect
from studies.results.table import OUTPUTS, Cell, Column, Output, Table, setting_columns
from studies.results.tables import STANDARD
from tests.support.invented import random_record, results_of
from tests.support.records import design_of, finished
from tests.support.reports import report_on

TABLE = Table(
    name="own",
    title="A table of its own",
    numbers=lambda results: results.summary[["arm", "mean", "n"]],
    columns=(Column("arm", "arm"), Column("mean", "error of λ & τ", percent), Column("n", "n", str)),
    caption=lambda results: f"Errors in % over {results.protocol.seeds} seeds.",
)


def table_of(*columns: Column) -> Table:
    return replace(TABLE, columns=columns)


def heads(table: Table, numbers: pd.DataFrame, output: Output = "page") -> list[str]:
    return [column.head for column in table.shown(numbers, output)]


class TestShown:
    NUMBERS = pd.DataFrame({"arm": ["a", "b"], "dataset": "digits", "network": ["8x2", "8x4"], "error": [0.1, 0.2]})

    def test_columns_are_shown_in_their_order_and_others_of_the_numbers_are_not(self):
        table = table_of(Column("error", "error", percent), Column("arm", "arm"))
        assert heads(table, self.NUMBERS) == ["error", "arm"]

    def test_a_varying_column_is_left_out_where_all_rows_agree(self):
        table = table_of(Column("dataset", "dataset", varying=True), Column("network", "network", varying=True))
        assert heads(table, self.NUMBERS) == ["network"]
        assert heads(table, self.NUMBERS.iloc[:1]) == []
        assert heads(table_of(Column("dataset", "dataset")), self.NUMBERS) == ["dataset"]

    def test_settings_are_named_only_where_rows_differ_in_them(self):
        numbers = self.NUMBERS.assign(target_density=[0.25, 0.125])
        table = table_of(Column("arm", "arm"), *setting_columns())
        assert heads(table, numbers) == ["arm", "network", "τ"]
        assert [[cell.text for cell in row] for row in table.cells(numbers, "page")] == [
            ["a", "8x2", "1/4"],
            ["b", "8x4", "1/8"],
        ]

    @pytest.mark.parametrize("nothing", [np.nan, None, pd.NA])
    def test_a_column_that_is_missing_throughout_is_left_out(self, nothing):
        table = table_of(Column("arm", "arm"), Column("error", "error", percent))
        assert heads(table, self.NUMBERS.assign(error=nothing)) == ["arm"]
        assert heads(table, self.NUMBERS.assign(error=[0.1, nothing])) == ["arm", "error"]

    def test_zero_and_no_are_not_missing(self):
        table = table_of(Column("failures", "failed", str), Column("within", "in budget", str))
        assert heads(table, pd.DataFrame({"failures": [0, 0], "within": False})) == ["failed", "in budget"]

    def test_a_column_has_the_outputs_that_it_names(self):
        table = table_of(
            Column("arm", "arm"),
            Column("error", "on pages", percent, outputs=("page",)),
            Column("error", "elsewhere", percent, outputs=("terminal", "paper")),
        )
        shown = {output: heads(table, self.NUMBERS, output) for output in OUTPUTS}
        assert shown == {
            "terminal": ["arm", "elsewhere"],
            "paper": ["arm", "elsewhere"],
            "page": ["arm", "on pages"],
        }
        for output in OUTPUTS:
            assert [len(row) for row in table.cells(self.NUMBERS, output)] == [2, 2]


class TestCells:
    NUMBERS = pd.DataFrame(
        {"arm": ["a", "b"], "mean": [0.1, np.nan], "low": [0.05, 0.1], "high": [0.15, 0.3], "failures": [0, 2]}
    )

    def test_a_cell_without_words_of_its_own_is_its_value(self):
        assert Column("arm", "arm").cell({"arm": "top_k"}) == Cell("top_k", "top_k")

    def test_it_is_written_from_its_keys_and_sorted_by_its_key(self):
        column = Column("low", "interval", interval, keys=("low", "high"))
        assert table_of(column).cells(self.NUMBERS, "page") == [
            [Cell("5.0 – 15.0 %", 0.05)],
            [Cell("10.0 – 30.0 %", 0.1)],
        ]

    def test_one_missing_value_is_a_dash(self):
        (first,), (second,) = table_of(Column("mean", "error", percent)).cells(self.NUMBERS, "page")
        assert (first.text, second.text) == ("10.0 %", "–")
        assert math.isnan(second.value)

    def test_a_flag_looks_at_the_value_and_not_at_the_text(self):
        column = Column("failures", "failed", lambda failures: number(0.0, 0), flag=bool)
        assert [row[0].flagged for row in table_of(column).cells(self.NUMBERS, "page")] == [False, True]

    def test_without_a_flag_nothing_is_flagged(self):
        assert not any(
            row[0].flagged for row in table_of(Column("failures", "failed", str)).cells(self.NUMBERS, "page")
        )

    def test_the_verdict_is_that_of_the_row(self):
        numbers = self.NUMBERS.assign(verdict=["better", ""])
        table = table_of(Column("arm", "arm"), Column("low", "error", percent, verdict="verdict"))
        assert [[cell.verdict for cell in row] for row in table.cells(numbers, "page")] == [["", "better"], ["", ""]]

    def test_no_rows_have_no_cells(self):
        assert table_of(Column("arm", "arm")).cells(self.NUMBERS.iloc[:0], "page") == []


class TestStandard:
    def test_names_are_unique_and_every_table_is_shown_somewhere(self):
        assert len({table.name for table in STANDARD}) == len(STANDARD)
        assert all(set(table.outputs) <= set(OUTPUTS) and table.outputs for table in STANDARD)

    @pytest.mark.parametrize("output", OUTPUTS)
    def test_every_cell_of_a_study_with_failures_is_written(self, output):
        design = design_of("dense", "small_dense", "reinforce", densities=(0.25, 0.5))
        results = results_of(design, random_record({("reinforce", 1): "nan", ("dense", 0): "error"}))
        for table in STANDARD:
            numbers = table.numbers(results)
            rows = table.cells(numbers, output)
            assert len(rows) == len(numbers)
            # The status "nan" is a word; a number that is missing is a dash.
            words = [word for row in rows for cell in row for word in cell.text.split() if cell.value != "nan"]
            assert not {"nan", "None", "<NA>"} & set(words)

    def test_failures_are_flagged_in_the_summary(self):
        results = results_of(design_of("dense", "reinforce"), random_record({("reinforce", 1): "nan"}))
        summary = STANDARD[0]
        flagged = [
            [cell.text for cell in row if cell.flagged] for row in summary.cells(summary.numbers(results), "terminal")
        ]
        assert flagged == [[], ["1"]]


@pytest.fixture
def folder(tmp_path):
    return finished(tmp_path, design_of("small_dense", "random_blocks"))


def shown(*tables: Table) -> Presentation:
    return Presentation(figures=(), tables=tables)


def test_a_studys_own_table_is_written_as_csv_latex_and_in_the_page(folder):
    page = report_on(folder, shown(TABLE))
    results = collect(folder.frozen().design, folder.ledger)
    numbers = pd.read_csv(folder.path / "tables" / "own.csv")
    assert numbers["arm"].tolist() == ["small_dense", "random_blocks"]
    source = (folder.path / "tables" / "own.tex").read_text("utf-8")
    assert r"error of $\lambda$ \& $\tau$" in source
    assert r"random\_blocks" in source
    assert r"Errors in \% over 3 seeds." in source
    mean = percent(results.summary["mean"].iloc[0])
    assert mean.removesuffix(" %") + " & 3" in source
    text = page.read_text("utf-8")
    assert "A table of its own" in text
    assert f">{mean}</td>" in text


def test_a_table_without_numbers_is_left_out_and_an_earlier_one_goes(folder):
    report_on(folder, shown(TABLE))
    empty = replace(TABLE, numbers=lambda results: pd.DataFrame())
    page = report_on(folder, shown(empty))
    assert not list((folder.path / "tables").glob("own.*"))
    assert "A table of its own" not in page.read_text("utf-8")


def test_a_table_has_files_only_for_the_outputs_that_it_names(folder):
    report_on(folder, shown(replace(TABLE, outputs=("page",))))
    assert [path.name for path in (folder.path / "tables").glob("own.*")] == ["own.csv"]
    page = report_on(folder, shown(replace(TABLE, outputs=("paper",))))
    assert (folder.path / "tables" / "own.tex").exists()
    assert "A table of its own" not in page.read_text("utf-8")


def test_standard_tables_are_csv_in_the_folder_and_latex_beside_a_studys_own(folder):
    report_on(folder, shown())
    assert {path.name for path in folder.path.glob("*.csv")} == {"runs.csv", "summary.csv", "contrasts.csv"}
    assert {path.name for path in (folder.path / "tables").iterdir()} == {"summary.tex", "contrasts.tex"}
    results = collect(folder.frozen().design, folder.ledger)
    summary = pd.read_csv(folder.path / "summary.csv")
    assert summary["mean"].tolist() == pytest.approx(results.summary["mean"].tolist(), rel=1e-15)
