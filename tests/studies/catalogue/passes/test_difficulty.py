import numpy as np
import pytest

from studies.catalogue.passes.difficulty import FIFTHS, JUDGE, passes_by_difficulty, tracking
from studies.design.runs import PlannedRun
from studies.results import Results
from tests.support.invented import Record, results_of
from tests.support.records import design_of, record_of

LOSSES = {0: [0.0, 1.0, 2.0, 3.0, 9.0], 1: [4.0, 1.0, 2.0, 3.0, 5.0]}


def results(*strategies: str) -> Results:
    def record(run: PlannedRun) -> Record:
        judged = run.arm == JUDGE
        passes = [1] * 5 if judged else [1, 1, 2, 2, 3]
        loss = LOSSES[run.configuration.seed] if judged else [0.0] * 5
        return record_of(run.configuration) | {"measured": {"example_passes": {"passes": passes, "loss": loss}}}

    return results_of(design_of(*strategies, seeds=2), record)


def test_difficulty_is_the_mean_loss_of_the_dense_network_over_all_seeds():
    found = passes_by_difficulty(results(JUDGE, "act_halting"))
    own = found[found["arm"] == "act_halting"]
    # Mean losses are 2, 1, 2, 3, 7: the second example is the easiest, then the first and the third.
    assert own[list(FIFTHS)].to_numpy().tolist() == [[1.0, 1.0, 2.0, 2.0, 3.0]] * 2
    assert own["mean_passes"].tolist() == [1.8, 1.8]
    ranks = [1.5, 1.5, 3.5, 3.5, 5.0], [2.5, 1.0, 2.5, 4.0, 5.0]
    assert own["spearman"].iloc[0] == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert found.loc[found["arm"] == JUDGE, "spearman"].isna().all()


def test_without_the_dense_network_nothing_is_difficult():
    assert passes_by_difficulty(results("act_halting")).empty


def test_fifths_of_a_number_that_is_not_divisible_hold_every_example():
    found = tracking([1, 2, 3, 4, 5, 6], np.arange(6.0))
    assert [found[name] for name in FIFTHS] == [1.5, 3.0, 4.0, 5.0, 6.0]
    assert found["spearman"] == pytest.approx(1)
