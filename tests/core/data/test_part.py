"""Parts of datasets: which examples they hold, and what is said where there are not so many."""

from typing import get_args

import numpy as np
import pytest

from core.data import Dataset, TestSplit, canonical, find, load, split
from core.data.part import part
from core.errors import InputError
from core.seeding import SeedStreams

SHARES = np.array([0.5, 0.3, 0.15, 0.05])
NAMED = 1000
TESTED = 40


@pytest.fixture
def whole() -> Dataset:
    rng = np.random.default_rng(3)
    y = rng.choice(len(SHARES), NAMED + TESTED, p=SHARES)
    return Dataset("whole", np.arange(NAMED + TESTED, dtype=np.float32)[:, None], y, TESTED, "bits")


def learned(dataset: Dataset) -> list[int]:
    return [int(number) for number in dataset.x[: len(dataset.y) - dataset.test_examples, 0]]


@pytest.mark.parametrize("examples", [1, 2, 20, 333, 999, NAMED])
def test_a_part_has_so_many_examples_in_their_order_and_all_test_examples(whole, examples):
    found = part(whole, examples, "some")
    assert (found.name, found.metric, found.test_examples) == ("some", "bits", TESTED)
    assert found.x.shape == (examples + TESTED, 1)
    assert np.array_equal(found.x[examples:], whole.x[NAMED:])
    assert learned(found) == sorted(set(learned(found)))
    assert np.array_equal(found.y, whole.y[found.x[:, 0].astype(int)])


def test_every_class_keeps_its_share_to_within_one_example(whole):
    counts = np.bincount(whole.y[:NAMED])
    for examples in range(1, NAMED + 1, 7):
        there = np.bincount(part(whole, examples, "some").y[:examples], minlength=len(SHARES))
        assert np.abs(there - examples * counts / NAMED).max() <= 1


def test_a_part_holds_every_smaller_one(whole):
    before: set[int] = set()
    for examples in (5, 50, 51, 500):
        now = set(learned(part(whole, examples, "some")))
        assert before < now
        before = now


def test_it_is_drawn_and_not_the_beginning_and_another_dataset_draws_others(whole):
    found = learned(part(whole, 100, "some"))
    assert max(found) > 900
    assert learned(part(whole, 100, "by another name")) == found
    other = Dataset("other", whole.x, whole.y, TESTED)
    assert learned(part(other, 100, "some")) != found


@pytest.mark.parametrize("examples", [0, NAMED + 1])
def test_what_is_not_there_is_refused(whole, examples):
    with pytest.raises(ValueError, match=f"{examples} examples of some are not in 1..{NAMED}"):
        part(whole, examples, "some")


@pytest.mark.usefixtures("publisher")
def test_a_published_dataset_keeps_its_test_split(monkeypatch):
    monkeypatch.setattr("core.data.dataset.LEAST_PART", 50)
    dataset = load("fashion_mnist:60")
    assert (dataset.name, len(dataset.y), dataset.test_examples) == ("fashion_mnist:60", 80, 20)
    assert np.array_equal(dataset.x[60:], load("fashion_mnist").x[200:])
    assert np.bincount(dataset.y[:60]).tolist() == [6] * 10
    assert dataset.x.dtype == np.uint8


def test_seeds_split_one_part_differently_and_take_no_other_examples():
    dataset = load("digits:300")
    everything = {row.tobytes() for row in dataset.x}
    splits = [split(dataset, SeedStreams(0, "evaluate", dataset.name, seed), "resampled") for seed in (0, 1)]
    sizes = [(len(each.train.y), len(each.validation.y), len(each.test.y)) for each in splits if each.test is not None]
    assert sizes == [(210, 30, 60)] * 2
    first, second = (each.test_indices for each in splits)
    assert first is not None
    assert second is not None
    assert not np.array_equal(first, second)
    assert everything < {row.tobytes() for row in load("digits").x}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnist:60001", r"^dataset 'mnist:60001': '60001' is not a number in 200..60000, without the test split$"),
        ("svhn:73258", r"'73258' is not a number in 200..73257, without the test split$"),
        ("digits:1798", r"^dataset 'digits:1798': '1798' is not a number in 200..1797$"),
        ("mnist_5k:199", r"'199' is not a number in 200..5000$"),
        ("digits:", r"'' is not a number"),
        ("digits:many", r"'many' is not a number"),
    ],
)
def test_a_size_that_there_is_not_is_one_line(name, message):
    for function in (find, canonical):
        with pytest.raises(InputError, match=message):
            function(name)


def test_the_smallest_part_of_every_dataset_can_be_split_in_every_way():
    for name in ("digits:200", "mnist_5k:200"):
        for way in get_args(TestSplit):
            splits = split(load(name), SeedStreams(0, "evaluate", name, 0), way)
            assert {len(np.unique(each.y)) for each in (splits.train, splits.validation)} == {10}
