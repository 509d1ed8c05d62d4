import pytest
from rich.console import Console

from core import data
from studies.formatting import count


def described(out: str) -> dict[str, tuple[str, str]]:
    """What is said of each dataset: the line that begins with its name, and the indented ones after it."""
    heads: dict[str, str] = {}
    about: dict[str, list[str]] = {}
    name = ""
    for line in out.splitlines():
        if line.startswith(" "):
            about[name] += line.split()
        else:
            name, _, size = line.partition(": ")
            assert name not in heads
            heads[name], about[name] = size, []
    return {name: (size, " ".join(about[name])) for name, size in heads.items()}


def test_datasets_lists_each_with_its_size(command):
    done = command("datasets")
    assert (done.code, done.err) == (0, "")
    found = described(done.out)
    assert list(found) == list(data.SOURCES)
    for source in data.SOURCES.values():
        size, about = found[source.name]
        assert size == (
            f"{count(source.examples)} examples of {count(source.features)} features, {source.classes} classes"
        )
        assert about.startswith(source.summary)
        assert source.origin in about
        assert (f"as {source.name}:N, " in about) == (source.sizes is not None)


def test_datasets_says_which_are_embedded_there_or_still_to_download(command, publisher, cache, monkeypatch):
    data.load("mnist")
    monkeypatch.setattr("studies.cli.output.console", Console(width=500))
    done = command("datasets")
    assert (done.code, done.err) == (0, "")
    about = {name: text for name, (_, text) in described(done.out).items()}
    assert about["digits"].endswith("; embedded")
    assert about["fashion_mnist"].endswith("; to download, 0 MB")
    assert about["mnist"].endswith(f"; in {cache / 'mnist'}")
    assert len(publisher.asked) == 4


@pytest.mark.usefixtures("cache")
def test_datasets_says_how_much_there_is_to_download(command):
    found = described(command("datasets").out)
    for name, size in (("mnist", 12), ("fashion_mnist", 31), ("cifar10", 170), ("svhn", 246)):
        assert found[name][1].endswith(f"; to download, {size} MB")


@pytest.mark.usefixtures("cache")
def test_no_line_is_longer_than_eighty_columns_but_that_of_a_long_path(command, monkeypatch):
    wide = described(command("datasets").out)
    monkeypatch.setattr("studies.cli.output.console", Console(width=80))
    out = command("datasets").out
    assert all(len(line) <= 80 or len(line.split()) == 1 for line in out.splitlines())
    assert described(out) == wide
