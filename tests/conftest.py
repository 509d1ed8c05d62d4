from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest
import torch

from core.data import SOURCES, catalogue
from kernels import choice
from kernels.cpu.compilation import PROCESSOR, ready
from tests.support.publisher import Publisher, serving

# Shared machines stretch wall time, and a failure must be found again on the next run.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for downloads in place of the user's own."""
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path / "cache" / "gating-studies"


@pytest.fixture
def back_ends_chosen_anew() -> Iterator[None]:
    """Nothing is known of what this machine can run, before the test and after it."""
    known = (ready.unavailable, choice._suited, choice._log)
    for function in known:
        function.cache_clear()
    yield
    for function in known:
        function.cache_clear()


@pytest.fixture
def without_fused_multiply_adds(back_ends_chosen_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that cannot run the CPU kernels."""
    monkeypatch.setattr(ready, "PROCESSOR", PROCESSOR._replace(name="nehalem", fused=False))


@pytest.fixture
def publisher(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """Serves small files in place of the publishers of all datasets that are downloaded."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))
    with serving(SOURCES) as publisher:
        for module in ("core.data", "core.data.catalogue"):
            monkeypatch.setattr(f"{module}.SOURCES", publisher.sources)
        catalogue._load.cache_clear()
        yield publisher
        catalogue._load.cache_clear()
