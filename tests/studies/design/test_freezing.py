import json
from dataclasses import fields, replace
from typing import Any

import pytest

import strategies
from core.errors import InputError
from core.training import settings
from studies import catalogue
from studies.design import Arm, Primary, Search, Sweep
from studies.design.freezing import FrozenStudy
from studies.design.study import SCALES
from tests.support.plugins import PLUGIN, read_plugin
from tests.support.records import configurations_of, design_of

SWEEP = Sweep(
    seeds=2,
    strategies=("dense", "reinforce"),
    datasets=("digits",),
    networks=("8x2",),
    test_split="fixed",
    references=(),
)
OTHERS: dict[str, Any] = {
    "seeds": 3,
    "strategies": ("dense", "straight_through"),
    "arms": (Arm("undecided", "reinforce", strategy_settings={"entropy": 0.1}),),
    "grid": (("8x2", 0.5), ("8x4", 0.25)),
    "pairs": (("reinforce", "dense"),),
    "primary": (Primary("reinforce", "dense", network="8x2", density=0.125),),
    "looks": (2, 4),
    "measurements": ("pass_time",),
    "datasets": ("mnist1d",),
    "networks": ("8x2,8x2",),
    "densities": (0.25,),
    "activation": "tanh",
    "training": {"epochs": 7},
    "dataset_training": {"mnist1d": {"batch_size": 50}},
    "strategy_settings": {"reinforce": {"baseline": "none"}},
    "test_split": "resampled",
    "root_seed": 1,
    "search": Search(points=2),
    "references": ("dense",),
    "alpha": 0.01,
    "delta": 0.01,
}


def ids(design: FrozenStudy) -> list[str]:
    return [configuration.run_id for configuration in configurations_of(design)]


def freeze(
    sweep: Sweep, plugins: tuple[strategies.Plugin, ...] = (), study: str = "quickstart", scale: str = "default"
) -> FrozenStudy:
    return FrozenStudy.freeze(study, scale, sweep, plugins)


def through_json(design: FrozenStudy) -> FrozenStudy:
    return FrozenStudy.from_dict(json.loads(json.dumps(design.as_dict())))


def test_freezing_fills_in_every_default():
    sweep = freeze(replace(SWEEP, training={"epochs": 7})).sweep
    assert sweep.training == {**{key: domain.default for key, domain in settings.SPACE.items()}, "epochs": 7}
    space = strategies.find("reinforce").space
    assert sweep.strategy_settings == {
        "dense": {},
        "reinforce": {key: domain.default for key, domain in space.items()},
    }


def test_freezing_keeps_the_settings_that_are_given():
    sweep = freeze(replace(SWEEP, strategy_settings={"reinforce": {"lambda_s": 3}})).sweep
    assert sweep.strategy_settings["reinforce"]["lambda_s"] == 3.0


def test_no_strategies_means_every_strategy_of_the_package():
    assert freeze(replace(SWEEP, strategies=())).sweep.strategies == tuple(strategies.built_in())


def test_writing_a_default_out_changes_no_run():
    spelled = replace(SWEEP, training={"epochs": 25}, strategy_settings={"reinforce": {"lambda_s": 0.1}})
    assert ids(freeze(spelled)) == ids(freeze(SWEEP))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", catalogue.names())
def test_every_study_freezes_at_every_scale_and_survives_json(name, scale):
    design = FrozenStudy.freeze(name, scale, catalogue.find(name).scales[scale])
    again = through_json(design)
    assert again == design
    assert again.design_hash == design.design_hash
    assert ids(again) == ids(design)
    # Two arms may have their runs in common; without arms no two runs are the same.
    assert design.sweep.arms or len(set(ids(design))) == len(ids(design))


def test_a_design_with_everything_changed_survives_json(tmp_path):
    plugins = (read_plugin(tmp_path),)
    changes = {"strategies": ("reinforce", "of_mine"), "networks": ("8x2", "8x4,8x2"), "test_split": "fixed"}
    sweep = Sweep(**{**OTHERS, **changes})
    design = freeze(sweep, plugins)
    assert through_json(design) == design
    assert ids(through_json(design)) == ids(design)


def test_more_seeds_keep_every_earlier_run():
    few, many = ids(freeze(SWEEP)), ids(freeze(replace(SWEEP, seeds=5)))
    assert many[: len(few)] == few
    assert len(set(many)) == 10


def test_more_strategies_keep_every_earlier_run():
    few = ids(freeze(SWEEP))
    many = ids(freeze(replace(SWEEP, strategies=("dense", "straight_through", "reinforce"))))
    assert set(few) < set(many)
    assert len(many) == 6


