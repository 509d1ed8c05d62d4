"""The network of a finished run, made again: it predicts the recorded error exactly, or there is an error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import strategies
import studies
from core import data
from core.data import split
from core.errors import InputError
from studies.networks.finished_network import FinishedNetwork
from studies.running.trial import execute, streams_of
from tests.docs.markdown import examples
from tests.support.records import configurations_of, design_of, record_of

ARMS = ("dense", "reinforce")


@pytest.fixture
def finished(command, scheduler, without_figures, tmp_path, monkeypatch):
    """A study whose records are of runs that were made, in this process."""
    threads = torch.get_num_threads()

    def real(configuration, status, reason, plugins):
        made = execute(configuration, strategies.find(configuration.strategy), data.load(configuration.dataset))
        return record_of(configuration, status, reason, plugins) | made

    monkeypatch.setattr("tests.studies.conftest.record_of", real)
    assert command.study("--seeds", "2", chosen=",".join(ARMS)).code == 0
    torch.set_num_threads(threads)
    return studies.load(tmp_path / "results" / "quickstart")


def held_out(network: FinishedNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of the test examples, as the dataset has them."""
    dataset = data.load(network.configuration.dataset)
    splits = split(dataset, streams_of(network.configuration), network.configuration.test_split)
    assert splits.test_indices is not None
    return dataset.x[splits.test_indices], dataset.y[splits.test_indices]


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("seed", [0, 1])
def test_it_predicts_the_recorded_error_exactly(finished, arm, seed):
    network = finished.network(arm, seed=seed)
    (recorded,) = finished.runs.query("arm == @arm and seed == @seed")["test_error"]
    x, y = held_out(network)
    assert (network.predict(x) != y).mean() == recorded
    assert repr(network) == f"<network of {arm} on digits, seed {seed}: test error {recorded:.4f}>"


def test_pictures_are_vectors_and_other_sizes_are_named(finished):
    network = finished.network("dense")
    x, _ = held_out(network)
    assert np.array_equal(network.predict(x.reshape(-1, 8, 8)), network.predict(x))
    with pytest.raises(InputError, match="x has 63 features for each example, expected 64"):
        network.predict(x[:, :63])


def test_the_settings_of_this_process_are_put_back(finished):
    before = torch.get_num_threads()
    finished.network("dense")
    assert torch.get_num_threads() == before
    assert (torch.tensor(1e-40) * 1).item() > 0


def test_another_network_is_an_error_and_not_given(finished, monkeypatch):
    records = finished.results.all_records
    for record in records:
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
    ],
)
def test_a_run_that_is_not_there_is_named(finished, asked, message):
    with pytest.raises(InputError, match=message):
        finished.network(**asked)


def test_the_page_is_followed_word_by_word(finished):
    (block,) = (each for each in examples("python") if each.page == "docs/guides/python.md" and not each.title)
    text = block.text.replace("seed=2", "seed=1")
    x, _ = held_out(finished.network("reinforce", seed=1))
    names = {"found": finished, "x": x}
    exec(compile(text, str(Path(block.page)), "exec"), names)
    assert names["classes"].shape == (len(x),)


def test_a_run_of_a_search_hands_out_no_network():
    (configuration,) = configurations_of(design_of("dense", seeds=1, test_split="fixed"))[:1]
    kept: list[object] = []
    searched = replace(configuration, stage="search")
    execute(searched, strategies.find("dense"), data.load(searched.dataset), on_trained=kept.append)
    assert kept == []
