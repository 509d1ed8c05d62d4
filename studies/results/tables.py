"""The tables that every study has."""

from studies.formatting import count, number, percent
from studies.metric import error_text
from studies.results.across.overall import OVERALL
from studies.results.across.ranks import RANKS
from studies.results.contrasts import CONTRASTS
from studies.results.hypervolumes import HYPERVOLUMES
from studies.results.looks import LOOKS
from studies.results.optimism import OPTIMISM
from studies.results.summary import SUMMARY
from studies.results.table import Column, Table, setting_columns
from studies.results.winners import WINNERS

RUNS = Table(
    name="runs",
    title="Every run",
    numbers=lambda results: results.all_runs,
    columns=(
        Column("run_id", "run"),
        Column("stage", "stage", varying=True),
        Column("search", "search", lambda search: number(search, 0)),
        Column("point", "point", lambda point: number(point, 0)),
        Column("arm", "arm"),
        *setting_columns(),
        Column("seed", "seed", str),
        Column("status", "status", flag=lambda status: status != "ok"),
        Column("validation_error", "validation error", error_text, keys=("dataset", "validation_error")),
        Column("test_error", "test error", error_text, keys=("dataset", "test_error")),
        Column("test_error_fallback", "with fallback", error_text, keys=("dataset", "test_error_fallback")),
        Column("test_density", "density", percent),
        Column("test_macs", "MACs", count),
        Column("train_macs", "training MACs", count),
        Column("train_seconds", "training s", lambda seconds: number(seconds, 1)),
    ),
    caption=lambda _: "Every run of the study, whatever became of it; the CSV file has all that is known of each.",
    outputs=("page",),
    folded=True,
)

# In the order of the page, where a study's own come after the summary.
STANDARD: tuple[Table, ...] = (SUMMARY, CONTRASTS, LOOKS, OVERALL, RANKS, OPTIMISM, WINNERS, HYPERVOLUMES, RUNS)
