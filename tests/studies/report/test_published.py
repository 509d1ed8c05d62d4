"""What is published of a study is its numbers, and words that can be made of them again."""

import pandas as pd
import pytest

from studies.report.overview import overview
from studies.report.presentation import Presentation
from studies.report.published import VERDICTS, publish, read_contrasts, read_verdicts
from studies.results import Results
from tests.support.invented import random_record, results_of
from tests.support.records import design_of


@pytest.fixture(scope="module")
def results() -> Results:
    failures = {("top_k", 1): "nan"}
    design = design_of("small_dense", "reinforce", "top_k", seeds=6, densities=(1 / 4, 1 / 2))
    return results_of(design, random_record(failures))


def test_every_figure_has_its_numbers_and_caption_and_every_table_its_numbers(results, tmp_path):
    shown = Presentation.usual(searched=False)
    files = publish(results, shown, "mine", tmp_path)
    names = {path.name for path in (tmp_path / "mine").iterdir()}
    assert {path.name for path in files} == names
    drawn = {figure.name for figure in shown.figures if not figure.numbers(results).empty}
    assert {f"{name}.{end}" for name in drawn for end in ("svg", "csv", "txt")} < names
    assert {"summary.csv", "contrasts.csv", VERDICTS} < names
    assert "runs.csv" not in names
    for name in drawn:
        caption = (tmp_path / "mine" / f"{name}.txt").read_text("utf-8")
        for said in ("n = 6", "2 of 36 runs"):
            assert said in caption


def test_verdicts_are_made_again_of_the_numbers_alone(results, tmp_path):
    publish(results, Presentation(figures=()), "mine", tmp_path)
    text = (tmp_path / "mine" / VERDICTS).read_text("utf-8")
    assert text == read_verdicts(tmp_path / "mine")
    assert text.startswith("Of 4 primary contrasts: ")
    assert "digits, 8x2, τ = 1/4:" in text
    assert "1 of 6 runs of top_k failed" in text


def test_the_overview_has_a_row_per_primary_contrast_of_every_study(results, tmp_path):
    publish(results, Presentation(figures=()), "mine", tmp_path)
    publish(results, Presentation(figures=()), "other", tmp_path)
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / VERDICTS).write_text("", "utf-8")
    head, _, *rows = overview(tmp_path).splitlines()
    assert head == "| study | contrast | on | verdict | difference | interval | n |"
    assert [row.split(" | ")[0] for row in rows] == ["| [mine](mine.md)"] * 4 + ["| [other](other.md)"] * 4
    contrasts = read_contrasts(tmp_path / "mine")
    assert contrasts is not None
    first = contrasts[contrasts["primary"].astype(bool)].iloc[0]
    _, contrast, where, verdict, *_, units = rows[0].strip("| ").split(" | ")
    assert contrast == f"{first['arm']} against {first['reference']}"
    assert (where, verdict, units) == ("digits, 8x2, τ = 1/4", first["verdict"], "6 seeds")
    # One of the runs of top_k failed.
    assert any("| none |" in row for row in rows)


def test_a_changed_number_changes_the_words(results, tmp_path):
    publish(results, Presentation(figures=()), "mine", tmp_path)
    path = tmp_path / "mine" / "contrasts.csv"
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    table.loc[table["arm"] == "reinforce", "verdict"] = "better"
    table.to_csv(path, index=False)
    assert "reinforce is better than small_dense" in str(read_verdicts(tmp_path / "mine"))


def test_numbers_of_an_earlier_protocol_have_no_words(tmp_path):
    assert read_verdicts(tmp_path) is None
    pd.DataFrame({"arm": ["a"], "verdict": ["better"]}).to_csv(tmp_path / "contrasts.csv", index=False)
    assert read_verdicts(tmp_path) is None


def test_a_study_that_compares_no_errors_has_no_words(tmp_path):
    alone = results_of(design_of("top_k", seeds=2), random_record({}))
    assert alone.contrasts.empty
    files = publish(alone, Presentation(figures=()), "mine", tmp_path)
    assert {path.name for path in files} == {path.name for path in (tmp_path / "mine").iterdir()}
    assert not {VERDICTS, "contrasts.csv"} & {path.name for path in files}
