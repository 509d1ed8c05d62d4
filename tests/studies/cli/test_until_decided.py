"""Seeds, or searches, are added from look to look, until everything is decided or nothing more is to be hoped for."""

from dataclasses import replace

import pandas as pd
import pytest

from studies import catalogue
from studies.design import Primary, Search, Sweep
from studies.design.protocol import search_of
from tests.support.records import record_of

SWEEP = Sweep(
    seeds=4,
    strategies=("dense", "reinforce"),
    datasets=("digits",),
    networks=("8x2",),
    training={"epochs": 2},
    references=(),
    primary=(Primary("reinforce", "dense"),),
    looks=(4, 6, 9),
)


SEARCHED = replace(SWEEP, seeds=2, test_split="fixed", search=Search(points=2, searches=3), looks=(3, 5, 8))


def only(monkeypatch, sweep: Sweep) -> None:
    found = replace(catalogue.find("quickstart"), scales={"default": sweep})
    monkeypatch.setattr(catalogue, "find", lambda name: found)


@pytest.fixture
def study(monkeypatch):
    only(monkeypatch, SWEEP)


@pytest.fixture
def searched(monkeypatch):
    only(monkeypatch, SEARCHED)


@pytest.fixture
def errors(monkeypatch):
    """Test errors of reinforce by seed or search; those of dense are .2 and a little more with each."""
    given: dict[int, float] = {}

    def record(configuration, *arguments):
        found = record_of(configuration, *arguments)
        if found["status"] == "ok" and configuration.stage == "evaluate":
            search = catalogue.find("quickstart").at("default").search
            unit = configuration.seed if search is None else search_of(configuration.seed)
            found["test_hits"] = None
            found["test_error"] = 0.2 + 0.01 * unit + (given[unit] if configuration.strategy == "reinforce" else 0.0)
        return found

    monkeypatch.setattr("tests.studies.conftest.record_of", record)
    return given


def run(command, *options: str):
    return command("run", "quickstart", "--results", str(command.results), *options)


def test_it_stops_at_the_first_look_at_which_all_is_decided(command, scheduler, without_figures, study, errors):
    errors.update({seed: 0.3 + 0.001 * seed for seed in range(9)})
    done = run(command, "--until-decided")
    assert (done.code, done.err) == (0, "")
    assert "look at 4 seeds: Of 1 primary contrast: 1 worse." in done.out
    assert [len(asked) for asked in scheduler.asked] == [8]


def test_it_goes_on_while_there_is_hope_and_logs_every_look(command, scheduler, without_figures, study, errors):
    errors.update(dict(enumerate([-0.001, 0.06, 0.09, 0.02, 0.06, 0.05, 0.055, 0.06, 0.05])))
    done = run(command, "--until-decided")
    assert done.code == 0
    assert next(len(asked) for asked in scheduler.asked) == 8
    assert len(scheduler.asked) > 1
    looks = pd.read_csv(command.results / "quickstart" / "looks.csv")
    assert looks["units"].tolist() == [4, 6, 9][: len(scheduler.asked)]
    assert looks["verdict"].iloc[0] == "undecided"


def test_it_ends_at_the_last_look_whatever_is_known(command, scheduler, without_figures, study, errors):
    errors.update(dict(enumerate([-0.02, 0.02, 0.03, -0.03, 0.025, -0.02, 0.02, -0.025, 0.02])))
    done = run(command, "--until-decided")
    assert done.code == 0
    assert "1 undecided" in done.out
    assert sum(len(asked) for asked in scheduler.asked) <= 2 * 9


def test_what_is_decided_is_not_run_again(command, scheduler, without_figures, study, errors):
    errors.update({seed: 0.3 + 0.001 * seed for seed in range(9)})
    run(command, "--until-decided")
    assert run(command, "--until-decided").code == 0
    assert len(scheduler.asked) == 1


def test_a_searched_study_adds_searches_and_keeps_those_it_has(command, scheduler, without_figures, searched, errors):
    errors.update(dict(enumerate([-0.001, 0.06, 0.09, 0.02, 0.06, 0.05, 0.055, 0.06])))
    done = run(command, "--until-decided")
    assert (done.code, done.err) == (0, "")
    assert "look at 3 searches: Of 1 primary contrast: 1 undecided." in done.out
    # Of two strategies two points each, then two seeds of each winner: of three searches, and of two more.
    assert [len(asked) for asked in scheduler.asked[:4]] == [12, 12, 8, 8]
    looks = pd.read_csv(command.results / "quickstart" / "looks.csv")
    assert looks["units"].tolist() == [3, 5, 8][: len(scheduler.asked) // 2]
    assert run(command, "--searches", str(looks["units"].max())).code == 0
    assert len(scheduler.asked) == 2 * len(looks)


def test_seeds_of_the_winners_are_chosen_freely_and_searches_are_not(
    command, scheduler, without_figures, searched, errors
):
    errors.update({unit: 0.3 + 0.001 * unit for unit in range(8)})
    refused = run(command, "--until-decided", "--searches", "4")
    message = "--until-decided and --searches: the study's looks say how many searches; choose one of them"
    assert (refused.code, refused.err) == (2, f"error: {message}\n")
    done = run(command, "--until-decided", "--seeds", "1")
    assert done.code == 0
    assert "look at 3 searches: Of 1 primary contrast: 1 worse." in done.out
    assert run(command, "--searches", "4").code == 0
    said = pd.read_csv(command.results / "quickstart" / "contrasts.csv")
    assert said["withheld"].tolist() == ["4 searches are no look of the study"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seeds", "5"), "--until-decided and --seeds: the study's looks say how many seeds; choose one of them"),
        (("--strategies", "dense"), None),
    ],
)
def test_seeds_of_ones_own_are_refused_and_a_family_stays_what_it_was(
    command, scheduler, without_figures, study, errors, options, message
):
    errors.update(dict.fromkeys(range(9), 0.3))
    done = run(command, "--until-decided", *options)
    if message is None:
        # The contrast that was left out is still counted, and there is nothing to wait for.
        assert done.code == 0
        assert [len(asked) for asked in scheduler.asked] == [4]
    else:
        assert (done.code, done.err) == (2, f"error: {message}\n")


def test_a_study_without_primary_contrasts_cannot_be_decided(command, scheduler, monkeypatch):
    found = replace(catalogue.find("quickstart"), scales={"default": replace(SWEEP, primary=())})
    monkeypatch.setattr(catalogue, "find", lambda name: found)
    done = run(command, "--until-decided")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "quickstart has no primary contrasts here, so there is nothing to decide" in done.err
