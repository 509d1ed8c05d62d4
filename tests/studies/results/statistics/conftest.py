import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def quick_collection() -> Iterator[None]:
    """``multipletests`` collects garbage on each call, among all that the test run holds."""
    gc.freeze()
    yield
    gc.unfreeze()
