import hypothesis
import pytest
import torch

# Shared machines stretch wall time, and a failure must be found again on the next run.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)
