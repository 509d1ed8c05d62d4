import json
from dataclasses import replace

import pandas as pd
import pytest

from core.errors import InputError
from core.seeding import SeedStreams, Varied
from studies.design import Arm, Sweep
from studies.design.freezing import FrozenStudy
from studies.design.override import chosen_names, keep_arms, override
from studies.design.protocol import Protocol, Search
from studies.design.runs import RunList
from studies.design.setting import Setting
from studies.results.collecting import collect
from studies.results.contrasts import contrast
from studies.results.pairing import Pairing
from tests.support.records import finished

FAST = Arm("fast", "reinforce", training={"learning_rate": 0.01}, levels={"rate": 0.01})
SLOW = Arm("slow", "reinforce", training={"learning_rate": 0.001}, levels={"rate": 0.001})
NARROW = Arm("narrow", "dense", network="1x8", density=1.0)
SWEEP = Sweep(
    seeds=2,
    strategies=("small_dense",),
    arms=(FAST, SLOW, NARROW),
    datasets=("digits",),
    networks=("8x2", "8x4"),
    references=("small_dense",),
)
WHERE = Setting("digits", "8x2", 1 / 8)
PROTOCOL = Protocol(seeds=3, alpha=0.05, delta=0.005, search=None)


def freeze(sweep: Sweep = SWEEP) -> FrozenStudy:
    return FrozenStudy.freeze("quickstart", "default", sweep)


def test_an_arm_is_run_on_its_own_network_once_and_otherwise_on_each_of_the_sweeps():
    combinations = freeze().combinations()
    assert combinations.count((Setting("digits", "1x8", 1.0), "narrow")) == 1
    assert {setting.network for setting, arm in combinations if arm == "fast"} == {"8x2", "8x4"}
    assert len(combinations) == 2 * 3 + 1


def test_a_grid_pairs_networks_with_densities():
    combinations = freeze(replace(SWEEP, arms=(FAST,), grid=(("8x2", 0.5), ("8x4", 0.25)))).combinations()
    assert {(at.network, at.target_density) for at, _ in combinations} == {("8x2", 0.5), ("8x4", 0.25)}


def test_a_run_has_the_arms_settings_over_the_sweeps():
    design = freeze(replace(SWEEP, training={"epochs": 3, "learning_rate": 0.5}))
    fast, plain = (design.configuration(WHERE, arm, "evaluate", 1) for arm in ("fast", "small_dense"))
    assert (fast.strategy, fast.training["epochs"], fast.training["learning_rate"]) == ("reinforce", 3, 0.01)
    assert plain.training["learning_rate"] == 0.5


def test_without_strategies_only_the_arms_are_run():
    assert {arm for _, arm in freeze(replace(SWEEP, strategies=())).combinations()} == {"fast", "slow", "narrow"}


def test_arms_survive_json():
    arm = replace(FAST, search={"learning_rate": (0.001, 0.1)}, varied="order")
    design = freeze(replace(SWEEP, arms=(arm, NARROW), grid=(("8x2", 0.5),), pairs=(("fast", "narrow"),)))
    assert FrozenStudy.from_dict(json.loads(json.dumps(design.as_dict()))) == design


def test_settings_given_per_layer_survive_json_and_hash_equally():
    arms = tuple(
        replace(FAST, training={"gater_learning_rate": rates}, strategy_settings={"lambda_v": weights})
        for rates, weights in (((0.1, 0.2), "40:20"), ([0.1, 0.2], (40, 20.0)))
    )
    one, other = (freeze(replace(SWEEP, arms=(arm,), networks=("8x2,8x4",))) for arm in arms)
    again = FrozenStudy.from_dict(json.loads(json.dumps(one.as_dict())))
    assert one == other == again
    where = Setting("digits", "8x2,8x4", 1 / 8), "fast"
    configuration = again.configuration(*where, "evaluate", 0)
    assert configuration.run_id == one.configuration(*where, "evaluate", 0).run_id
    assert configuration.strategy_settings["lambda_v"] == [40.0, 20.0]
    assert configuration.training["gater_learning_rate"] == [0.1, 0.2]


@pytest.mark.parametrize("name", ["test split", "validation split", "initialisation", "order", "gates"])
def test_only_the_source_of_variation_that_is_named_follows_the_seed(name):
    def drawn(varied: Varied | None, seed: int) -> float:
        return SeedStreams(0, "evaluate", "digits", seed, varied).numpy(name, "part").random()

    assert drawn(None, 0) != drawn(None, 1)
    assert (drawn("order", 0) != drawn("order", 1)) == (name == "order")
    assert drawn("order", 0) == drawn("split", 0) == drawn(None, 0)


def test_what_seeds_vary_is_part_of_a_run():
    design = freeze(replace(SWEEP, arms=(FAST, replace(FAST, name="order only", varied="order"))))
    assert len({design.configuration(WHERE, arm, "evaluate", 1).run_id for arm in ("fast", "order only")}) == 2


