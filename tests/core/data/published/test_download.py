import socket
from pathlib import Path

import numpy as np
import pooch
import pytest

from core.data import cached, catalogue, load, load_if_there
from core.errors import InputError
from tests.support.publisher import idx

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
NAMES = ["mnist", "fashion_mnist", "cifar10", "svhn"]


def refusal(name: str = "mnist") -> str:
    with pytest.raises(InputError) as caught:
        load(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def forget() -> None:
    catalogue._load.cache_clear()


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", NAMES)
def test_files_are_downloaded_once_and_kept_under_their_own_names(publisher, cache, name):
    names = [file.name for file in publisher.sources[name].files]
    first = load(name)
    assert publisher.asked == [(name, file) for file in names]
    assert kept(cache) == sorted(names)
    assert {path.parent for path in cache.rglob("*") if path.is_file()} == {cache / name}
    forget()
    assert np.array_equal(load(name).x, first.x)
    assert len(publisher.asked) == len(names)


def test_a_downloaded_dataset_is_loaded_once(publisher):
    assert load("mnist") is load("mnist")
    assert len(publisher.asked) == 4


def test_what_is_cached_is_known_by_name_and_size(publisher, cache):
    source = publisher.sources["mnist"]
    assert cached(source) is None
    assert load_if_there("mnist") is None
    assert not publisher.asked
    load("mnist")
    assert cached(source) == cache / "mnist"
    found = load_if_there("mnist")
    assert found is not None
    assert found.test_examples == 20
    (cache / "mnist" / LABELS).write_bytes(b"damaged")
    assert cached(source) is None
    assert len(publisher.asked) == 4


@pytest.mark.parametrize("damage", [b"damaged", None], ids=["shorter", "as long"])
def test_a_damaged_file_in_the_cache_is_downloaded_again(publisher, cache, damage):
    load("mnist")
    path = cache / "mnist" / LABELS
    whole = path.read_bytes()
    path.write_bytes(damage or whole[::-1])
    forget()
    load("mnist")
    assert path.read_bytes() == whole
    assert publisher.asked[4:] == [("mnist", LABELS)]


def test_a_damaged_file_in_the_cache_is_named_where_nothing_may_be_downloaded(publisher, cache):
    load("mnist")
    path = cache / "mnist" / LABELS
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(InputError, match=rf"{LABELS}: its md5 is "):
        load_if_there("mnist")


def test_a_file_with_another_checksum_is_not_kept(publisher, cache):
    publisher.served["mnist", IMAGES] = idx(np.zeros((30, 28, 28), np.uint8))
    message = refusal()
    assert f"cannot download {publisher.address}/mnist/{IMAGES}: the file there has another md5" in message
    assert kept(cache) == []
    assert publisher.asked == [("mnist", IMAGES)] * 4


@pytest.mark.parametrize("fault", [503, "drop"])
def test_a_failed_download_is_tried_again(publisher, fault):
    publisher.faults = [fault]
    assert load("mnist").test_examples == 20
    assert publisher.asked[:3] == [("mnist", IMAGES), ("mnist", IMAGES), ("mnist", LABELS)]


@pytest.mark.parametrize(
    ("fault", "reason"), [(404, "the server answers 404 Not Found"), (503, "the server answers 503"), ("drop", "")]
)
def test_a_server_that_keeps_failing_is_named_and_nothing_is_kept(publisher, cache, fault, reason):
    publisher.faults = [fault] * 4
    assert f"cannot download {publisher.address}/mnist/{IMAGES}: {reason}" in refusal()
    assert len(publisher.asked) == 4
    assert kept(cache) == []


def test_without_a_server_every_way_out_is_in_one_line(publisher, cache):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        publisher.address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    publisher.publish_all()
    message = refusal()
    assert f"dataset 'mnist': cannot download {publisher.address}/mnist/{IMAGES}: Connection refused; put " in message
    for file in publisher.sources["mnist"].files:
        assert f"{file.name} (md5 {file.md5}, from {file.url})" in message
    assert "into DIR/mnist and add --data DIR" in message
    assert "--dataset mnist_5k" in message
    assert kept(cache) == []


def test_an_interrupted_download_leaves_nothing_that_passes_for_complete(publisher, cache, monkeypatch):
    write = pooch.HTTPDownloader.__call__

    def interrupted(self, url, output_file, *arguments, **options):
        write(self, url, output_file, *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load("mnist")
    assert kept(cache) == []


def test_a_file_that_is_published_damaged_is_named(publisher, cache):
    publisher.publish("mnist", {IMAGES: idx(np.zeros((30, 28, 28), np.uint8))[:-9]})
    assert refusal().startswith(f"{cache / 'mnist' / IMAGES}: not a whole gzip file")


def test_a_cache_that_cannot_be_written_is_named(publisher, cache):
    cache.parent.mkdir()
    cache.write_text("a file in the way")
    message = refusal()
    assert f"cannot write to the cache {cache / 'mnist'}: " in message
    assert "--data DIR" in message


def test_nothing_is_said_where_there_is_no_terminal(publisher, capsys):
    publisher.faults = [503]
    load("mnist")
    assert capsys.readouterr() == ("", "")


def test_a_file_that_goes_on_beyond_the_published_size_is_not_read_to_its_end(publisher, cache, monkeypatch):
    written = []
    write = pooch.HTTPDownloader.__call__

    def watched(self, url, output_file, *arguments, **options):
        try:
            write(self, url, output_file, *arguments, **options)
        finally:
            written.append(Path(output_file).stat().st_size)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", watched)
    size = len(publisher.served["mnist", IMAGES])
    publisher.served["mnist", IMAGES] += bytes(50_000_000)
    assert f"{IMAGES}: the file there is longer than the {size} bytes of the published one" in refusal()
    assert kept(cache) == []
    assert max(written) <= size
