"""Text as examples: what a window holds, what is kept apart for tests, and what is said of text that does not do."""

import math
from pathlib import Path

import numpy as np
import pytest

from core.data import Dataset, canonical, check_positions, find, load, metric_of, own, split, text
from core.errors import InputError
from core.seeding import SeedStreams

LETTERS = text.letters_of("The quick brown fox jumps over the lazy dog. " * 400)


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    monkeypatch.setattr(own, "_given", {})


def read(dataset: Dataset, row: int) -> str:
    """The letters of a window, by the features that are 1."""
    places = dataset.x[row].reshape(text.WINDOW, dataset.classes)
    assert (places.sum(axis=1) == 1).all()
    return "".join(dataset.alphabet[letter] for letter in places.argmax(axis=1))


class TestWindows:
    def test_each_holds_letters_of_the_text_and_the_next_one(self):
        dataset = text.windows(LETTERS, "fox", 2000)
        assert dataset.alphabet == " abcdefghijklmnopqrstuvwxyz"
        assert dataset.features == 12 * 27
        for row in (0, 1, 700, 1599, 1600, 1999):
            window = read(dataset, row) + dataset.alphabet[dataset.y[row]]
            assert window in LETTERS

    def test_those_for_tests_are_of_the_last_tenth_alone(self):
        # Letters that occur once each, so that a window says where it is.
        letters = "".join(chr(0x4E00 + place) for place in range(200)) * 100
        marked = letters[:18_000] + "abcdefghijklmnopqrstuvwxyz" * 76 + "abcdefghijklmnopqrstuvwx"
        dataset = text.windows(marked, "marked", 5000)
        assert dataset.test_examples == 1000
        assert all("a" <= letter <= "z" for row in range(4000, 5000) for letter in read(dataset, row))
        assert all(
            letter > "z" for row in range(4000) for letter in read(dataset, row) + dataset.alphabet[dataset.y[row]]
        )

    def test_there_are_as_many_as_are_asked_for_and_none_is_there_twice(self):
        letters = "".join(np.random.default_rng(0).choice(list("abcdefgh"), 30_000))
        most = text.most_windows(letters)
        dataset = text.windows(letters, "random", most)
        assert len(dataset.y) == most
        # Of 8^13 windows nearly all that are drawn are different.
        assert len({read(dataset, row) for row in range(most)}) > 0.999 * most
        with pytest.raises(
            InputError, match=rf"{most + 1} windows are not in 1000\.\.{most}, as many as its 30000 letters make"
        ):
            text.windows(letters, "random", most + 1)

    def test_a_text_that_is_too_short_or_of_too_many_letters_is_refused_in_one_line(self):
        with pytest.raises(InputError, match="its 5 letters make 0 windows, at least 1000 are needed"):
            text.windows("short", "short", 1000)
        many = "".join(chr(0x4E00 + place) for place in range(300)) * 100
        with pytest.raises(InputError, match="has 300 different letters, at most 256 are read"):
            text.windows(many, "many", 1000)


class TestKingJamesBible:
    def test_it_is_natural_text_in_bits(self):
        dataset = load("kjv:2000")
        assert (dataset.name, dataset.metric, dataset.classes, dataset.test_examples) == ("kjv:2000", "bits", 27, 400)
        assert read(dataset, 0) + dataset.alphabet[dataset.y[0]] == "in the beginn"
        assert metric_of("kjv") == "bits"

    @pytest.mark.parametrize("size", ["999", "3600001", "many", "", "-5", "1e4"])
    def test_a_size_that_it_does_not_have_is_refused(self, size):
        with pytest.raises(InputError, match=r"is not a number in 1000\.\.3600000"):
            find(f"kjv:{size}")

    def test_all_its_sizes_can_be_made(self):
        source, _ = find("kjv")
        assert source.sizes is not None
        from core.data.embedded import _bible

        assert source.sizes.most <= text.most_windows(_bible())

    def test_stretches_are_held_out_and_not_single_windows(self):
        dataset = load("kjv:5000")
        for test_split in ("resampled", "development"):
            splits = split(dataset, SeedStreams(0, "evaluate", "kjv:5000", 0), test_split)
            assert splits.test is not None
            assert splits.test_indices is not None
            shares = [len(part.y) / 5000 for part in (splits.train, splits.validation, splits.test)]
            assert math.isclose(sum(shares) + (0.2 if test_split == "development" else 0), 1, abs_tol=0.01)
            assert splits.test.metric == splits.validation.metric == "bits"
        # Ten windows lie side by side in a stretch.
        assert splits.test_indices is not None
        kept = np.sort(splits.test_indices)
        assert np.mean(np.diff(kept) == 1) > 0.85


