import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.data import Dataset, Split, Splits, TestSplit, load, split
from core.seeding import SeedStreams

EVALUATE = SeedStreams(0, "evaluate", "toy", 0)
TUNE = SeedStreams(0, "tune", "toy", 0)
COUNTS = (103, 57, 40)


def toy(test_examples: int = 0) -> Dataset:
    """Classes of unequal size in mixed order. The features are the number of the example, 0 and 1."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(3), COUNTS))
    number = np.arange(len(y), dtype=np.float32)
    return Dataset("toy", np.stack([number, 0 * number, 0 * number + 1], axis=1), y, test_examples)


def numbers(part: Split | None) -> list[int]:
    """The numbers of a part's examples, whatever shift and scale they were normalised by."""
    assert part is not None
    number, zero, one = part.x.double().unbind(dim=1)
    return [round(value) for value in ((number - zero) / (one - zero)).tolist()]


def parts(splits: Splits) -> tuple[Split, Split, Split]:
    assert splits.test is not None
    return splits.train, splits.validation, splits.test


@pytest.mark.parametrize("test_split", ["resampled", "fixed", "development"])
def test_parts_are_disjoint_cover_everything_and_keep_their_labels(test_split):
    found = parts(split(toy(), EVALUATE, test_split))
    assert [len(numbers(part)) for part in found] == [140, 20, 40]
    assert sorted(number for part in found for number in numbers(part)) == list(range(200))
    for part in found:
        assert part.y.tolist() == toy().y[numbers(part)].tolist()
        assert (part.x.dtype, part.y.dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize("test_examples", [0, 30])
@pytest.mark.parametrize("test_split", ["resampled", "fixed"])
def test_which_examples_those_of_the_test_split_are_is_known(test_split, test_examples):
    found = split(toy(test_examples), EVALUATE, test_split)
    assert found.test_indices is not None
    assert found.test_indices.tolist() == numbers(found.test)
    assert found.to("cpu").test_indices is found.test_indices
    assert split(toy(), TUNE, "fixed").test_indices is None


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("test_split", ["resampled", "fixed", "development"])
def test_parts_are_stratified(index, test_split):
    found = parts(split(toy(), replace(EVALUATE, index=index), test_split))
    for share, part in zip((0.7, 0.1, 0.2), found, strict=True):
        for label, count in enumerate(COUNTS):
            assert abs(int((part.y == label).sum()) - share * count) <= 1


def test_equal_streams_give_equal_splits():
    first, second = (parts(split(toy(), replace(EVALUATE), "resampled")) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.y, b.y)


def examples(streams: SeedStreams, test_split: TestSplit) -> list[set[int]]:
    return [set(numbers(part)) for part in parts(split(toy(), streams, test_split))]


def changes(streams: SeedStreams, test_split: TestSplit) -> list[bool]:
    """Which parts hold other examples than under the usual streams."""
    return [a != b for a, b in zip(examples(EVALUATE, test_split), examples(streams, test_split), strict=True)]


@pytest.mark.parametrize("changed", [{"root": 1}, {"index": 1}, {"dataset": "other"}], ids=str)
def test_resampled_splits_draw_every_part_anew(changed):
    assert changes(replace(EVALUATE, **changed), "resampled") == [True, True, True]


def test_fixed_splits_keep_the_test_part_and_draw_the_others_anew():
    assert changes(replace(EVALUATE, index=1), "fixed") == [True, True, False]


@pytest.mark.parametrize("test_split", ["resampled", "fixed"])
def test_development_examples_are_tested_on_by_no_study(test_split):
    development = examples(EVALUATE, "development")[2]
    tested = [
        examples(replace(EVALUATE, root=root, index=index), test_split)[2] for root in range(3) for index in range(20)
    ]
    assert all(development.isdisjoint(each) for each in tested)
    # All others are, sooner or later, where each seed draws its own.
    assert test_split == "fixed" or set.union(*tested) == set(range(200)) - development


@pytest.mark.parametrize("changed", [{"root": 1}, {"index": 1}, {"role": "development"}], ids=str)
def test_development_examples_are_the_same_for_every_seed_and_study(changed):
    assert changes(replace(EVALUATE, **changed), "development") == [True, True, False]


def test_development_leaves_a_publishers_test_part_alone():
    found = parts(split(toy(test_examples=50), EVALUATE, "development"))
    assert sorted(number for part in found for number in numbers(part)) == list(range(150))
    assert len(numbers(found[2])) == 30


def test_a_search_on_development_examples_receives_none_of_them():
    searched = split(toy(), TUNE, "development")
    assert searched.test is None
    seen = {*numbers(searched.train), *numbers(searched.validation)}
    assert seen == set(range(200)) - examples(EVALUATE, "development")[2]


@pytest.mark.parametrize("test_split", ["resampled", "fixed"])
def test_a_publishers_test_part_is_kept_as_it_is(test_split):
    splits = split(toy(test_examples=50), EVALUATE, test_split)
    assert numbers(splits.test) == list(range(150, 200))
    assert len(splits.train.y) + len(splits.validation.y) == 150


@pytest.mark.parametrize("index", range(3))
def test_a_search_never_receives_an_example_of_the_fixed_test_part(index):
    searched = split(toy(), replace(TUNE, index=index), "fixed")
    assert searched.test is None
    seen = {*numbers(searched.train), *numbers(searched.validation)}
    assert seen == set(range(200)) - examples(EVALUATE, "fixed")[2]


def test_a_search_on_resampled_test_parts_is_refused():
    with pytest.raises(ValueError, match="a search needs a fixed test split"):
        split(toy(), TUNE, "resampled")


def test_the_training_part_is_normalised_as_a_whole():
    x = split(toy(), EVALUATE, "resampled").train.x.double()
    assert x.mean().item() == pytest.approx(0, abs=1e-6)
    assert x.std(correction=0).item() == pytest.approx(1, abs=1e-6)


def test_every_part_is_normalised_by_the_statistics_of_the_training_part():
    dataset = toy()
    found = parts(split(dataset, EVALUATE, "resampled"))
    train, *_ = raw = [dataset.x[numbers(part)].astype(np.float64) for part in found]
    for part, values in zip(found, raw, strict=True):
        np.testing.assert_allclose(part.x, (values - train.mean()) / train.std(), rtol=1e-5, atol=1e-5)


def test_test_examples_change_nothing_in_the_other_parts():
    dataset = toy(test_examples=50)
    changed = replace(dataset, x=np.concatenate([dataset.x[:150], 1e6 + dataset.x[150:]]))
    before, after = (parts(split(each, EVALUATE, "fixed")) for each in (dataset, changed))
    for a, b in zip(before[:2], after[:2], strict=True):
        assert torch.equal(a.x, b.x)
    assert not torch.equal(before[2].x, after[2].x)


def drawn(name: str, test_split: TestSplit) -> list[list[int]]:
    """The numbers of the examples in each part of a dataset of thousands, by way of their last two digits and the rest.

    Only the labels and the seeds decide the draw.
    """
    dataset = load(name)
    high, low = np.divmod(np.arange(len(dataset.y)), 100)
    x = np.stack([high, low, 0 * low, 0 * low + 1], axis=1).astype(np.float32)
    found = parts(split(Dataset(name, x, dataset.y), SeedStreams(0, "evaluate", name, 0), test_split))
    columns = [[value.double() for value in part.x.unbind(dim=1)] for part in found]
    return [
        (100 * ((a - zero) / (one - zero)).round() + ((b - zero) / (one - zero)).round()).long().tolist()
        for a, b, zero, one in columns
    ]


@pytest.mark.parametrize("name", ["mnist_5k", "digits", "mnist1d"])
@pytest.mark.parametrize("test_split", ["resampled", "fixed"])
def test_embedded_datasets_are_normalised_by_the_formula_to_the_last_bit(name, test_split):
    dataset = load(name)
    train, *_ = rows = drawn(name, test_split)
    assert sorted(number for row in rows for number in row) == list(range(len(dataset.y)))
    mean, std = dataset.x[train].mean(dtype=np.float64), dataset.x[train].std(dtype=np.float64)
    found = parts(split(dataset, SeedStreams(0, "evaluate", name, 0), test_split))
    for part, indices in zip(found, rows, strict=True):
        expected = (dataset.x[indices] - np.float32(mean)) / np.float32(std)
        assert expected.dtype == np.float32
        assert part.x.numpy().tobytes() == expected.tobytes()


@pytest.mark.parametrize("at_once", [7, 1000])
def test_bytes_are_normalised_like_the_same_numbers_in_float32(monkeypatch, at_once):
    monkeypatch.setattr("core.data.splits.COUNTED_AT_ONCE", at_once)
    x = np.random.default_rng(1).integers(0, 256, size=(200, 30), dtype=np.uint8)
    found = parts(split(replace(toy(), x=x), EVALUATE, "fixed"))
    wide = parts(split(replace(toy(), x=x.astype(np.float32)), EVALUATE, "fixed"))
    for part, expected in zip(found, wide, strict=True):
        assert part.x.dtype == torch.float32
        torch.testing.assert_close(part.x, expected.x, rtol=1e-6, atol=1e-6)


def test_normalising_bytes_takes_little_more_than_its_result():
    x = np.random.default_rng(0).integers(0, 256, size=(20_000, 300), dtype=np.uint8)
    dataset = Dataset("toy", x, np.arange(len(x)) % 10)
    tracemalloc.start()
    try:
        split(dataset, TUNE, "fixed")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Of the parts that a search sees, 80 %, four bytes per pixel; a float64 copy would be eight more.
    assert peak < 4.5 * x.nbytes


def test_the_dataset_is_not_changed():
    dataset = toy()
    split(dataset, EVALUATE, "resampled")
    assert np.array_equal(dataset.x, toy().x)


def test_to_moves_every_part():
    for part in parts(split(toy(), EVALUATE, "resampled").to("meta")):
        assert (part.x.device.type, part.y.device.type) == ("meta", "meta")
    assert split(toy(), TUNE, "fixed").to("meta").test is None
