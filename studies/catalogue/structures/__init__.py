"""Trees beside block gates in layers that grow wider while as many blocks stay open."""

from dataclasses import replace

from studies.design import Primary, Study, Sweep

# Two of 8 blocks are open, then two of 16, of 32 and of 64.
GRID = (("8x16", 1 / 4), ("16x16", 1 / 8), ("32x16", 1 / 16), ("64x16", 1 / 32))

SWEEP = Sweep(
    seeds=12,
    strategies=("small_dense", "tree_routing", "top_k", "reinforce", "local_search"),
    grid=GRID,
    # So that a penalty that lets a few blocks too many open at 1/32 is seen in the density, not as a failure.
    training={"epochs": 12, "density_tolerance": 0.5},
    # In every layer against block gates, which cost more, and in the widest against what its own cost buys.
    primary=(Primary("tree_routing", "top_k"), Primary("tree_routing", network="64x16")),
    looks=(6, 12, 24),
)

STUDY = Study(
    question="As a layer grows wider and equally many blocks stay open, do trees do better than block gates?",
    source="retrospective, R1",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 5}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=24, training={**SWEEP.training, "epochs": 25}),
    },
)
