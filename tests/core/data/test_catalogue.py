import random

import numpy as np
import pytest

from core.data import SOURCES, find, load, load_if_there
from core.errors import InputError


@pytest.mark.parametrize(
    ("name", "examples", "features", "per_class"),
    [
        ("mnist_5k", 5000, 784, [500] * 10),
        ("digits", 1797, 64, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]),
        ("mnist1d", 5000, 40, [500] * 10),
        ("mnist1d:200", 200, 40, [20] * 10),
        ("mnist1d:1230", 1230, 40, [123] * 10),
    ],
)
def test_embedded_datasets(name, examples, features, per_class):
    dataset = load(name)
    assert dataset.name == name
    assert dataset.x.shape == (examples, features)
    assert dataset.x.dtype == np.float32
    assert np.isfinite(dataset.x).all()
    assert dataset.y.dtype == np.int64
    assert np.bincount(dataset.y).tolist() == per_class
    assert (dataset.features, dataset.classes, dataset.test_examples) == (features, 10, 0)


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if not source.files])
def test_a_source_says_what_its_dataset_holds(name):
    source, examples = find(name)
    dataset = load(name)
    assert (source.name, source.features, source.classes) == (name, dataset.features, dataset.classes)
    assert source.examples == examples == len(dataset.y)


def test_generating_mnist1d_leaves_the_global_generators_as_they_were():
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002
    find("mnist1d")[0].load(200, {})
    assert (random.getstate(), repr(np.random.get_state())) == before  # noqa: NPY002


def test_generating_mnist1d_does_not_depend_on_the_global_generators():
    source, _ = find("mnist1d")
    found = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        found.append(source.load(200, {}))
    assert np.array_equal(found[0].x, found[1].x)
    assert np.array_equal(found[0].y, found[1].y)


def test_a_dataset_is_loaded_once():
    assert load("digits") is load("digits")


def test_an_embedded_dataset_needs_no_folder(tmp_path):
    assert load("digits", tmp_path) is load("digits") is load_if_there("digits")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digit", r"^unknown dataset 'digit': did you mean 'digits'\? \(known: mnist_5k, digits, mnist1d, kjv, mnist,"),
        ("mnists", r"^unknown dataset 'mnists': did you mean 'mnist'\? "),
        ("cifar10:50001", r"^dataset 'cifar10:50001': '50001' is not a number in 200..50000, without the test split$"),
        ("digits:1798", r"^dataset 'digits:1798': '1798' is not a number in 200..1797$"),
        ("mnist1d:205", r"^dataset 'mnist1d:205': '205' is not a multiple of 10 in 200..10000000$"),
        ("mnist1d:190", r"'190' is not a multiple of 10 in 200..10000000$"),
        ("mnist1d:", r"'' is not a multiple"),
        ("mnist1d:10000010", r"'10000010' is not a multiple"),
        ("mnist1d:" + "9" * 5000, r"is not a multiple"),
        ("mnist1d:-200", r"'-200' is not a multiple"),
        ("mnist1d:1e3", r"'1e3' is not a multiple"),
        ("mnist1d:200:200", r"'200:200' is not a multiple"),
    ],
)
def test_bad_names_are_explained_in_one_line(name, message):
    for function in (find, load):
        with pytest.raises(InputError, match=message):
            function(name)
