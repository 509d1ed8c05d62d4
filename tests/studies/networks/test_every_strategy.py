"""Of every strategy: what is kept is all there is of a network, and what can be exported is as the guide says."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import strategies
from core import data
from core.errors import InputError
from core.training.inference_path import drawn_anew
from studies.networks.finished_network import FinishedNetwork
from studies.records.hits import packed
from studies.records.kept_network import KeptNetwork
from studies.running.trial import execute
from tests.docs.markdown import DOCS
from tests.support.records import configurations_of, design_of

every_strategy = pytest.mark.parametrize("name", strategies.built_in())
TABLE = re.compile(r"^\| `(\w+)` \| (yes|no) \| (yes|no) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[bool, bool]]:
    """Of each strategy of the guide's table: whether it is exported at whole numbers of blocks, and at others."""
    page = (DOCS / "guides" / "networks.md").read_text("utf-8")
    return {name: (whole == "yes", other == "yes") for name, whole, other in TABLE.findall(page)}


@cache
def trained(name: str, density: float, dataset: str = "digits") -> tuple[FinishedNetwork, dict[str, Any]]:
    """The network of a run of a strategy, read from the bytes that are kept, and the run's record."""
    setting: dict[str, Any] = {"datasets": (dataset,), "networks": ("8x4",), "densities": (density,)}
    design = design_of(name, seeds=1, training={"epochs": 2}, **setting)
    configuration = next(each for each in configurations_of(design) if each.strategy == name)
    configuration = replace(configuration, training={**configuration.training, "density_tolerance": 1e3})
    kept: list[KeptNetwork] = []
    threads = torch.get_num_threads()
    record = execute(
        configuration,
        strategies.find(name),
        data.load(dataset),
        on_trained=lambda found: kept.append(KeptNetwork.of(configuration, found)),
    )
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
    assert record["status"] == "ok", record["reason"]
    return FinishedNetwork(KeptNetwork.from_content(kept[0].recorded(record).content()), "kept"), record


@every_strategy
def test_a_kept_network_gives_the_recorded_numbers_to_the_last_digit(name):
    network, record = trained(name, 1 / 4)
    x, y = network.test_examples()
    found = network.measure(x, y)
    assert (found.error, found.loss) == (record["test_error"], record["test_loss"])
    assert (found.density, found.macs) == (record["test_density"], record["test_macs"])
    assert (found.dead_blocks, found.gates_by_class) == (record["dead_blocks"], record["gates_by_class"])
    indices = network._splits.test_indices
    assert indices is not None
    assert packed(indices.tolist(), [error == 0 for error in found.errors]) == record["test_hits"]
    assert np.array_equal(network.predict(x) != y, found.errors)


@every_strategy
def test_further_training_begins_with_all_that_was_kept(name):
    network, _ = trained(name, 1 / 4)
    x, _ = network.test_examples()
    before = network.scores(x)
    slow = {"optimizer": "sgd", "gater_learning_rate": 1e-6, "density_tolerance": 1e3}
    further = network.continue_training(epochs=1, learning_rate=1e-6, settings=slow)
    assert further.history
    assert np.array_equal(network.scores(x), before)
    for (key, value), other in zip(
        network.network.state_dict().items(), further.network.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(other, value, rtol=0.0, atol=1e-2, msg=key)


def test_the_error_is_in_the_metric_of_the_dataset():
    network, record = trained("top_k", 1 / 4, "kjv:2000")
    x, y = network.test_examples()
    found = network.measure(x, y)
    assert (found.error, found.loss) == (record["test_error"], record["test_loss"])
    assert found.error > 1
    assert "test_bits" in record


def test_the_guide_has_every_strategy():
    assert list(rows()) == strategies.built_in()


@pytest.mark.slow
@every_strategy
def test_what_the_guide_calls_exportable_is_exported_and_the_rest_is_refused(name, tmp_path):
    network, _ = trained(name, 1 / 4)
    place = tmp_path / "network.pt2"
    if not rows()[name][0]:
        with pytest.raises(InputError, match=f"^{name}: cannot be exported: its test gates are drawn anew each time"):
            network.export(place)
        assert not place.exists()
        return
    network.export(place)
    x, _ = network.test_examples()
    program = torch.export.load(place).module()
    with torch.no_grad():
        for number in (1, 5, len(x)):
            scores = program(torch.from_numpy(x[:number])).numpy()
            np.testing.assert_allclose(scores, network.scores(x[:number]), rtol=0.0, atol=1e-4)


@every_strategy
def test_what_draws_at_a_broken_number_of_blocks_is_what_the_guide_says(name):
    network, _ = trained(name, 0.3)
    x, _ = network.test_examples()
    assert drawn_anew(network._path(), network._examples(x)) != rows()[name][1]
