import pytest

from studies import catalogue, cli
from studies.design import Sweep
from studies.design.freezing import FrozenStudy
from studies.design.runs import most_runs
from studies.design.study import SCALES


def squeezed(text: str) -> str:
    """Text without the spaces and line ends of a table's layout."""
    return "".join(text.split())


def epochs_of(sweep: Sweep) -> list[int]:
    """The numbers of epochs of a study's datasets, without those that arms have of their own."""
    return sorted({{**sweep.training, **sweep.dataset_training.get(name, {})}["epochs"] for name in sweep.datasets})


@pytest.mark.parametrize("name", catalogue.names())
def test_show_gives_every_scale_of_a_study(command, name):
    done = command("show", name)
    assert (done.code, done.err) == (0, "")
    study = catalogue.find(name)
    assert squeezed(study.question) in squeezed(done.out)
    assert study.source in done.out
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.strip()}
    assert rows["seeds"] == [str(study.scales[scale].seeds) for scale in SCALES]
    designs = [FrozenStudy.freeze(name, scale, study.scales[scale]) for scale in SCALES]
    assert [int(word) for word in rows["runs"] if word.isdecimal()] == [most_runs(design) for design in designs]
    epochs = [epochs_of(design.sweep) for design in designs]
    assert " ".join(rows["epochs"]) == " ".join(
        f"{each[0]} to {each[-1]}" if len(each) > 1 else f"{each[0]}" for each in epochs
    )
    for design in designs:
        search = design.sweep.search
        assert (f"{search.points} points" if search else "none") in done.out
    searched = any(study.scales[scale].search for scale in SCALES)
    figures = catalogue.presentation(name, searched=searched).figures
    assert figures
    assert all(figure.name in done.out for figure in figures)


def test_primary_contrasts_are_named_and_the_dense_front_is_counted(capsys):
    assert cli.main(["show", "structures"]) == 0
    out = capsys.readouterr().out
    frozen = FrozenStudy.freeze("structures", "default", catalogue.find("structures").scales["default"])
    assert "primary: tree_routing against top_k\n" in out
    assert "primary: tree_routing against dense front (on 64x16)\n" in out
    assert f"{len(frozen.front)} networks" in out
    assert all(str(arm.network) not in out for arm in frozen.front)


def test_epochs_that_differ_by_dataset_are_named_for_the_default_scale(command):
    out = " ".join(command("show", "data_size").out.split())
    assert "epochs: 20 on kjv:10000, 15 on kjv:30000, " in out
    assert "epochs:" not in command("show", "sanity").out
