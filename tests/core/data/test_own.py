"""Data of a user's own: how it is named, what it may hold, and what is said of what it may not."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import Dataset, canonical, check_name, find, load, own, split
from core.data.holding import LEAST_OF_A_CLASS, dataset_of
from core.errors import InputError
from core.seeding import SeedStreams

Y = np.arange(60) % 3
X = np.random.default_rng(0).normal(size=(60, 5))


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    monkeypatch.setattr(own, "_given", {})


def saved(path: Path, **arrays: Any) -> str:
    np.savez(path, **{"x": X, "y": Y, **arrays})
    return str(path)


class TestFile:
    def test_it_is_found_and_loaded_by_the_name_that_it_gets(self, tmp_path):
        name = canonical(saved(tmp_path / "my sensors.npz"))
        assert own.is_own(name)
        assert name.startswith("my_sensors@")
        source, examples = find(name)
        assert (source.features, source.classes, source.examples, examples) == (5, 3, 60, 60)
        dataset = load(name)
        assert dataset.name == name
        assert np.array_equal(dataset.x, X.astype(np.float32))
        assert np.array_equal(dataset.y, Y)
        splits = split(dataset, SeedStreams(0, "evaluate", name, 0), "resampled")
        assert splits.test is not None
        assert [len(part.y) for part in (splits.train, splits.validation, splits.test)] == [42, 6, 12]

    def test_the_name_follows_what_it_holds_and_not_where_it_is(self, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        one = canonical(saved(tmp_path / "a.npz"))
        np.savez_compressed(tmp_path / "elsewhere" / "a.npz", y=Y, x=X)
        assert canonical(str(tmp_path / "elsewhere" / "a.npz")) == one
        others: list[dict[str, Any]] = [
            {"x": X + 1e-3},
            {"y": (Y + 1) % 3},
            {"test_examples": 3},
            {"x": X.reshape(60, 5, 1) * 2},
        ]
        names = {canonical(saved(tmp_path / "a.npz", **changes)) for changes in others}
        assert len({one, *names}) == 5

    def test_pictures_become_vectors_and_bytes_stay_bytes(self, tmp_path):
        pictures = np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8)
        dataset = load(canonical(saved(tmp_path / "a.npz", x=pictures)))
        assert dataset.x.shape == (60, 16)
        assert dataset.x.dtype == np.uint8

    def test_the_last_examples_may_be_test_examples(self, tmp_path):
        dataset = load(canonical(saved(tmp_path / "a.npz", test_examples=15)))
        assert dataset.test_examples == 15
        splits = split(dataset, SeedStreams(0, "evaluate", dataset.name, 0), "resampled")
        assert splits.test_indices is not None
        assert splits.test_indices.tolist() == list(range(45, 60))

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"x": X[:50]}, r"x has shape \[50, 5\], expected \[60, features\]"),
            ({"x": X[:, 0]}, r"x has shape \[60\], expected \[60, features\]"),
            ({"x": X[:, :0]}, r"x has shape \[60, 0\]"),
            ({"x": X.astype(str)}, r"x holds <U\d+, expected uint8 or real numbers"),
            ({"x": X + 1j}, "x holds complex128"),
            ({"x": np.where(np.arange(5) == 3, np.nan, X)}, "x holds nan at example 0, feature 3, expected finite"),
            ({"x": np.where(np.arange(5) == 1, 1e300, X)}, "x holds 1e\\+300 at example 0, feature 1"),
            ({"x": np.ones((60, 5))}, "x holds nothing but 1.0"),
            ({"y": Y[:, None]}, r"y has shape \[60, 1\], expected \[N\]"),
            ({"y": Y + 0.5}, "y holds float64, expected whole numbers"),
            ({"y": Y - 1}, "y holds class -1, expected classes from 0"),
            ({"y": Y + 1}, "y has 0 examples of class 0 to train on, at least 10 of each class from 0 to 3"),
            ({"y": 0 * Y}, "y holds one class"),
            ({"y": np.where(np.arange(60) < 9, 1, 0)}, "y has 9 examples of class 1 to train on"),
            ({"y": np.where(np.arange(60) > 58, 3, Y), "test_examples": 1}, "class 3 in test examples alone"),
            ({"test_examples": 60}, "test_examples is 60, expected how many of the last of 60"),
            ({"test_examples": -1}, "test_examples is -1"),
            ({"test_examples": 0.5}, "test_examples is 0.5"),
            ({"test_examples": Y}, r"test_examples is of shape \[60\]"),
            ({"z": X}, "holds z besides, expected x, y, test_examples, metric alone"),
        ],
    )
    def test_what_cannot_be_learned_from_is_named(self, tmp_path, arrays, message):
        path = saved(tmp_path / "a.npz", **arrays)
        with pytest.raises(InputError, match=message) as caught:
            canonical(path)
        assert str(caught.value).startswith(f"dataset {path}: ")
        assert "\n" not in str(caught.value)

    def test_enough_of_each_class_is_enough_for_every_split(self, tmp_path):
        y = np.repeat(np.arange(7), LEAST_OF_A_CLASS)
        x = np.random.default_rng(0).normal(size=(len(y), 3))
        dataset = load(canonical(saved(tmp_path / "a.npz", x=x, y=y)))
        for test_split in ("resampled", "fixed", "development"):
            for index in range(5):
                splits = split(dataset, SeedStreams(0, "evaluate", dataset.name, index), test_split)
                assert splits.test is not None
                assert set(splits.train.y.tolist()) == set(splits.test.y.tolist()) == set(range(7))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "there is no such file"),
            (b"", "is no archive of plain arrays"),
            (b"not at all", "is no archive of plain arrays"),
            (b"PK\x03\x04 cut short", "is no archive of plain arrays"),
        ],
    )
    def test_a_file_that_is_none_is_named(self, tmp_path, content, message):
        path = tmp_path / "a.npz"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            canonical(str(path))

    def test_nothing_is_unpickled(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=np.array([object()] * 60), y=Y)
        with pytest.raises(InputError, match="is no archive of plain arrays"):
            canonical(str(tmp_path / "a.npz"))

    def test_a_part_of_it_is_data_of_its_own(self, tmp_path):
        path = saved(tmp_path / "a.npz", test_examples=6)
        names = [canonical(reference) for reference in (path, f"{path}:45", f"{path}:48")]
        assert all(name.startswith("a@") for name in names)
        assert len({*names}) == 3
        dataset = load(names[1])
        assert (len(dataset.y), dataset.test_examples, find(names[1])[0].origin) == (51, 6, f"{path}:45")
        assert np.bincount(dataset.y[:45]).tolist() == [15] * 3
        assert np.array_equal(dataset.x[45:], X[54:].astype(np.float32))
        assert {row.tobytes() for row in dataset.x} < {row.tobytes() for row in load(names[2]).x}

    @pytest.mark.parametrize("number", ["55", "0", "", "-5", "many", "9" * 50])
    def test_a_part_that_there_is_not_is_one_line(self, tmp_path, number):
        path = saved(tmp_path / "a.npz", test_examples=6)
        with pytest.raises(InputError) as caught:
            canonical(f"{path}:{number}")
        there = f"{number!r} is not a number in 1..54, as many as it has to learn from"
        assert str(caught.value) == f"dataset {path}:{number}: {there}"

    def test_a_part_has_enough_of_each_class_or_is_none(self, tmp_path):
        path = saved(tmp_path / "a.npz")
        with pytest.raises(InputError, match=r"a.npz:20: y has \d examples of class \d to train on, at least 10"):
            canonical(f"{path}:20")

    def test_a_single_array_and_an_archive_without_labels_are_named(self, tmp_path):
        np.savez(tmp_path / "b.npz", x=X, labels=Y)
        with pytest.raises(InputError, match="has no y; it holds x, labels"):
            canonical(str(tmp_path / "b.npz"))
        with (tmp_path / "c.npz").open("wb") as file:
            np.save(file, X)
        with pytest.raises(InputError, match="holds one array, expected an archive with x and y"):
            canonical(str(tmp_path / "c.npz"))


class TestFunction:
    @pytest.fixture(autouse=True)
    def module(self, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(str(tmp_path))
        text = (
            "import numpy as np\nfrom core.data import Dataset\n"
            "y = np.arange(60) % 3\nx = np.random.default_rng(0).normal(size=(60, 5))\n"
            "def pair(): return x, y\n"
            "def triple(): return x, y, 15\n"
            "def named(): return {'x': x, 'y': y}\n"
            "def whole(): return Dataset('whole', x.astype('float32'), y)\n"
            "def broken(): raise KeyError('column')\n"
            "def nothing(): return None\n"
            "constant = 3\n"
        )
        (tmp_path / "my_lab.py").write_text(text)
        yield
        sys.modules.pop("my_lab", None)

    @pytest.mark.parametrize("function", ["pair", "named", "whole"])
    def test_what_it_returns_is_the_dataset(self, function):
        name = canonical(f"my_lab:{function}")
        assert name.startswith(f"{function}@")
        assert np.array_equal(load(name).x, X.astype(np.float32))

    def test_it_may_name_test_examples(self):
        assert load(canonical("my_lab:triple")).test_examples == 15

    @pytest.mark.parametrize(
        ("reference", "message"),
        [
            ("my_lab:missing", "my_lab:missing: cannot be imported: AttributeError"),
            ("no_lab:pair", "no_lab:pair: cannot be imported: ModuleNotFoundError: No module named 'no_lab'"),
            ("my_lab:constant", "is of type int, expected a function"),
            ("my_lab:broken", "raises KeyError: 'column'"),
            ("my_lab:nothing", "is of type NoneType, expected x and y"),
        ],
    )
    def test_one_that_does_not_work_is_one_line(self, reference, message):
        with pytest.raises(InputError, match=message):
            canonical(reference)

    def test_the_entry_point_of_a_package_is_found_by_its_name(self, monkeypatch):
        entry = EntryPoint("rooms", "my_lab:pair", own.ENTRY_POINT_GROUP)
        monkeypatch.setattr(own, "entry_points", lambda group: [entry] if group == own.ENTRY_POINT_GROUP else [])
        assert canonical("rooms").startswith("rooms@")
        with pytest.raises(InputError, match="unknown dataset 'room': did you mean 'rooms'"):
            canonical("room")

    def test_data_that_a_record_names_is_found_in_the_package_that_offers_it(self, monkeypatch):
        entry = EntryPoint("rooms", "my_lab:pair", own.ENTRY_POINT_GROUP)
        monkeypatch.setattr(own, "entry_points", lambda group: [entry])
        name = canonical("rooms")
        own._given.clear()
        assert load(name).name == name
        own._given.clear()
        with pytest.raises(InputError, match=f"'rooms@0123456789ab': package my_lab:pair has other data today: {name}"):
            find("rooms@0123456789ab")

    def test_a_broken_entry_point_is_one_line(self, monkeypatch):
        entry = EntryPoint("rooms", "no_lab:pair", own.ENTRY_POINT_GROUP)
        monkeypatch.setattr(own, "entry_points", lambda group: [entry])
        with pytest.raises(InputError, match="dataset rooms: no_lab:pair cannot be imported"):
            canonical("rooms")


def test_a_dataset_of_this_package_keeps_its_name_whatever_is_installed(monkeypatch):
    monkeypatch.setattr(own, "installed", lambda: {"digits": EntryPoint("digits", "x:y", own.ENTRY_POINT_GROUP)})
    assert canonical("digits") == "digits"
    assert canonical("mnist1d:200") == "mnist1d:200"


def test_a_record_may_name_data_that_is_not_there_but_it_cannot_be_run():
    check_name("sensors@0123456789ab")
    with pytest.raises(InputError, match=r"data of your own; name where it is again: --dataset FILE"):
        find("sensors@0123456789ab")


def test_a_dataset_is_its_own_whatever_it_was_called():
    again = dataset_of(Dataset("other", X.astype(np.float32), Y), "a", "here")
    assert again.name == dataset_of((X, Y), "a", "here").name
