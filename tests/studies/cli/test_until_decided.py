"""Seeds are added from look to look, until everything is decided or nothing more is to be hoped for."""

from dataclasses import replace

import pandas as pd
import pytest

from studies import catalogue
from studies.design import Primary, Sweep
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


@pytest.fixture
def study(monkeypatch):
    found = replace(catalogue.find("quickstart"), scales={"default": SWEEP})
    monkeypatch.setattr(catalogue, "find", lambda name: found)


@pytest.fixture
def errors(monkeypatch):
    """Test errors of reinforce by seed; those of dense are .2 and a little more with each seed."""
    given: dict[int, float] = {}

    def record(configuration, *arguments):
        found = record_of(configuration, *arguments)
        if found["status"] == "ok":
            seed = configuration.seed
            found["test_hits"] = None
            found["test_error"] = 0.2 + 0.01 * seed + (given[seed] if configuration.strategy == "reinforce" else 0.0)
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
    assert looks["seeds"].tolist() == [4, 6, 9][: len(scheduler.asked)]
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
