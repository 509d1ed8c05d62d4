import numpy as np
import pytest

from core.data import SOURCES, load
from core.data.published.downloaded import DOWNLOADED
from core.errors import InputError
from tests.support.publisher import idx

NAMES = [source.name for source in DOWNLOADED]


@pytest.mark.parametrize("name", NAMES)
def test_a_dataset_is_what_its_publisher_serves(publisher, name):
    dataset, published = load(name), publisher.published[name]
    assert (dataset.x.dtype.name, dataset.y.dtype.name) == ("uint8", "int64")
    assert np.array_equal(dataset.x, published.x)
    assert np.array_equal(dataset.y, published.y)
    assert (dataset.name, dataset.test_examples) == (name, published.test_examples)
    assert (dataset.features, dataset.classes) == (SOURCES[name].features, SOURCES[name].classes)


def test_images_without_labels_are_refused(publisher):
    labels = "t10k-labels-idx1-ubyte.gz"
    publisher.publish("mnist", {labels: idx(np.zeros(19, np.uint8))})
    with pytest.raises(InputError, match=rf"{labels}: holds 19 labels for 20 images"):
        load("mnist")


def test_checksums_and_sizes_are_those_of_the_official_files():
    assert {name: SOURCES[name].size for name in NAMES} == {
        "mnist": 11_594_722, "fashion_mnist": 30_878_645, "cifar10": 170_052_171, "svhn": 246_316_178
    }  # fmt: skip
    files = [file for name in NAMES for file in SOURCES[name].files]
    assert len({file.md5 for file in files}) == len({file.url for file in files}) == len(files) == 11
    for file in files:
        assert len(bytes.fromhex(file.md5)) == 16
        assert file.url.endswith(f"/{file.name}")
