import numpy as np
import pandas as pd
import pytest

from studies.results.equal_compute import beyond_front

HERE = {"dataset": "digits", "network": "16x16"}


def runs(*rows: tuple[int, float, float], failed: bool = False) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["seed", "test_macs", "error"]).assign(failed=failed, **HERE)


def test_every_seed_has_its_own_front_whatever_the_order_of_its_networks():
    front = runs((0, 10_000.0, 0.2), (0, 100.0, 0.4), (1, 100.0, 0.2), (1, 10_000.0, 0.1))
    assert beyond_front(runs((0, 1000.0, 0.25), (1, 1000.0, 0.25)), front).tolist() == pytest.approx([-0.05, 0.10])


def test_runs_beyond_the_ends_or_without_multiply_adds_have_no_difference():
    front = runs((0, 100.0, 0.4), (0, 400.0, 0.2))
    found = beyond_front(runs((0, 99.0, 0.1), (0, 401.0, 0.1), (0, np.nan, 0.9), (0, 100.0, 0.5)), front)
    assert found.isna().tolist() == [True, True, True, False]


def test_a_front_with_a_failed_network_is_none():
    front = pd.concat([runs((0, 100.0, 0.4), (0, 400.0, 0.2)), runs((0, 200.0, 0.9), failed=True)])
    assert beyond_front(runs((0, 150.0, 0.1)), front).isna().all()


@pytest.mark.parametrize("other", [{"dataset": "mnist1d"}, {"network": "8x8"}])
def test_another_dataset_or_network_has_another_front(other):
    front = runs((0, 100.0, 0.4), (0, 400.0, 0.2))
    assert beyond_front(runs((0, 200.0, 0.1)).assign(**other), front).isna().all()


def test_without_a_front_there_is_no_difference():
    assert beyond_front(runs((0, 200.0, 0.1)), runs()).isna().all()
