"""The networks of the dense front: which there are, and that they change no other run."""

from dataclasses import replace
from itertools import pairwise

import pytest

from core.architecture import Architecture
from core.data import find
from core.errors import InputError
from core.network.cost import dense_macs, gated_macs
from studies.design import DENSE_FRONT, Arm, Search, Sweep
from studies.design.dense_front import CHEAPEST, DEAREST, STEP, front_arms
from studies.design.freezing import FrozenStudy
from studies.design.setting import Setting
from tests.support.records import configurations_of

SWEEP = Sweep(seeds=2, strategies=("dense", "reinforce"), datasets=("digits",), networks=("8x2",), densities=(1 / 4,))


def freeze(sweep: Sweep = SWEEP) -> FrozenStudy:
    return FrozenStudy.freeze("quickstart", "default", sweep)


def macs_of(network: str, dataset: str) -> int:
    source, _ = find(dataset)
    return dense_macs(Architecture.parse(network, source.features, source.classes))


@pytest.mark.parametrize("network", ["16x16", "64x16", "16x64", "16x16,16x16", "16x16,8x16,16x16"])
@pytest.mark.parametrize("density", [1 / 16, 1 / 8, 1 / 4])
def test_the_ends_are_well_below_and_above_what_the_budget_foresees_and_steps_are_small(network, density):
    source, _ = find("mnist_5k")
    architecture = Architecture.parse(network, source.features, source.classes)
    nominal = gated_macs(architecture, density)
    macs = [macs_of(str(arm.network), "mnist_5k") for arm in front_arms([Setting("mnist_5k", network, density)])]
    assert macs == sorted(macs)
    # To the next unit of width.
    assert macs[0] == pytest.approx(CHEAPEST * nominal, rel=0.1)
    assert macs[-1] == pytest.approx(min(DEAREST * nominal, max(nominal, dense_macs(architecture))), rel=0.1)
    widths = [int(str(arm.network).split(",")[0][2:]) for arm in front_arms([Setting("mnist_5k", network, density)])]
    assert all(wide / narrow < STEP * 1.06 for narrow, wide in pairwise(widths))


def test_settings_share_networks_and_each_network_says_for_whom_it_is():
    cells = [Setting("mnist_5k", network, 1 / 8) for network in ("16x16", "8x32")]
    arms = front_arms(cells)
    assert {arm.front_of for arm in arms} <= {("16x16",), ("8x32",), ("16x16", "8x32")}
    for network in ("16x16", "8x32"):
        assert sum(network in arm.front_of for arm in arms) >= 6


def test_each_dataset_has_the_front_that_it_has_alone():
    datasets = ("mnist_5k", "mnist1d", "digits")
    cells = {name: [Setting(name, "16x16", density) for density in (1 / 8, 1 / 4)] for name in datasets}
    together = front_arms([cell for both in cells.values() for cell in both])
    for name, own in cells.items():
        assert [arm.network for arm in together if arm.dataset == name] == [arm.network for arm in front_arms(own)]
    frozen = freeze(replace(SWEEP, datasets=datasets, networks=("16x16",)))
    on_front = {arm.name: arm for arm in frozen.front}
    runs = [(setting, on_front[name]) for setting, name in frozen.combinations() if name in on_front]
    assert sorted((setting.dataset, setting.network) for setting, _ in runs) == sorted(
        (str(arm.dataset), str(arm.network)) for arm in frozen.front
    )
    assert FrozenStudy.from_dict(frozen.as_dict()) == frozen


def test_an_arm_of_one_dataset_is_run_there_alone_and_refused_where_the_study_has_it_not():
    alone = Arm("half", "reinforce", dataset="digits", density=1 / 2)
    frozen = freeze(replace(SWEEP, datasets=("digits", "mnist1d"), arms=(alone,)))
    assert [setting.dataset for setting, name in frozen.combinations() if name == "half"] == ["digits"]
    with pytest.raises(InputError, match=r"half: dataset 'mnist1d' is none of the study's datasets: digits"):
        freeze(replace(SWEEP, arms=(replace(alone, dataset="mnist1d"),)))


def test_a_study_with_a_contrast_at_equal_compute_runs_the_front_and_others_do_not():
    with_front, without = freeze(), freeze(replace(SWEEP, references=()))
    assert without.front == ()
    assert with_front.contrasts == (("reinforce", DENSE_FRONT),)
    runs = {configuration.run_id for configuration in configurations_of(with_front)}
    others = {configuration.run_id for configuration in configurations_of(without)}
    assert others < runs
    assert len(runs - others) == 2 * len(with_front.front)


def test_the_front_is_not_measured_and_is_searched_like_all_others():
    frozen = freeze(replace(SWEEP, measurements=("pass_time",), test_split="fixed", search=Search(points=2)))
    (first, *_) = frozen.front
    assert (
        frozen.configuration(Setting("digits", str(first.network), 1.0), first.name, "evaluate", 0).measurements == ()
    )
    assert set(frozen.proposals) == {arm.name for arm in frozen.arms}
    # Not at the defaults alone, which are the first point of every search.
    assert frozen.proposals[first.name][0][1]["training"] == frozen.proposals["dense"][0][1]["training"] != {}
    assert FrozenStudy.from_dict(frozen.as_dict()) == frozen


def test_dense_networks_are_not_compared_with_the_front_they_are_on():
    assert all(arm != "dense" for arm, _ in freeze().contrasts)


def test_its_name_is_taken():
    with pytest.raises(InputError, match=f"an arm is named '{DENSE_FRONT}'"):
        freeze(replace(SWEEP, arms=(Arm(DENSE_FRONT, "dense"),)))


def test_it_reaches_down_to_open_blocks_without_a_gater_where_the_gater_costs_most():
    many, few = Setting("mnist_5k", "64x16", 1 / 32), Setting("mnist_5k", "16x16", 1 / 8)
    # 32 open units of 784 inputs and 10 classes; the gater of 64 blocks costs twice as much, that of 16 half as much.
    open_blocks = 32 * (784 + 10)
    assert min(widths(many)) * (784 + 10) < 0.92 * open_blocks
    assert min(widths(few)) * (784 + 10) < 0.61 * open_blocks


def widths(setting: Setting) -> list[int]:
    return [int(str(arm.network).removeprefix("1x")) for arm in front_arms([setting])]
