"""Strategies that cheat are refused, each in one line that says how."""

import pytest

from core.architecture import Architecture
from core.conformance import NETWORKS, problems, warnings
from core.strategy import Strategy
from tests.support import cheats

FREE = "work that is not charged"
OTHERS = "a prediction depends on the other examples of its batch"
CHEATS = [
    (cheats.FreeGater, "nothing_free", f"objective does {FREE}"),
    (cheats.FreeGaterWithoutGradients, "nothing_free", f"objective does {FREE}"),
    (cheats.FreeGaterByBroadcast, "nothing_free", f"objective does {FREE}"),
    (cheats.FreeGaterRowByRow, "nothing_free", f"objective does {FREE}"),
    (cheats.FreeGaterByDistance, "nothing_free", f"objective does {FREE}"),
    (cheats.FreeGaterOnlyInTests, "nothing_free", f"infer does {FREE}"),
    (cheats.WorksInItsObjective, "nothing_free", f"objective does {FREE}"),
    (cheats.WorksInInfer, "nothing_free", f"infer does {FREE}"),
    (cheats.DifferentiatesTwice, "nothing_free", f"objective does {FREE}"),
    (cheats.ExpertChoice, "own_gates", OTHERS),
    (cheats.NormalisedByTheBatch, "own_gates", OTHERS),
    (cheats.BernoulliOfTheBatch, "own_gates", OTHERS),
    (cheats.MacsSetToZero, "cost_counted", "macs of a pass was written to in place"),
    (cheats.MacsSetThroughData, "cost_counted", "macs of a pass was written to through .data"),
    (cheats.ExecutedSetToZero, "cost_counted", "executed of a pass was written to in place"),
    (cheats.OutputOverwritten, "cost_counted", "the output of a pass was written to in place"),
    (cheats.OutputSetThroughData, "cost_counted", "the output of a pass was written to through .data"),
    (cheats.LossSetThroughData, "finite", "the loss of a pass was written to through .data"),
    (cheats.GatesChangedAfterwards, "cost_counted", "gates of a pass was written to in place"),
    (cheats.InputOverwritten, "finite", "layer 0: decide wrote in place to site.hidden"),
    (cheats.MacsOfAnotherPass, "cost_counted", "macs of a pass was written to through .data"),
    (cheats.BlocksTakenForMade, "cost_counted", "products.opened of a pass was written to through .data"),
]


def supported(strategy_type: type[Strategy]) -> set[str]:
    """The networks that have what a strategy needs."""
    return {network for network in NETWORKS if strategy_type.needs <= Architecture.parse(network, 6, 3).supports}


@pytest.mark.parametrize(("cheat", "check", "message"), CHEATS, ids=[cheat.__name__ for cheat, _, _ in CHEATS])
def test_a_cheat_is_refused_by_its_check_on_every_network_in_one_line(cheat, check, message):
    found = [problem for problem in problems(cheat) if problem.check == check and message in problem.message]
    assert {problem.network for problem in found} == supported(cheat)
    assert all("\n" not in problem.message for problem in found)


def test_uncharged_work_is_named_with_its_operation_its_amount_and_the_line_of_the_strategy():
    (found, *_) = (problem.message for problem in problems(cheats.FreeGater) if problem.check == "nothing_free")
    line = cheats.FreeGater.scores.__code__.co_firstlineno + 1
    # 784 inputs to 6 units to 8 blocks, forward.
    assert f"{784 * 6 + 6 * 8:,} multiply-adds per example, most of them by addmm at {cheats.__file__}:{line};" in found


@pytest.mark.parametrize("honest", [cheats.HighestScores, cheats.OwnGater])
def test_honest_work_is_neither_refused_nor_warned_of(honest):
    assert [str(problem) for problem in problems(honest)] == []
    assert [str(warning) for warning in warnings(honest)] == []
