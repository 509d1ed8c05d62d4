from typing import Any

import pandas as pd

from studies.design.protocol import Search
from studies.report.caveats import caveats
from studies.report.sentences import count_verdicts, sentences
from studies.results.collecting import collect
from tests.support.records import design_of, finished


def contrasts_of(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    """Arm, dataset, difference, verdict; intervals are a point to both sides."""
    table = pd.DataFrame(rows, columns=["arm", "dataset", "difference", "verdict"])
    ends: dict[str, Any] = {
        "ci_low": table.difference - 0.01,
        "ci_high": table.difference + 0.01,
        "level": 0.025,
        "std": 0.02,
        "example_std": float("nan"),
    }
    table = table.assign(network="16x16", target_density=0.125, reference="small_dense", primary=True, withheld="")
    return table.assign(
        n=20,
        units=20,
        failures=0,
        reference_failures=0,
        beyond=0,
        p=0.001,
        delta=0.005,
        detectable=0.012,
        seeds_needed=212.0,
        **ends,
    )


def test_each_primary_contrast_is_told_by_its_interval_decided_ones_first():
    said = sentences(
        contrasts_of(
            ("disarm", "mnist_5k", 0.004, "undecided"),
            ("reinforce", "mnist_5k", 0.02, "worse"),
            ("top_k", "mnist_5k", -0.03, "better"),
            ("static_blocks", "mnist1d", 0.001, "equivalent"),
        ),
    )
    assert said == [
        (
            "mnist_5k, 16x16, τ = 1/8",
            [
                "top_k is better than small_dense, by at least 2.0 points: −3.0, interval −4.0 to −2.0.",
                "reinforce is worse than small_dense, by at least 1.0 points: +2.0, interval +1.0 to +3.0.",
                "disarm is not told apart from small_dense: +0.4, interval −0.6 to +1.4. If that is the difference, "
                "about 212 seeds decide four times in five.",
            ],
        ),
        (
            "mnist1d, 16x16, τ = 1/8",
            [
                "static_blocks is as good as small_dense, within δ = 0.50 points: +0.1, interval −0.9 to +1.1.",
            ],
        ),
    ]


def line_of(*row: str | float, **changes: object) -> str:
    table = contrasts_of(("reinforce", "digits", *row)).assign(**changes)  # type: ignore[arg-type]
    ((_, (line,)),) = sentences(table)
    return line


def test_a_difference_that_is_found_and_small_is_said_to_be_small():
    line = line_of(-0.03, "better", delta=0.05)
    assert (
        line
        == "reinforce is better than small_dense, though by less than δ = 5.00 points: −3.0, interval −4.0 to −2.0."
    )


def test_a_contrast_with_failures_has_no_verdict_and_says_of_whom():
    line = line_of(0.03, "", failures=11, withheld="runs failed")
    assert line.startswith("reinforce against small_dense has no verdict, since 11 of 20 runs of reinforce failed; ")
    assert "of the other seeds: +3.0, interval +2.0 to +4.0" in line
    both = line_of(0.03, "", failures=1, reference_failures=2, withheld="runs of both failed")
    assert "1 of 20 runs of reinforce failed, and 2 of 20 runs of small_dense failed" in both
    assert "since beyond the dense front; " in line_of(0.03, "", withheld="beyond the dense front", beyond=3)


def test_a_sign_flip_test_that_does_not_agree_is_said_and_one_that_cannot_is_not():
    assert "sign flip" not in line_of(-0.03, "better", p=0.02)
    assert line_of(-0.03, "better", p=0.03).endswith(
        "The exact sign flip test does not agree (p = 0.03, where 0.025 is asked for)."
    )
    # Its least p value of 5 seeds is 2 / 2^5.
    assert "sign flip" not in line_of(-0.03, "better", p=0.0625, units=5)


def test_exploratory_contrasts_are_in_no_sentence():
    table = contrasts_of(("top_k", "digits", -0.1, "better"), ("disarm", "digits", 0.0, "")).assign(
        primary=[True, False]
    )
    ((_, lines),) = sentences(table)
    assert len(lines) == 1
    assert count_verdicts(table) == "Of 1 primary contrast: 1 better."


def test_the_note_counts_every_verdict():
    rows = [("top_k", "digits", -0.1, "better"), ("disarm", "digits", 0.0, "undecided"), ("dense", "digits", 0.0, "")]
    expected = "Of 4 primary contrasts: 2 better, 1 undecided, 1 without a verdict."
    assert count_verdicts(contrasts_of(*rows, rows[0])) == expected
    assert "no primary contrasts" in count_verdicts(contrasts_of())


def caveats_of(tmp_path, *strategies: str, **changes) -> str:
    design = design_of(*strategies, **changes)
    return " ".join(caveats(design, collect(design, finished(tmp_path, design).ledger)))


def test_caveats_of_a_small_study_without_a_search(tmp_path):
    said = caveats_of(tmp_path, "small_dense", "reinforce", seeds=4)
    assert "points would be missed more often than once in five times" in said
    assert "Differences below 5 % of the reference's error are taken not to matter" in said
    assert "4 seeds: below 20" in said
    assert "unsearched" in said
    assert "share the same test examples" not in said


def test_caveats_of_a_search(tmp_path):
    said = caveats_of(
        tmp_path, "small_dense", "reinforce", seeds=8, search=Search(points=3, searches=2), test_split="fixed"
    )
    assert "All seeds share the same test examples" in said
    assert "Each strategy was given 3 configurations" in said
    assert "Intervals are over 2 searches whose winners have 8 seeds each" in said


def test_a_study_without_primary_contrasts_says_so(tmp_path):
    assert "names no primary contrast" in caveats_of(tmp_path, "dense", "reinforce", seeds=20)


def test_seeds_that_are_no_look_are_told_to_be_exploratory(tmp_path):
    said = caveats_of(tmp_path, "small_dense", "reinforce", seeds=5, looks=(4, 8))
    assert "There is no verdict at 5 seeds: the study looks at 4, 8 seeds. Seeds that are added" in said
    assert "everything here is exploratory" in said


def test_searches_that_are_no_look_are_told_to_be_exploratory(tmp_path):
    search = Search(points=1, searches=5)
    said = caveats_of(tmp_path, "small_dense", "reinforce", seeds=2, search=search, test_split="fixed", looks=(4, 8))
    assert "There is no verdict at 5 searches: the study looks at 4, 8 searches. Searches that are added" in said


def test_runs_over_the_budget_are_told(tmp_path):
    design = design_of("reinforce", seeds=20)
    results = collect(design, finished(tmp_path, design).ledger)
    over = int(results.summary["over_budget"].sum())
    assert "opened more blocks" not in " ".join(caveats(design, results))
    assert over == 0
    results.summary["over_budget"] = 3
    assert "3 of 20 runs opened more blocks on the test split" in " ".join(caveats(design, results))