class TestFile:
    def test_it_is_known_by_its_name_and_what_it_holds_and_is_in_bits(self, tmp_path):
        (tmp_path / "fox.txt").write_text("The quick brown fox jumps over the lazy dog. " * 400, encoding="utf-8")
        name = canonical(str(tmp_path / "fox.txt"))
        assert name.startswith("fox.txt@")
        assert name.endswith("-bits")
        assert metric_of(name) == "bits"
        dataset = load(name)
        assert dataset.alphabet[dataset.y[0]] == LETTERS[12]
        assert canonical(f"{tmp_path}/fox.txt:2000") != name
        assert len(load(canonical(f"{tmp_path}/fox.txt:2000")).y) == 2000

    @pytest.mark.parametrize(
        ("reference", "message"),
        [
            ("gone.txt", "there is no such file"),
            ("fox.txt:many", "'many' is no number of windows, such as .*fox.txt:100000"),
            ("fox.txt:", "'' is no number of windows"),
            ("fox.txt:9999999", r"9999999 windows are not in 1000\.\.8740, as many as its 17599 letters make"),
            ("latin.txt", "is no text in UTF-8"),
            ("short.txt", "its 9 letters make 0 windows"),
        ],
    )
    def test_what_cannot_be_read_is_one_line(self, tmp_path: Path, reference, message):
        (tmp_path / "fox.txt").write_text("The quick brown fox jumps over the lazy dog. " * 400, encoding="utf-8")
        (tmp_path / "latin.txt").write_bytes("é".encode("latin-1") * 5000)
        (tmp_path / "short.txt").write_text("too short", encoding="utf-8")
        with pytest.raises(InputError, match=message) as caught:
            canonical(f"{tmp_path}/{reference}")
        assert "\n" not in str(caught.value)


def test_vectors_of_ones_own_may_be_measured_in_bits(tmp_path):
    y = np.arange(60) % 3
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=(60, 5)), y=y, metric="bits")
    name = canonical(str(tmp_path / "a.npz"))
    assert metric_of(name) == load(name).metric == "bits"
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=(60, 5)), y=y, metric="accuracy")
    with pytest.raises(InputError, match="metric is accuracy, expected error or bits"):
        canonical(str(tmp_path / "a.npz"))


class TestSequences:
    def test_each_letter_is_followed_by_the_next_one_of_the_text(self):
        windows = text.windows(LETTERS, "fox", 4000)
        dataset = text.sequences(windows, 20)
        assert dataset.x.shape == dataset.y.shape == (200, 20)
        assert dataset.test_examples == 40
        for row in (0, 1, 159, 160, 199):
            letters = "".join(dataset.alphabet[letter] for letter in [*dataset.x[row], dataset.y[row, -1]])
            assert letters in LETTERS
            assert np.array_equal(dataset.x[row, 1:], dataset.y[row, :-1])

    def test_those_for_tests_are_of_the_last_tenth_alone(self):
        letters = "ab" * 9000 + "cd" * 1000
        dataset = text.sequences(text.windows(letters, "marked", 5000), 50)
        tested = dataset.alphabet.index("c")
        assert (dataset.x[-dataset.test_examples :] >= tested).all()
        assert (dataset.y[: -dataset.test_examples] < tested).all()

    def test_splits_hold_letters_as_they_are(self):
        dataset = text.windows(LETTERS, "fox", 4000)
        found = split(dataset, SeedStreams(0, "evaluate", "fox", 0), "resampled", positions=20)
        assert found.test is not None
        assert (found.mean, found.std) == (0.0, 1.0)
        parts = (found.train, found.validation, found.test)
        assert {str(part.x.dtype) for part in parts} == {"torch.int64"}
        assert [len(part.y) for part in parts] == [140, 20, 40]
        assert all(part.x.shape == part.y.shape for part in parts)

    @pytest.mark.parametrize(
        ("dataset", "positions", "said"),
        [
            ("digits", 8, "dataset digits: is no text, which sequences of 8 are made of; kjv is one"),
            ("kjv:2000", 64, "2000 windows make too few sequences of 64 letters; ask for 3200 or more"),
        ],
    )
    def test_what_makes_no_sequences_is_refused_in_one_line(self, dataset, positions, said):
        with pytest.raises(InputError, match=said):
            check_positions(dataset, positions)
        with pytest.raises(InputError, match=said):
            split(load(dataset), SeedStreams(0, "evaluate", dataset, 0), "resampled", positions=positions)

    def test_what_makes_one_example_each_is_not_asked_about_text(self):
        check_positions("digits", 1)

    def test_a_file_of_ones_own_makes_sequences_too(self, tmp_path):
        (tmp_path / "fox.txt").write_text(LETTERS, encoding="utf-8")
        name = canonical(f"{tmp_path / 'fox.txt'}:4000")
        check_positions(name, 16)
        found = split(load(name), SeedStreams(0, "evaluate", "fox", 0), "resampled", positions=16)
        assert found.train.x.shape[1] == 16
