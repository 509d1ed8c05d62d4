"""A kept network in use: it predicts, is measured, saved, and trained further; and what does not fit is one line."""

import warnings

import numpy as np
import pytest
import torch

import studies
from core.errors import InputError
from studies.records.kept_network import KeptNetwork
from tests.docs.markdown import examples
from tests.studies.networks.conftest import ARMS

PAGE = "docs/guides/networks.md"


@pytest.fixture
def finished(run_really):
    return run_really("--keep-networks")


@pytest.fixture
def network(finished):
    return finished.network("reinforce", seed=1)


@pytest.fixture
def untrainable(monkeypatch):
    """No network is trained again."""

    def refuse(*arguments, **named):
        raise AssertionError("trained again")

    monkeypatch.setattr("studies.finished.train_again", refuse)


@pytest.mark.usefixtures("untrainable")
@pytest.mark.parametrize("arm", ARMS)
def test_it_is_loaded_and_measures_what_the_record_says(finished, arm):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = finished.network(arm, seed=1)
    recorded = finished.runs.query("arm == @arm and seed == 1").iloc[0]
    x, y = network.test_examples()
    measured = network.measure(x, y)
    found = measured.error, measured.loss, measured.density, measured.macs
    names = ["test_error", "test_loss", "test_density", "test_macs"]
    assert list(found) == recorded[names].tolist()
    assert (network.predict(x) != y).mean() == recorded["test_error"]
    assert repr(network) == f"<network of {arm} on digits, seed 1, kept: test error {found[0]:.4f}>"


def test_scores_and_classes_are_of_features_as_the_dataset_has_them(network):
    x, _ = network.test_examples()
    scores = network.scores(x)
    assert scores.shape == (len(x), 10)
    assert np.array_equal(scores.argmax(axis=1), network.predict(x))
    # Pictures are vectors, and lists are arrays.
    assert np.array_equal(network.predict(x.reshape(-1, 8, 8)), network.predict(x))
    assert network.predict(x[:3].tolist()).tolist() == network.predict(x[:3]).tolist()
    assert network.predict(x[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 63)), "x has 63 features for each example, expected 64"),
        (np.zeros(64), "x has no features for each example, expected 64"),
        ([["a"]], "x holds something else than numbers"),
        (None, "x"),
    ],
)
def test_examples_of_another_kind_are_one_line(network, given, message):
    with pytest.raises(InputError, match=f"^{message}") as raised:
        network.predict(given)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], r"y has the shape \[2\] and holds int64, expected \[3\]"),
        ([0.5, 1.0, 2.0], r"y has the shape \[3\] and holds float64, expected \[3\] whole numbers"),
        ([0, 1, 10], "y holds the classes 0 to 10, expected 0 to 9"),
    ],
)
def test_labels_of_another_kind_are_one_line(network, labels, message):
    with pytest.raises(InputError, match=message):
        network.measure(np.zeros((3, 64)), labels)


def test_it_is_saved_and_read(network, tmp_path):
    network.save(tmp_path / "one.safetensors")
    again = studies.load_network(tmp_path / "one.safetensors")
    x, _ = network.test_examples()
    assert np.array_equal(again.scores(x), network.scores(x))
    assert (again.configuration, again.origin) == (network.configuration, "kept")


