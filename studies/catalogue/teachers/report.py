"""Errors of students beside those with their teachers' gates."""

from studies.catalogue.teachers.label_leakage import errors_with_labels
from studies.catalogue.teachers.teacher_gates import WITH_LABELS
from studies.formatting import count, percent
from studies.metric import error_text
from studies.report.drawing.error_against import error_against
from studies.report.drawing.notes import sample_note
from studies.report.figures.forest import FOREST
from studies.report.figures.seeds import SEEDS
from studies.results.examples.covered import over
from studies.results.table import Column, Table

TABLE = Table(
    name="teachers",
    title="Error without and with labels, and what training costs",
    numbers=errors_with_labels,
    columns=(
        Column("arm", "arm"),
        Column("mean", "test error", error_text, keys=("dataset", "mean")),
        Column("ci_low", "from", error_text, keys=("dataset", "ci_low")),
        Column("ci_high", "to", error_text, keys=("dataset", "ci_high")),
        Column("error_with_labels", "with labels", error_text, keys=("dataset", "error_with_labels")),
        Column("agreement", "teacher's blocks that the student opens", percent),
        Column("test_density", "density", percent),
        Column("train_macs", "training MACs", count),
    ),
    caption=lambda results: (
        f"Test error with own gates and its 95 % interval over {over(results.summary)}; with the gates that a teacher "
        "chooses with the "
        "test labels in sight; and multiply-adds of training per training example, all epochs, searches included. "
        + sample_note(results)
    ),
)

AGAINST_TRAINING = error_against(
    "error_against_training",
    "Error against the cost of training",
    "training MACs per training example",
    lambda results: results.counted["train_macs"],
    "Test error with own gates against multiply-adds of training per training example, all epochs, searches included.",
    macs=True,
)

FIGURES = (WITH_LABELS, AGAINST_TRAINING, FOREST, SEEDS)

TABLES = (TABLE,)
