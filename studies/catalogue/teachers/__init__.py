"""Search and structured prediction beside policy gradients, and what a teacher's gates give away."""

from dataclasses import replace

from studies.design import Arm, Primary, Study, Sweep

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
        "random_blocks",
    ),
    arms=LEAKING,
    # Not about keeping to a budget: the realised density stands beside every error.
    training={"epochs": 20, "density_tolerance": 10.0},
    primary=(*(Primary(name, "reinforce") for name in TEACHERS), *(Primary(name) for name in TEACHERS)),
    looks=(6, 10, 16, 24),
    measurements=("label_leakage",),
)

STUDY = Study(
    question="Do local search and structured prediction teach gates better than policy gradients, and at what cost?",
    source="retrospective, R9",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 6}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=24, training={**SWEEP.training, "epochs": 25}),
    },
)
