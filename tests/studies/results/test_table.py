from dataclasses import replace

import pandas as pd
import pytest

from studies import catalogue
from studies.formatting import percent
from studies.report.page import write_report
from studies.results.table import Column, Table
from tests.support.records import design_of, finished

TABLE = Table(
    name="own",
    title="A table of its own",
    numbers=lambda results: results.summary[["strategy", "mean", "n"]],
    columns=(Column("strategy", "strategy"), Column("mean", "error of λ & τ", percent), Column("n", "n", str)),
    caption=lambda results: f"Errors in % over {results.protocol.seeds} seeds.",
)


@pytest.fixture
def reported(tmp_path):
    folder = finished(tmp_path, design_of("dense", "random_blocks"))
    return folder, replace(catalogue.find("quickstart"), figures=(), tables=(TABLE,))


def test_a_studys_own_table_is_written_as_csv_latex_and_in_the_page(reported):
    folder, study = reported
    results, page = write_report(folder, study)
    numbers = pd.read_csv(folder.path / "tables" / "own.csv")
    assert numbers["strategy"].tolist() == ["dense", "random_blocks"]
    source = (folder.path / "tables" / "own.tex").read_text("utf-8")
    assert r"error of $\lambda$ \& $\tau$" in source
    assert r"random\_blocks" in source
    assert r"Errors in \% over 3 seeds." in source
    mean = percent(results.summary["mean"].iloc[0])
    assert mean.removesuffix(" %") + " & 3" in source
    text = page.read_text("utf-8")
    assert "A table of its own" in text
    assert f"<td>{mean}</td>" in text


def test_a_table_without_numbers_is_left_out_and_an_earlier_one_goes(reported):
    folder, study = reported
    write_report(folder, study)
    empty = replace(TABLE, numbers=lambda results: pd.DataFrame())
    _, page = write_report(folder, replace(study, tables=(empty,)))
    assert not list((folder.path / "tables").glob("own.*"))
    assert "A table of its own" not in page.read_text("utf-8")