def test_one_that_was_changed_in_place_is_not_saved_with_the_error_of_its_run(network, tmp_path):
    path = tmp_path / "one.safetensors"
    network.save(path)
    assert KeptNetwork.read(path, "").description.test_error is not None
    with torch.no_grad():
        network.network.readout.bias += 1.0
    network.save(path)
    description = KeptNetwork.read(path, "").description
    assert (description.test_error, description.test_loss) == (None, None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("one.pt2", "ends in .pt2, expected .safetensors"),
        ("nowhere/one.safetensors", "there is no folder nowhere"),
        ("one", "ends in nothing, expected .safetensors"),
        ("folder.safetensors", "is a folder"),
    ],
)
def test_where_it_cannot_be_saved_is_one_line(network, tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(InputError, match=message):
        network.save(name)


def test_it_is_trained_further_and_stays_as_it_is(network):
    x, y = network.test_examples()
    before = network.scores(x)
    further = network.continue_training(epochs=2, learning_rate=5e-3)
    assert np.array_equal(network.scores(x), before)
    assert further.measure(x, y).loss < network.measure(x, y).loss
    assert [epoch.epoch for epoch in further.history] == [1, 2]
    assert repr(further) == "<network of reinforce on digits, seed 1, trained further>"
    # The same call gives the same network; going on from there has streams of its own.
    assert np.array_equal(network.continue_training(epochs=2, learning_rate=5e-3).scores(x), further.scores(x))
    assert not np.array_equal(further.continue_training(epochs=1).scores(x), further.scores(x))


def test_a_network_that_was_trained_further_is_saved_too(network, tmp_path):
    further = network.continue_training(epochs=1)
    further.save(tmp_path / "two.safetensors")
    again = studies.load_network(tmp_path / "two.safetensors")
    x, _ = network.test_examples()
    assert again.origin == "trained further"
    assert np.array_equal(again.scores(x), further.scores(x))
    one, other = again.continue_training(epochs=1), further.continue_training(epochs=1)
    assert np.array_equal(one.scores(x), other.scores(x))


def test_the_learning_rate_of_the_gaters_keeps_its_proportion(network, monkeypatch):
    asked = []

    def note(*arguments, **named):
        asked.append(arguments[5])
        raise InputError("enough")

    monkeypatch.setattr("studies.networks.finished_network.train", note)
    own = network.configuration.training
    for rate in (None, 10 * own["learning_rate"]):
        with pytest.raises(InputError, match="enough"):
            network.continue_training(epochs=3, learning_rate=rate, settings={"batch_size": 16})
    assert [each.epochs for each in asked] == [3, 3]
    assert [each.batch_size for each in asked] == [16, 16]
    assert asked[0].gater_learning_rate == own["gater_learning_rate"]
    assert asked[1].gater_learning_rate == pytest.approx(10 * own["gater_learning_rate"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1, "learning_rate": -1.0}, "learning_rate"),
        ({"epochs": 1, "settings": {"epoch": 2}}, "epoch"),
        (
            {"epochs": 3, "settings": {"learning_rate": 1.0, "optimizer": "rmsprop"}},
            r"training of <network of reinforce on digits, seed 1, kept.*> went on and ended as (nan|diverged)",
        ),
    ],
)
def test_further_training_that_cannot_be_is_one_line(network, asked, message):
    with pytest.raises(InputError, match=message) as raised:
        network.continue_training(**asked)
    assert "\n" not in str(raised.value)


def test_a_network_of_other_code_is_given_with_a_warning(finished, network, tmp_path):
    place = finished.path / "networks" / f"{network.configuration.run_id}.safetensors"
    kept = KeptNetwork.read(place, "")
    record = {**kept.description.as_dict(), "code": {**kept.description.code, "suite": "0123456789abcdef"}}
    kept.recorded(record).write(place)
    with pytest.warns(UserWarning, match=r"was trained by other code than today's \(suite\)"):
        finished.network("reinforce", seed=1)


def test_a_kept_network_of_another_run_or_record_is_one_line(finished, network):
    networks = finished.path / "networks"
    run_id = network.configuration.run_id
    other = finished.network("reinforce", seed=0).configuration.run_id
    own = (networks / f"{run_id}.safetensors").read_bytes()
    (networks / f"{run_id}.safetensors").write_bytes((networks / f"{other}.safetensors").read_bytes())
    with pytest.raises(InputError, match=f"{run_id}.safetensors: holds the network of run {other}; delete it"):
        finished.network("reinforce", seed=1)
    (networks / f"{run_id}.safetensors").write_bytes(own)
    for record in finished.results.all_records:
        record["test_loss"] = 9.0
    with pytest.raises(InputError, match="is not the network of that record, but one with the test error"):
        finished.network("reinforce", seed=1)


@pytest.mark.parametrize("page", [PAGE, "docs/guides/python.md"])
def test_the_pages_are_followed_word_by_word(finished, tmp_path, monkeypatch, page, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"found": finished}
    for block in (each for each in examples("python") if each.page == page and each.title != "read_results.py"):
        exec(compile(block.text, str(block), "exec"), names)
    assert names["network"].origin == "kept"
    if page == PAGE:
        assert (tmp_path / "reinforce.pt2").is_file()
        assert names["further"].origin == "trained further"