def test_runs_go_seed_by_seed_with_all_strategies_of_a_setting_together():
    sweep = replace(SWEEP, datasets=("digits", "mnist1d"), networks=("8x2", "8x4"), densities=(0.25, 0.5))
    order = [
        (entry.seed, entry.dataset, entry.network, entry.target_density, entry.strategy)
        for entry in configurations_of(freeze(sweep))
    ]
    assert order == [
        (seed, dataset, network, density, strategy)
        for seed in (0, 1)
        for dataset in ("digits", "mnist1d")
        for network in ("8x2", "8x4")
        for density in (0.25, 0.5)
        for strategy in ("dense", "reinforce")
    ]


def test_a_configuration_holds_what_the_sweep_says():
    sweep = Sweep(**{**OTHERS, "strategies": ("reinforce",), "arms": (), "grid": (), "search": None})
    entry = configurations_of(freeze(sweep))[2]
    assert (entry.stage, entry.strategy, entry.seed) == ("evaluate", "reinforce", 2)
    assert (entry.activation, entry.test_split, entry.root_seed) == ("tanh", "resampled", 1)
    assert entry.training["epochs"] == 7
    assert entry.strategy_settings["baseline"] == "none"


@pytest.mark.parametrize("field", [field.name for field in fields(Sweep)])
def test_the_design_hash_changes_with_every_field_of_the_sweep(field):
    plain = replace(SWEEP, datasets=("mnist1d",)) if field == "dataset_training" else SWEEP
    assert freeze(replace(plain, **{field: OTHERS[field]})).design_hash != freeze(plain).design_hash


TWO = replace(SWEEP, datasets=("digits", "mnist1d"), training={"epochs": 7, "batch_size": 50})


def test_training_settings_of_one_dataset_take_the_place_of_the_others_there():
    arm = Arm("slow", "reinforce", training={"learning_rate": 1e-4})
    sweep = replace(TWO, arms=(arm,), references=("dense front",), dataset_training={"mnist1d": {"epochs": 3}})
    found = {(entry.dataset, entry.training["epochs"]) for entry in configurations_of(freeze(sweep))}
    assert found == {("digits", 7), ("mnist1d", 3)}
    assert {entry.training["batch_size"] for entry in configurations_of(freeze(sweep))} == {50}
    assert len({entry.network for entry in configurations_of(freeze(sweep))}) > 2


def test_a_dataset_without_settings_of_its_own_keeps_its_runs():
    plain, changed = (freeze(replace(TWO, dataset_training=own)) for own in ({}, {"mnist1d": {"epochs": 3}}))
    same = {*ids(plain)} & {*ids(changed)}
    assert {entry.dataset for entry in configurations_of(changed) if entry.run_id in same} == {"digits"}
    assert len(same) == len(ids(plain)) / 2
    # So that what was frozen before there could be any is read as it was written.
    assert "dataset_training" not in plain.as_dict()["sweep"]


