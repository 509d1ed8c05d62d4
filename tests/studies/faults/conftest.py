import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forked import Forked


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    with Forked(tmp_path_factory.mktemp("forked")) as forked:
        yield forked


@pytest.fixture(scope="module")
def two_seeds(forked: Forked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a study of two seeds, to be copied."""
    results = tmp_path_factory.mktemp("two_seeds")
    assert forked.study(results, "--seeds", "2").code == 0
    return results


@pytest.fixture
def results(two_seeds: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(two_seeds, tmp_path / "results"))


def files(results: Path) -> dict[str, bytes]:
    """All files by their path, but the lock."""
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in results.rglob("*")
        if path.is_file() and path.name != ".lock"
    }
