"""Search and structured prediction beside policy gradients, and what a teacher's gates give away."""

from dataclasses import replace

from studies.analysis.label_leakage import errors_with_labels
from studies.arm import Arm
from studies.figures.error_against import error_against
from studies.figures.forest import FOREST
from studies.figures.notes import sample_note
from studies.figures.seeds import SEEDS
from studies.figures.with_labels import WITH_LABELS
from studies.formatting import count, percent
from studies.study import Study, Sweep
from studies.table import Column, Table

TEACHERS = ("local_search", "greedy_structured")
# What not to do: see docs/strategies/local_search.md.
LEAKING = tuple(
    Arm(
        f"{name}, on the teacher's gates",
        name,
        strategy_settings={"network_gates": "teacher"},
        levels={"network gates": "teacher"},
    )
    for name in TEACHERS
)

SWEEP = Sweep(
    seeds=10,
    strategies=(
        *TEACHERS,
        "reinforce",
        "disarm",
        "local_expectation",
        "top_k",
        "small_dense",
        "random_blocks",
    ),
    arms=LEAKING,
    # Not about keeping to a budget: the realised density stands beside every error.
    training={"epochs": 20, "density_tolerance": 10.0},
    references=TEACHERS,
    pairs=tuple(("small_dense", teacher) for teacher in TEACHERS),
    measurements=("label_leakage",),
)

TABLE = Table(
    name="teachers",
    title="Error without and with labels, and what training costs",
    numbers=errors_with_labels,
    columns=(
        Column("strategy", "strategy"),
        Column("mean", "test error", percent),
        Column("ci_low", "from", percent),
        Column("ci_high", "to", percent),
        Column("error_with_labels", "with labels", percent),
        Column("agreement", "teacher's blocks that the student opens", percent),
        Column("test_density", "density", percent),
        Column("train_macs", "training MACs", count),
    ),
    caption=lambda results: (
        "Test error with own gates and its 95 % t interval over seeds; with the gates that a teacher chooses with the "
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

STUDY = Study(
    question="Do local search and structured prediction teach gates better than policy gradients, and at what cost?",
    source="retrospective, R9",
    figures=(WITH_LABELS, AGAINST_TRAINING, FOREST, SEEDS),
    tables=(TABLE,),
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 6}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, training={**SWEEP.training, "epochs": 25}),
    },
)