def test_what_a_dataset_sets_is_not_searched():
    search = Search(points=4, training=("learning_rate",))
    own = {"mnist1d": {"learning_rate": 1e-3}}
    for dataset_training, rates in (({}, 4), (own, 0)):
        frozen = freeze(replace(TWO, search=search, dataset_training=dataset_training))
        tried = [point["training"] for points in frozen.proposals["dense"] for point in points]
        assert len({entry["learning_rate"] for entry in tried if entry}) // search.searches * 4 // 3 == rates


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset_training": {"mnist1d": {"epoch": 3}}}, "unknown setting of training on mnist1d 'epoch'"),
        ({"dataset_training": {"mnist1d": {"epochs": 0}}}, r"training on mnist1d.epochs: 0 is not an integer in 1"),
        (
            {"dataset_training": {"mnist_5k": {}}},
            "dataset_training: 'mnist_5k' is none of the study's datasets: digits,",
        ),
        (
            {
                "dataset_training": {"digits": {"epochs": 3}},
                "arms": (Arm("long", "reinforce", training={"epochs": 9}),),
            },
            "epochs: set by the arm 'long' and on the dataset 'digits'; choose one",
        ),
    ],
)
def test_training_settings_of_a_dataset_that_cannot_be_are_one_line(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        freeze(replace(TWO, **changes))
    assert "\n" not in str(caught.value)


def test_the_design_hash_changes_with_the_study_and_the_scale():
    hashes = {freeze(SWEEP, study=name, scale=scale).design_hash for name in ("a", "b") for scale in SCALES}
    assert len(hashes) == 6


def test_editing_a_plugin_changes_its_runs_and_no_others(tmp_path):
    sweep = replace(SWEEP, strategies=("dense", "of_mine"))
    before = freeze(sweep, (read_plugin(tmp_path),))
    after = freeze(sweep, (read_plugin(tmp_path, text=PLUGIN + "# edited\n"),))
    assert before.design_hash != after.design_hash
    for old, new in zip(configurations_of(before), configurations_of(after), strict=True):
        assert (old.run_id == new.run_id) == (old.strategy == "dense")


def test_moving_a_plugin_changes_no_run(tmp_path):
    sweep = replace(SWEEP, strategies=("of_mine",))
    (tmp_path / "elsewhere").mkdir()
    here, there = read_plugin(tmp_path), read_plugin(tmp_path / "elsewhere")
    assert ids(freeze(sweep, (here,))) == ids(freeze(sweep, (there,)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategies": ("dense", "reinforc")}, "did you mean 'reinforce'"),
        ({"datasets": ("digit",)}, "did you mean 'digits'"),
        ({"networks": ("8x2;8x2",)}, "8x2;8x2"),
        ({"seeds": 0}, "0 is not in 1"),
        ({"seeds": -1}, "-1 is not in 1"),
        ({"densities": (0.0,)}, "target_density: 0.0 is not"),
        ({"densities": (1.5,)}, "target_density: 1.5 is not"),
        ({"activation": "reluu"}, "activation: reluu is not"),
        ({"training": {"epoch": 3}}, "did you mean 'epochs'"),
        ({"training": {"epochs": 0}}, "training.epochs: 0 is not"),
        ({"strategy_settings": {"reinforce": {"lambda_z": 1}}}, "did you mean 'lambda_"),
        ({"strategy_settings": {"reinforce": {"samples": 1}}}, "reinforce.samples: 1 is not"),
    ],
)
def test_a_wrong_sweep_is_refused_by_name(changes, message):
    with pytest.raises(InputError, match=message):
        freeze(replace(SWEEP, **changes))


def test_settings_of_a_strategy_that_does_not_exist_are_refused():
    with pytest.raises(InputError, match="straight_throug"):
        freeze(replace(SWEEP, strategy_settings={"straight_throug": {"lambda_s": 1}}))


def test_settings_of_a_strategy_left_out_change_nothing():
    assert freeze(replace(SWEEP, strategy_settings={"straight_through": {"lambda_s": 3}})) == freeze(SWEEP)


@pytest.mark.parametrize("field", ["strategies", "datasets", "networks", "densities"])
def test_naming_something_twice_does_not_make_two_runs_of_one(field):
    twice: dict[str, Any] = {field: (*getattr(SWEEP, field), getattr(SWEEP, field)[0])}
    try:
        found = ids(freeze(replace(SWEEP, **twice)))
    except InputError:
        return
    assert len(set(found)) == len(found)


def test_one_network_written_in_two_ways_is_one_run():
    assert ids(freeze(replace(SWEEP, networks=("8x2, 8x2",)))) == ids(freeze(replace(SWEEP, networks=("8x2,8x2",))))


def test_a_design_is_made_of_tuples_again_after_json():
    sweep = through_json(design_of("dense", densities=(0.25, 0.5))).sweep
    assert (sweep.strategies, sweep.densities) == (("dense",), (0.25, 0.5))


def test_a_setting_in_which_no_training_keeps_the_budget_is_refused_before_anything_runs(tmp_path):
    body = (
        "    @classmethod\n"
        "    def impossible(cls, architecture, settings, density, tolerance):\n"
        "        blocks = architecture.layers[0].blocks\n"
        "        return f'{blocks} blocks are not enough' if blocks * density < 1 else None\n\n"
    )
    text = PLUGIN.replace("    def objective", body + "    def objective")
    plugins = (read_plugin(tmp_path, text=text),)
    sweep = Sweep(seeds=1, strategies=("of_mine",), datasets=("digits",), networks=("16x4", "4x4"))
    with pytest.raises(InputError, match="of_mine cannot keep the budget on network 4x4: 4 blocks are not enough"):
        FrozenStudy.freeze("quickstart", "default", sweep, plugins)
    FrozenStudy.freeze("quickstart", "default", replace(sweep, networks=("16x4",)), plugins)


def searched(**settings: str) -> set[str]:
    """Settings of reinforce that a search varies, at these settings of the study's."""
    arm = Arm("one", "reinforce", strategy_settings=settings)
    design = freeze(replace(SWEEP, strategies=(), arms=(arm,), references=(), search=Search(points=9, searches=1)))
    return {name for point in design.proposals["one"][0] for name in point["strategy_settings"]}


def test_a_search_varies_what_matters_at_the_settings_of_an_arm():
    everywhere = {"score_gradient", "entropy"}
    of_price = {"lambda_s", "lambda_v", "penalty_warmup"}
    assert searched() == {*everywhere, "balance", "samples"}
    assert searched(baseline="batch_mean") == {*everywhere, "balance"}
    assert of_price & searched(gates="tree") == set()
    assert of_price < searched(gates="bernoulli")
    assert "balance" not in searched(gates="bernoulli")
