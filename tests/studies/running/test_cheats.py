"""A run of a strategy that cheats ends as an error record that says how, so that no table holds its numbers."""

from dataclasses import replace

import pytest

from core import data
from studies.running.trial import execute
from tests.support import cheats
from tests.support.records import configurations_of, design_of

CHEATS = {
    cheats.FreeGater: "work that is not charged",
    cheats.FreeGaterByBroadcast: "work that is not charged",
    cheats.FreeGaterOnlyInTests: "infer does work that is not charged",
    cheats.WorksInItsObjective: "work that is not charged",
    cheats.WorksInInfer: "work that is not charged",
    cheats.ExpertChoice: "a prediction depends on the other examples of its batch",
    cheats.NormalisedByTheBatch: "a prediction depends on the other examples of its batch",
    cheats.MacsSetToZero: "written to in place",
    cheats.MacsSetThroughData: "written to through .data",
    cheats.ExecutedSetToZero: "written to in place",
    cheats.OutputOverwritten: "written to in place",
    cheats.OutputSetThroughData: "written to through .data",
    cheats.InputOverwritten: "wrote in place to site.hidden",
}


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.__name__)
def test_a_run_of_a_cheat_is_an_error_that_says_how(cheat):
    (configuration,) = configurations_of(design_of("dense", seeds=1, networks=("8x8",), densities=(0.25,)))
    record = execute(configuration, cheat, data.load(configuration.dataset))
    assert record["status"] == "error"
    assert record["reason"].startswith("ProtocolError: ")
    assert CHEATS[cheat] in record["reason"]
    assert "test_error" not in record


@pytest.mark.parametrize("stage", ["search", "evaluate"])
def test_a_run_of_an_own_gater_that_is_charged_is_sound(stage):
    (configuration,) = configurations_of(design_of("dense", seeds=1, networks=("8x8",), densities=(0.25,)))
    record = execute(
        replace(configuration, stage=stage, test_split="fixed"), cheats.OwnGater, data.load(configuration.dataset)
    )
    assert (record["status"], record["reason"]) == ("ok", "")
