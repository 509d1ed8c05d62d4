"""Looks at a study: each is at its first seeds and its own level, and nothing seen on the way is left out."""

import pytest

from studies.design import Primary
from studies.design.runs import PlannedRun
from studies.results import Results
from studies.results.looks import LOOKS, settled
from studies.results.statistics.looks import look_levels, repeated_interval
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of, record_of
from tests.support.tables import written

# The fourth and fifth seed turn the difference.
DIFFERENCES = [-0.05, -0.06, -0.055, -0.05, 0.2, 0.2]


def results(seeds: int, failed: int | None = None, looks: tuple[int, ...] = (4, 6, 8)) -> Results:
    def record(run: PlannedRun) -> Record:
        seed = run.configuration.seed
        if run.arm == "reinforce" and seed == failed:
            return record_of(run.configuration, "nan")
        return measured(run, 0.5 + (DIFFERENCES[seed] if run.arm == "reinforce" else 0.0))

    return results_of(design_of("small_dense", "reinforce", "top_k", seeds=seeds, looks=looks), record)


def test_every_look_up_to_the_seeds_is_there_at_its_level_over_its_first_seeds():
    found = results(6).looks
    of_reinforce = found[found["arm"] == "reinforce"].to_dict("records")
    assert [row["units"] for row in of_reinforce] == [4, 6]
    levels = look_levels((4, 6, 8), 0.05 / 2)
    for row, level in zip(of_reinforce, levels, strict=False):
        expected = repeated_interval(DIFFERENCES[: row["units"]], level)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(expected)
        assert row["level"] == level
    assert [row["verdict"] for row in of_reinforce] == ["better", "undecided"]


def test_the_last_look_is_the_contrast():
    whole = results(6)
    last = whole.looks[whole.looks["units"] == 6]
    both = last.merge(whole.contrasts, on=["arm", "reference"], suffixes=("", "_contrast"))
    assert len(both) == 2
    assert both["ci_low"].tolist() == pytest.approx(both["ci_low_contrast"].tolist())
    assert both["verdict"].tolist() == both["verdict_contrast"].tolist()


def test_a_failure_ends_the_verdicts_from_the_look_on_that_has_it():
    found = results(6, failed=4).looks
    assert found.loc[found["arm"] == "reinforce", "verdict"].tolist() == ["better", ""]
    # It has no verdict to hope for.
    assert settled(found[found["arm"] == "reinforce"], 6)


def test_equal_arms_are_not_settled_before_there_is_a_word_or_no_hope():
    found = results(6).looks
    assert not settled(found, 4)


def test_a_study_of_one_look_has_no_table_of_looks():
    assert LOOKS.numbers(results(4, looks=(4,))).empty
    shown = LOOKS.numbers(results(4))
    assert len(written(LOOKS, shown)) == 2
    assert "Not taken: looks at 6, 8 seeds" in LOOKS.caption(results(4))


def test_seeds_that_are_no_look_take_the_looks_before_them():
    found = results(5).looks
    assert set(found["units"]) == {4}
    assert set(results(5).contrasts["withheld"]) == {"5 seeds are no look of the study"}


def test_without_primary_contrasts_there_is_nothing_to_look_at():
    assert results_of(design_of("dense", "reinforce", primary=()), lambda run: measured(run, 0.1)).looks.empty
    assert Primary("reinforce") == Primary("reinforce", "dense front")
