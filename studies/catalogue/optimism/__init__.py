"""How much a search flatters its winner: every run of it, its winners on fresh seeds, and optimism against its size."""

from dataclasses import replace

from strategies import find
from studies.design import Search, Study, Sweep

# What holds a strategy to its density is not searched: a search by error alone would buy error with open blocks.
AT_DEFAULTS = {
    name: {setting: find(name).space[setting].default for setting in ("lambda_s", "lambda_v", "penalty_warmup")}
    for name in ("reinforce", "straight_through")
}

SWEEP = Sweep(
    seeds=5,
    strategies=("small_dense", "reinforce", "straight_through", "top_k", "local_search"),
    # What the density still does by itself should not decide here.
    training={"epochs": 6, "density_tolerance": 1.0},
    # Nor is what multiplies the cost of a run.
    strategy_settings={
        **AT_DEFAULTS,
        "reinforce": {**AT_DEFAULTS["reinforce"], "baseline": "samples", "samples": 4},
        "local_search": {"steps": 1, "restarts": 0},
    },
    test_split="fixed",
    references=("small_dense",),
    search=Search(points=16, seeds=2, searches=4),
)

STUDY = Study(
    question="How much too good does the best of K runs look, and how fast does that grow with K?",
    source="retrospective, R2",
    scales={
        "quick": replace(
            SWEEP,
            seeds=2,
            training={**SWEEP.training, "epochs": 4},
            search=Search(points=6, seeds=2, searches=2),
        ),
        "default": SWEEP,
        "paper": replace(
            SWEEP,
            seeds=20,
            training={**SWEEP.training, "epochs": 25},
            search=Search(points=64, seeds=3, searches=5),
        ),
    },
)
