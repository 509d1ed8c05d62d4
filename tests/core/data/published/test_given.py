import shutil
from pathlib import Path

import numpy as np
import pytest

from core.data import load, load_if_there
from core.errors import InputError

LABELS = "train-labels-idx1-ubyte.gz"


def refusal(name: str, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(name, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("place", ["", "NAME"])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "svhn"])
def test_files_are_found_in_the_folder_or_in_its_folder_of_that_name(publisher, cache, tmp_path, name, place):
    publisher.write(name, tmp_path / "data" / place.replace("NAME", name))
    dataset = load(name, tmp_path / "data")
    assert np.array_equal(dataset.x, publisher.published[name].x)
    assert not publisher.asked
    assert not cache.exists()


def test_files_that_share_their_names_are_told_apart(publisher, tmp_path):
    publisher.write("mnist", tmp_path)
    publisher.write("fashion_mnist", tmp_path / "fashion_mnist")
    for name in ("mnist", "fashion_mnist"):
        assert np.array_equal(load(name, tmp_path).x, publisher.published[name].x)


def test_a_whole_file_is_preferred_to_a_damaged_one(publisher, tmp_path):
    publisher.write("mnist", tmp_path)
    publisher.write("mnist", tmp_path / "mnist")
    (tmp_path / "mnist" / LABELS).write_bytes(b"damaged")
    assert load("mnist", tmp_path).test_examples == 20


def test_a_missing_file_is_named_with_the_folder_and_its_address(publisher, tmp_path):
    publisher.write("mnist", tmp_path)
    (tmp_path / LABELS).unlink()
    assert refusal("mnist", tmp_path) == (
        f"dataset 'mnist': neither {tmp_path / 'mnist'} nor {tmp_path} has {LABELS} "
        f"(from {publisher.address}/mnist/{LABELS})"
    )
    assert not publisher.asked


def test_all_missing_files_are_named(publisher, tmp_path):
    message = refusal("svhn", tmp_path)
    assert "train_32x32.mat (from http" in message
    assert "test_32x32.mat (from http" in message


def test_another_file_of_that_name_is_refused(publisher, tmp_path):
    publisher.write("mnist", tmp_path)
    publisher.write("fashion_mnist", tmp_path / "others")
    shutil.copy(tmp_path / "others" / LABELS, tmp_path / LABELS)
    message = refusal("mnist", tmp_path)
    assert message.startswith(f"{tmp_path / LABELS}: its md5 is ")
    assert message.endswith(f"; fetch it again from {publisher.address}/mnist/{LABELS}")


@pytest.mark.parametrize("name", ["mnist", "cifar10", "svhn"])
def test_a_truncated_file_is_refused(publisher, tmp_path, name):
    publisher.write(name, tmp_path)
    path = tmp_path / publisher.sources[name].files[0].name
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(name, tmp_path).startswith(f"{path}: its md5 is ")


def test_a_file_that_cannot_be_read_is_named(publisher, tmp_path, monkeypatch):
    publisher.write("mnist", tmp_path)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert refusal("mnist", tmp_path) == f"{tmp_path / 'train-images-idx3-ubyte.gz'}: cannot be read: Permission denied"


def test_a_given_dataset_is_loaded_once_per_folder(publisher, tmp_path, monkeypatch):
    publisher.write("mnist", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    found = load("mnist", tmp_path / "data")
    assert load("mnist", tmp_path / "data" / ".." / "data") is load_if_there("mnist", tmp_path / "data") is found
    assert load("mnist") is not found
