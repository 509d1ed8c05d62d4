"""The network of a run that was not kept, made again: it predicts the recorded error exactly, or there is an error."""

from dataclasses import replace

import pytest
import torch

import strategies
from core import data
from core.errors import InputError
from studies.running.trial import execute
from tests.studies.networks.conftest import ARMS
from tests.support.records import configurations_of, design_of


@pytest.fixture
def finished(run_really):
    return run_really()


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("seed", [0, 1])
def test_it_predicts_the_recorded_error_exactly(finished, arm, seed):
    network = finished.network(arm, seed=seed)
    (recorded,) = finished.runs.query("arm == @arm and seed == @seed")["test_error"]
    x, y = network.test_examples()
    assert (network.predict(x) != y).mean() == recorded
    assert network.origin == "trained again"
    assert repr(network) == f"<network of {arm} on digits, seed {seed}, trained again: test error {recorded:.4f}>"


def test_the_settings_of_this_process_are_put_back(finished):
    before = torch.get_num_threads()
    network = finished.network("dense")
    network.predict(network.test_examples()[0])
    assert torch.get_num_threads() == before
    assert (torch.tensor(1e-40) * 1).item() > 0


def test_another_network_is_an_error_and_not_given(finished):
    for record in finished.results.all_records:
        record["test_loss"] = 9.0
    with pytest.raises(InputError, match=r"trained again it has a test error of \d\.\d+, and had .* other code"):
        finished.network("dense")


def test_a_run_that_failed_has_no_network(finished):
    for record in finished.results.all_records:
        record["status"] = "nan"
    with pytest.raises(InputError, match="ended as nan, there is no network of it"):
        finished.network("dense")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"arm": "reinforc"}, "unknown arm 'reinforc': did you mean 'reinforce'"),
        ({"arm": "dense", "seed": 7}, "0 runs are of arm dense, seed 7: name dataset, network"),
        ({"arm": "dense", "network": "4x4"}, "0 runs are of arm dense, network 4x4, seed 0"),
        ({"arm": "dense", "own_data": "sensors.npz"}, "sensors.npz"),
    ],
)
def test_a_run_that_is_not_there_is_named(finished, asked, message):
    with pytest.raises(InputError, match=message):
        finished.network(**asked)


def test_a_run_of_a_search_hands_out_no_network():
    (configuration,) = configurations_of(design_of("dense", seeds=1, test_split="fixed"))[:1]
    kept: list[object] = []
    searched = replace(configuration, stage="search")
    execute(searched, strategies.find("dense"), data.load(searched.dataset), on_trained=kept.append)
    assert kept == []
