"""What training itself costs: multiply-adds and seconds to given errors, backward passes included."""

from dataclasses import replace

from strategies import built_in
from studies.design import Arm, Study, Sweep

WIDER = "16x64"

SWEEP = Sweep(
    # Of six seeds the lowest and the highest are a 95 % interval of the median.
    seeds=6,
    strategies=tuple(built_in()),
    arms=tuple(
        Arm(f"{name}, {WIDER}", name, network=WIDER)
        for name in ("dense", "small_dense", "reinforce", "straight_through", "local_search", "top_k", "tree_routing")
    ),
    # A run that opens too many blocks pays for every one of them in multiply-adds, and should not count as failed too.
    training={"epochs": 12, "density_tolerance": 1.0},
    references=(),
)

STUDY = Study(
    question="Counting the backward pass, does gating make learning cheaper or faster than a dense network?",
    source="retrospective, R7",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 5}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, training={**SWEEP.training, "epochs": 50}),
    },
)
