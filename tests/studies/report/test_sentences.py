import pandas as pd
import pytest

from studies.design.protocol import Protocol, Search
from studies.report.caveats import caveats
from studies.report.sentences import count_verdicts, fewest_seeds_for_significance, sentences
from studies.results.collecting import collect
from tests.support.records import design_of, finished

PROTOCOL = Protocol(seeds=20, alpha=0.05, delta=0.005, search=None)


def contrasts_of(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    """Arm, dataset, difference, verdict."""
    table = pd.DataFrame(
        {
            "arm": [row[0] for row in rows],
            "dataset": [row[1] for row in rows],
            "difference": [row[2] for row in rows],
            "verdict": [row[3] for row in rows],
        }
    )
    ends = {"ci_low": table.difference - 0.01, "ci_high": table.difference + 0.01}
    table = table.assign(network="16x16", target_density=0.125, reference="small_dense")
    return table.assign(n=20, failures=0, minimum_detectable=0.012, **ends)


def test_each_setting_says_who_is_better_worse_alike_and_not_told_apart():
    said = sentences(
        contrasts_of(
            ("reinforce", "mnist_5k", 0.02, "worse"),
            ("top_k", "mnist_5k", -0.03, "better"),
            ("gumbel_softmax", "mnist_5k", -0.04, "better"),
            ("disarm", "mnist_5k", 0.001, "equivalent"),
            ("disarm", "mnist1d", 0.004, "inconclusive"),
            ("top_k", "mnist1d", -0.012, "detectable but small"),
        ),
        PROTOCOL,
    )
    assert said == [
        (
            "mnist_5k, 16x16, τ = 1/8",
            [
                "Better than small_dense, by more than 0.5 points: gumbel_softmax (−4.0 points, −5.0 to −3.0); "
                "top_k (−3.0 points, −4.0 to −2.0).",
                "Worse than small_dense, by more than 0.5 points: reinforce (+2.0 points, +1.0 to +3.0).",
                "As good as small_dense, within 0.5 points: disarm (+0.1 points, −0.9 to +1.1).",
            ],
        ),
        (
            "mnist1d, 16x16, τ = 1/8",
            [
                "Different from small_dense, though perhaps by less than 0.5 points: "
                "top_k (−1.2 points, −2.2 to −0.2).",
                "Not told apart from small_dense: disarm (+0.4 points, −0.6 to +1.4). "
                "Differences below 1.2 points would be missed more often than once in five times.",
            ],
        ),
    ]


def test_failures_are_told_with_the_difference_that_they_made():
    table = contrasts_of(("reinforce", "digits", 0.7, "worse")).assign(failures=11)
    ((_, (line,)),) = sentences(table, PROTOCOL)
    assert line.endswith("reinforce (+70.0 points, +69.0 to +71.0, 11 of 20 runs failed).")


def test_the_note_counts_every_verdict():
    rows = [("top_k", "digits", -0.1, "better"), ("disarm", "digits", 0.0, "inconclusive")]
    assert count_verdicts(contrasts_of(*rows, rows[0])) == "Of 3 contrasts: 2 better, 1 inconclusive."
    assert count_verdicts(contrasts_of()) == "No contrasts are frozen in this study."


@pytest.mark.parametrize("contrasts", [1, 2, 3, 10, 102, 1024])
def test_the_fewest_seeds_are_enough_and_one_less_is_not(contrasts):
    fewest = fewest_seeds_for_significance(0.05, contrasts)
    assert contrasts * 2 / 2**fewest < 0.05
    assert contrasts * 2 / 2 ** (fewest - 1) >= 0.05


def caveats_of(tmp_path, *strategies: str, **changes) -> str:
    design = design_of(*strategies, **changes)
    return " ".join(caveats(design, collect(design, finished(tmp_path, design).ledger)))


def test_caveats_of_a_small_study_without_a_search(tmp_path):
    said = caveats_of(tmp_path, "small_dense", "reinforce", seeds=4)
    assert "No contrast can be significant: a sign flip test of 4 seeds has no p value below 2/2^4" in said
    assert "with 1 in the family it takes at least 6 seeds" in said
    assert "4 seeds: below 20" in said
    assert "unsearched" in said
    assert "share the same test examples" not in said


def test_caveats_of_a_search(tmp_path):
    said = caveats_of(
        tmp_path, "small_dense", "reinforce", seeds=8, search=Search(points=3, searches=2), test_split="fixed"
    )
    assert "No contrast can be significant" not in said
    assert "All seeds share the same test examples" in said
    assert "Each strategy was given 3 configurations" in said
    assert "points would be missed more often than once in five times" in said


def test_a_study_without_contrasts_says_so(tmp_path):
    assert "No contrasts were frozen" in caveats_of(tmp_path, "dense", "reinforce", seeds=20)


def test_runs_over_the_budget_are_told(tmp_path):
    design = design_of("reinforce", seeds=20)
    results = collect(design, finished(tmp_path, design).ledger)
    over = int(results.summary["over_budget"].sum())
    assert "opened more blocks" not in " ".join(caveats(design, results))
    assert over == 0
    results.summary["over_budget"] = 3
    assert "3 of 20 runs opened more blocks on the test split" in " ".join(caveats(design, results))
