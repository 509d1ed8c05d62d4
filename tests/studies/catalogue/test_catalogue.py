"""What every named study promises, whatever it asks."""

import re

import pytest

from core import data
from studies import catalogue
from studies.design.freezing import FrozenStudy
from studies.design.runs import most_runs
from studies.design.study import SCALES

EMBEDDED = {source.name for source in data.SOURCES.values() if not source.files}


def designs(name: str) -> dict[str, FrozenStudy]:
    study = catalogue.find(name)
    return {scale: FrozenStudy.freeze(name, scale, study.scales[scale]) for scale in SCALES}


@pytest.mark.parametrize("name", catalogue.names())
def test_a_study_asks_a_question_and_says_where_it_comes_from(name):
    study = catalogue.find(name)
    assert re.fullmatch(r"[A-Z].*\?", study.question)
    assert study.source.startswith(("paper, ", "retrospective, R"))


@pytest.mark.parametrize("name", catalogue.names())
def test_every_scale_of_a_study_can_be_frozen_and_larger_ones_run_more(name):
    runs = {scale: most_runs(design) for scale, design in designs(name).items()}
    assert runs["quick"] <= runs["default"] < runs["paper"]


@pytest.mark.parametrize("name", catalogue.names())
def test_the_quick_scale_needs_no_download(name):
    assert {dataset.partition(":")[0] for dataset in designs(name)["quick"].sweep.datasets} <= EMBEDDED


@pytest.mark.parametrize("name", catalogue.names())
def test_the_paper_scale_has_enough_seeds_and_searches(name):
    sweep = designs(name)["paper"].sweep
    searches = 1 if sweep.search is None else sweep.search.searches
    assert sweep.seeds * searches >= 20
    assert sweep.search is None or (sweep.search.points >= 20 and sweep.search.searches >= 3)


@pytest.mark.parametrize("name", catalogue.names())
def test_figures_and_tables_of_a_study_have_names_of_their_own(name):
    for searched in (False, True):
        shown = catalogue.presentation(name, searched=searched)
        names = [figure.name for figure in shown.figures] + [table.name for table in shown.tables]
        assert len(names) == len(set(names)) > 0
