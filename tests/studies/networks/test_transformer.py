"""A study on a transformer: what is refused before it begins, its records, and the network that is kept of a run."""

from pathlib import Path

import numpy as np
import pytest
import torch

import studies
from core.errors import InputError
from studies.design.dense_front import front_arms
from studies.design.setting import Setting
from tests.support.records import design_of

NETWORK = "transformer:layers=2,width=8,heads=2,context=8,blocks=4x4"


def freeze(*strategies: str, dataset: str, network: str) -> None:
    design_of(*strategies, seeds=1, datasets=(dataset,), networks=(network,), densities=(1 / 4,))


@pytest.mark.parametrize(
    ("strategies", "dataset", "network", "said"),
    [
        (("act_halting",), "kjv:3000", NETWORK, f"act_halting needs passes, which network {NETWORK} does not have"),
        (("local_search",), "kjv:3000", NETWORK, f"local_search needs flips, which network {NETWORK} does not have"),
        (("top_k",), "digits", NETWORK, "dataset digits: is no text"),
        (("top_k",), "kjv:3000", NETWORK.replace("context=8", "context=128"), "make too few sequences of 128 letters"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is(strategies, dataset, network, said):
    with pytest.raises(InputError, match=said):
        freeze(*strategies, dataset=dataset, network=network)


def test_the_dense_front_goes_in_steps_of_cost_from_a_single_unit():
    arms = front_arms([Setting("kjv", "transformer:", 1 / 8)])
    assert [str(arm.network).rpartition("blocks=")[2] for arm in arms] == ["1x1", "1x89", "1x210", "1x377", "1x607"]


def test_what_is_measured_of_fully_connected_networks_alone_is_refused():
    with pytest.raises(InputError, match="pass_time is measured of fully connected networks alone"):
        design_of("top_k", seeds=1, datasets=("kjv:3000",), networks=(NETWORK,), measurements=("pass_time",))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> "studies.FinishedStudy":
    folder: Path = tmp_path_factory.mktemp("results")
    return studies.run(
        "quickstart",
        strategies=("top_k", "reinforce", "hard_concrete"),
        dataset="kjv:3000",
        settings={"network": NETWORK, "epochs": 1, "batch_size": 8, "density_tolerance": 10},
        seeds=2,
        results=folder,
        keep_networks=True,
        quiet=True,
    )


def test_its_runs_are_measured_in_bits_per_letter(found):
    runs = found.runs
    assert set(runs["status"]) == {"ok"}
    gated = runs[runs["arm"] == "top_k"]
    assert (gated["test_macs"] < gated["dense_macs"]).all()
    assert runs["test_error"].between(3, 6).all()


@pytest.mark.parametrize("arm", ["top_k", "reinforce", "hard_concrete"])
def test_a_kept_network_gives_the_recorded_numbers_and_is_exported(found, arm, tmp_path):
    network = found.network(arm, seed=0)
    x, y = network.test_examples()
    run = found.runs[(found.runs["arm"] == arm) & (found.runs["seed"] == 0)].iloc[0]
    assert network.measure(x, y).error == run["test_error"]
    assert network.scores(x).shape == (*x.shape, 27)
    assert network.predict(x[:2]).shape == (2, 8)
    assert network.scores(x[:0]).shape == (0, 8, 27)
    network.export(tmp_path / "network.pt2")
    program = torch.export.load(tmp_path / "network.pt2").module()
    exported = program(torch.from_numpy(x[:5].astype(np.int64))).detach()
    np.testing.assert_allclose(exported, network.scores(x[:5]).reshape(-1, 27), rtol=1e-3, atol=1e-4)


def test_what_are_no_sequences_of_letters_is_said_in_one_line(found: "studies.FinishedStudy") -> None:
    network = found.network("top_k", seed=0)
    x, y = network.test_examples()
    with pytest.raises(InputError, match=r"x has the shape \[\d+, 5\], expected \[N, 8\] letters"):
        network.scores(x[:, :5])
    with pytest.raises(InputError, match=r"whole numbers in 0\.\.26"):
        network.scores(x + 27)
    with pytest.raises(InputError, match=r"y has the shape \[\d+\]"):
        network.measure(x, y[:, 0])
