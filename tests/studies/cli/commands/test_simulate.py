import pytest

from studies import catalogue, cli
from studies.design.freezing import FrozenStudy
from tests.support.records import finished


def test_every_study_with_primary_contrasts_is_simulated(capsys):
    assert cli.main(["simulate", "--replications", "200", "--results", "nowhere"]) == 0
    out = capsys.readouterr().out
    for name in catalogue.names():
        frozen = FrozenStudy.freeze(name, "default", catalogue.find(name).scales["default"])
        assert (f"\n{name} " in out) == bool(frozen.protocol.contrasts)


def test_a_study_that_was_run_gives_its_own_differences(tmp_path, capsys):
    assert cli.main(["simulate", "quickstart", "--replications", "200", "--results", str(tmp_path)]) == 0
    before = capsys.readouterr().out
    study = catalogue.find("quickstart").scales["default"]
    finished(tmp_path, FrozenStudy.freeze("quickstart", "default", study))
    assert cli.main(["simulate", "quickstart", "--replications", "200", "--results", str(tmp_path)]) == 0
    after = capsys.readouterr().out
    assert "quickstart (own) " not in before
    assert "quickstart (own) " in after


def test_studies_without_primary_contrasts_have_no_verdicts_to_simulate(command):
    done = command("simulate", "quickstart")
    assert (done.code, done.err) == (
        2,
        "error: simulate: quickstart: no primary contrasts, so no verdicts to simulate\n",
    )


@pytest.mark.parametrize("options", [("--replications", "1"), ("--distribution", "gauss"), ("--scale", "huge")])
def test_bad_options_are_refused_in_one_line(command, options):
    done = command("simulate", "quickstart", *options)
    assert (done.code, done.err.count("\n")) == (2, 1)
