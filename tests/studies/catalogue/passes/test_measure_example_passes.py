import numpy as np
import pytest

from core.parts.gates import budget
from core.training.batch import CountedBatch
from core.training.evaluate import evaluate
from core.training.trained_network import TrainedNetwork
from studies.catalogue.passes import measure_example_passes as example_passes
from tests.support.trained import STREAMS, subject_of


def evaluated(trained: TrainedNetwork) -> tuple[float, float]:
    found = evaluate(
        trained.network,
        trained.strategy,
        trained.test,
        STREAMS.torch("gates", "test"),
        density=trained.density,
    )
    assert found is not None
    return found.error, found.loss


@pytest.mark.parametrize(("strategy", "settings", "passes"), [("top_k", {}, 1), ("fixed_passes", {"passes": 2}, 2)])
def test_every_example_takes_as_many_passes_as_are_fixed(strategy, settings, passes):
    found = example_passes.measure(subject_of(strategy, **settings))
    assert found["passes"] == [passes] * 360


@pytest.mark.parametrize("strategy", ["act_halting", "reinforce_halting", "small_dense"])
def test_wrong_and_loss_are_those_of_the_evaluation(strategy):
    trained = subject_of(strategy, epochs=2)
    found = example_passes.measure(trained)
    error, loss = evaluated(trained)
    assert np.mean(found["wrong"]) == pytest.approx(error)
    assert np.mean(found["loss"]) == pytest.approx(loss, abs=1e-4)
    assert example_passes.measure(trained) == found


def test_passes_of_a_halting_network_are_those_whose_blocks_were_computed():
    trained = subject_of("ponder_halting", network="8x4", test_halting="sampled")
    found = example_passes.measure(trained)
    assert len(set(found["passes"])) > 1
    batch = CountedBatch(trained.network, trained.test.x, None, STREAMS.torch("gates", "test"), density=0.5)
    (executed,) = batch.executed(trained.strategy.infer(batch))
    blocks = budget(8, trained.density / 2)
    assert found["passes"] == (executed.sum(dim=1) / blocks).tolist()
