from dataclasses import replace

import pytest

from core.errors import InputError
from studies.design import Sweep
from studies.design.override import override
from tests.support.plugins import PLUGIN, read_plugin

SWEEP = Sweep(seeds=2, strategies=("dense", "reinforce", "straight_through"), training={"epochs": 5})


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("network=8x8,8x2", "networks", ("8x8,8x2",)),
        ("target_density=.25", "densities", (0.25,)),
        ("target_density=1/8", "densities", (0.125,)),
        ("activation=tanh", "activation", "tanh"),
        ("epochs=3", "training", {"epochs": 3}),
        ("batch_size = 50", "training", {"epochs": 5, "batch_size": 50}),
        ("learning_rate=1e-3", "training", {"epochs": 5, "learning_rate": 1e-3}),
        ("gater_learning_rate=1e-5:5e-4", "training", {"epochs": 5, "gater_learning_rate": [1e-5, 5e-4]}),
        ("reinforce.lambda_v=40:20", "strategy_settings", {"reinforce": {"lambda_v": [40.0, 20.0]}}),
        ("clip_norm=0", "training", {"epochs": 5, "clip_norm": 0.0}),
        ("optimizer=sgd", "training", {"epochs": 5, "optimizer": "sgd"}),
        ("reinforce.lambda_s=2", "strategy_settings", {"reinforce": {"lambda_s": 2.0}}),
        ("reinforce.samples=8", "strategy_settings", {"reinforce": {"samples": 8}}),
        ("baseline=none", "strategy_settings", {"reinforce": {"baseline": "none"}}),
        ("lambda_v=0", "strategy_settings", {name: {"lambda_v": 0.0} for name in ("reinforce", "straight_through")}),
    ],
)
def test_an_assignment_sets_its_field_in_its_type_and_no_other(assignment, field, value):
    changed = override(SWEEP, (assignment,))
    assert repr(getattr(changed, field)) == repr(value)
    assert override(changed, ()) == changed
    others = [name for name in vars(SWEEP) if name != field]
    assert [getattr(changed, name) for name in others] == [getattr(SWEEP, name) for name in others]


def test_what_a_dataset_sets_cannot_be_set_for_all():
    sweep = replace(SWEEP, datasets=("digits", "kjv"), dataset_training={"kjv": {"epochs": 2}})
    with pytest.raises(InputError, match=r"^--set epochs: the study itself sets it on kjv; --dataset chooses another$"):
        override(sweep, ("epochs=3",))
    assert override(sweep, ("batch_size=50",)).training["batch_size"] == 50


def test_assignments_add_up_and_the_later_wins():
    changed = override(SWEEP, ("reinforce.lambda_s=2", "epochs=3", "lambda_s=4", "reinforce.samples=3", "epochs=6"))
    assert changed.training == {"epochs": 6}
    assert changed.strategy_settings == {
        "reinforce": {"lambda_s": 4.0, "samples": 3},
        "straight_through": {"lambda_s": 4.0},
    }


def test_a_bare_setting_goes_only_to_strategies_of_the_sweep():
    changed = override(Sweep(seeds=1, strategies=("dense", "straight_through")), ("lambda_s=3",))
    assert changed.strategy_settings == {"straight_through": {"lambda_s": 3.0}}


def test_a_sweep_of_all_strategies_knows_the_settings_of_all():
    assert override(Sweep(seeds=1), ("baseline=none",)).strategy_settings == {"reinforce": {"baseline": "none"}}


def test_a_plugin_has_settings_too(tmp_path):
    text = PLUGIN.replace(
        "    gated = False\n", "    gated = False\n    space = {'heat': Real(1.0, low=0.5, high=2.0)}\n"
    )
    text = text.replace("from core.parts.gates", "from core.space import Real\nfrom core.parts.gates")
    plugins = (read_plugin(tmp_path, text=text),)
    sweep = Sweep(seeds=1, strategies=("dense", "of_mine"))
    assert override(sweep, ("heat=2",), plugins).strategy_settings == {"of_mine": {"heat": 2.0}}
    with pytest.raises(InputError, match=r"--set of_mine.heat: 9 is not a number in 0.5..2"):
        override(sweep, ("of_mine.heat=9",), plugins)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epochs", "--set 'epochs': expected KEY=VALUE"),
        ("epoch=3", "did you mean 'epochs'"),
        ("=3", "unknown key of --set ''"),
        ("netwrk=8x2", "did you mean 'network'"),
        ("basline=none", "did you mean 'baseline'"),
        ("reinforce.basline=none", "did you mean 'reinforce.baseline'"),
        ("reinforc.baseline=none", "did you mean 'reinforce.baseline'"),
        ("dense.baseline=none", "did you mean 'reinforce.baseline'"),
        ("epochs=0", r"--set epochs: 0 is not an integer in 1..10000"),
        ("epochs=2.5", r"--set epochs: 2.5 is not an integer"),
        ("epochs=many", r"--set epochs: many is not an integer"),
        ("epochs=nan", r"--set epochs: nan is not an integer"),
        ("learning_rate=2", r"--set learning_rate: 2 is not a number in 1e-06..1"),
        ("learning_rate=0", r"--set learning_rate: 0 is not a number"),
        ("lambda_l2=inf", r"--set lambda_l2: inf is not a number in 1e-06..1 or 0"),
        ("optimizer=adm", r"--set optimizer: adm is not one of sgd, momentum, rmsprop, adam"),
        ("target_density=1.5", r"--set target_density: 1.5 is not a number in 0.001..1"),
        ("target_density=1/0", r"--set target_density: 1/0 is not a number in 0.001..1"),
        ("activation=gelu", r"--set activation: gelu is not one of"),
        ("network=16", "network '16' is not a list of BLOCKSxSIZE"),
        ("network=0x4", "network '0x4' is not"),
        ("reinforce.samples=1", r"--set reinforce.samples: 1 is not an integer in 2..64"),
        ("samples=1", r"--set samples: 1 is not an integer in 2..64"),
    ],
)
def test_a_wrong_assignment_is_refused_in_one_line_that_names_it(assignment, message):
    with pytest.raises(InputError, match=message) as caught:
        override(SWEEP, (assignment,))
    assert "\n" not in str(caught.value)


def test_a_setting_of_a_strategy_outside_the_sweep_is_refused():
    with pytest.raises(InputError, match=r"unknown key of --set 'reinforce.baseline'"):
        override(Sweep(seeds=1, strategies=("straight_through",)), ("reinforce.baseline=none",))