def test_a_search_covers_the_range_that_an_arm_gives_and_nothing_else_that_it_sets():
    arm = replace(FAST, strategy_settings={"samples": 5}, search={"learning_rate": (0.1, 0.2)})
    search = Search(points=8, searches=1, training=("learning_rate",))
    design = freeze(replace(SWEEP, arms=(arm,), strategies=(), search=search, test_split="fixed"))
    proposals = design.proposals["fast"][0]
    tried = [design.configuration(WHERE, "fast", "search", 0, proposal) for proposal in proposals]
    rates = [entry.training["learning_rate"] for entry in tried]
    assert rates[0] == 0.01
    assert all(0.1 <= rate <= 0.2 for rate in rates[1:])
    assert len(set(rates)) == 8
    assert {entry.strategy_settings["samples"] for entry in tried} == {5}
    assert len({entry.strategy_settings["balance"] for entry in tried}) == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": (FAST, replace(SLOW, name="fast"))}, "two arms of the study are named 'fast'"),
        ({"arms": (replace(FAST, name="small_dense"),)}, "two arms of the study are named 'small_dense'"),
        ({"arms": (replace(FAST, strategy_settings={"lambda": 1}),)}, "unknown setting of fast: reinforce 'lambda'"),
        ({"arms": (replace(FAST, training={"epochs": 0}),)}, "training.epochs: 0 is not an integer"),
        ({"arms": (Arm(**{**vars(FAST), "varied": "noise"}),)}, "unknown source of variation 'noise'"),
        ({"arms": (replace(FAST, network="4"),)}, "is not a list of BLOCKSxSIZE"),
        ({"measurements": ("pas_time",)}, "unknown measurement 'pas_time': did you mean 'pass_time'"),
    ],
)
def test_a_wrong_arm_or_measurement_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        freeze(replace(SWEEP, **changes))


def test_the_command_line_chooses_arms_by_their_names_or_strategies():
    assert [arm.name for arm in keep_arms(SWEEP, ["reinforce"]).arms] == ["fast", "slow"]
    assert keep_arms(SWEEP, ["reinforce"]).strategies == ()
    chosen = keep_arms(SWEEP, ["slow", "small_dense", "top_k"])
    assert ([arm.name for arm in chosen.arms], chosen.strategies) == (["slow"], ("small_dense", "top_k"))


def test_names_of_arms_may_have_commas():
    sweep = replace(
        SWEEP, arms=(replace(FAST, name="reinforce, sgd"), replace(SLOW, name="reinforce, sgd, slow"), NARROW)
    )
    assert chosen_names("reinforce, sgd,narrow", sweep) == ["reinforce, sgd", "narrow"]
    assert chosen_names("top_k, reinforce, sgd, slow", sweep) == ["top_k", "reinforce, sgd, slow"]
    assert chosen_names("reinforce,sgd", sweep) == ["reinforce, sgd"]


@pytest.mark.parametrize("key", ["learning_rate", "network", "target_density"])
def test_the_command_line_does_not_set_what_the_study_varies(key):
    with pytest.raises(InputError, match=f"--set {key}: the study itself sets it in "):
        override(SWEEP, (f"{key}=1",))


def test_a_setting_that_no_arm_has_is_set_for_all():
    design = freeze(override(SWEEP, ("epochs=3", "reinforce.lambda_s=7")))
    assert {arm.strategy_settings["lambda_s"] for arm in design.sweep.arms if arm.strategy == "reinforce"} == {7.0}
    assert {arm.training["epochs"] for arm in design.sweep.arms} == {3}


def test_a_grid_is_not_changed_from_the_command_line():
    with pytest.raises(InputError, match="pairs networks with densities"):
        override(replace(SWEEP, arms=(), grid=(("8x2", 0.5),)), ("network=2x2",))


def test_tables_name_arms_and_keep_the_strategy_and_the_levels(tmp_path):
    design = freeze(replace(SWEEP, training={"epochs": 2}))
    results = collect(design, finished(tmp_path, design).ledger)
    runs = results.runs
    assert set(runs["arm"]) == {"small_dense", "fast", "slow", "narrow"}
    fast = runs[runs["arm"] == "fast"]
    assert set(fast["strategy"]) == {"reinforce"}
    assert {json.loads(text)["rate"] for text in fast["levels"]} == {0.01}
    assert len(results.summary) == 7


def test_two_arms_with_the_same_settings_share_their_runs(tmp_path):
    design = freeze(replace(SWEEP, arms=(FAST, replace(FAST, name="again")), training={"epochs": 2}))
    ids = [run.configuration.run_id for run in RunList.of(design, finished(tmp_path, design).ledger).runs]
    assert len(ids) == 2 * 2 * 3
    assert len(set(ids)) == 2 * 2 * 2


def rows_of(network: str, arm: str, *errors: float) -> pd.DataFrame:
    where = {"dataset": "digits", "network": network, "target_density": 0.25, "arm": arm}
    return pd.DataFrame({**where, "seed": range(3), "failed": False, "error": errors, "test_macs": 100.0})


def contrasts_of(runs: pd.DataFrame) -> pd.DataFrame:
    settings = [Setting("digits", network, 0.25) for network in ("8x2", "8x4")]
    return contrast(Pairing(runs, runs.head(0)), settings, [("fast", "narrow")], (), PROTOCOL, root_seed=0)


def test_a_reference_that_is_run_on_one_other_network_is_compared_with_from_all():
    narrow = rows_of("1x8", "narrow", 0.1, 0.1, 0.1)
    runs = pd.concat([rows_of("8x2", "fast", 0.1, 0.2, 0.3), rows_of("8x4", "fast", 0.2, 0.3, 0.4), narrow])
    found = contrasts_of(runs)
    assert found["network"].tolist() == ["8x2", "8x4"]
    assert found["difference"].round(6).tolist() == [0.1, 0.2]


def test_a_reference_that_is_run_on_two_other_networks_is_not_chosen_among():
    narrow = [rows_of(network, "narrow", 0.1, 0.1, 0.1) for network in ("1x8", "8x4")]
    runs = pd.concat([rows_of("8x2", "fast", 0.1, 0.2, 0.3), *narrow])
    assert contrasts_of(runs).empty


def test_pairs_are_contrasted_beside_the_references_and_only_if_both_take_part():
    design = freeze(replace(SWEEP, pairs=(("fast", "slow"), ("fast", "gone"))))
    assert design.contrasts == (("fast", "small_dense"), ("slow", "small_dense"), ("fast", "slow"))
