"""Trees beside block gates in layers that grow wider while as many blocks stay open."""

from dataclasses import replace

from studies.design import Arm, Study, Sweep

# Two of 8 blocks are open, then two of 16, of 32 and of 64.
GRID = (("8x16", 1 / 4), ("16x16", 1 / 8), ("32x16", 1 / 16), ("64x16", 1 / 32))

# small_dense has the multiply-adds of block gates with their gater. A tree has fewer: over 64 blocks, as many as this.
OF_A_TREE = Arm("dense of a tree's cost", "dense", network="1x37", density=1.0)

SWEEP = Sweep(
    # With fewer than 10 no sign flip test could pass Holm's correction for 24 contrasts.
    seeds=12,
    strategies=("small_dense", "tree_routing", "top_k", "reinforce", "local_search"),
    arms=(OF_A_TREE,),
    grid=GRID,
    # So that a penalty that lets a few blocks too many open at 1/32 is seen in the density, not as a failure.
    training={"epochs": 12, "density_tolerance": 0.5},
    pairs=(("tree_routing", "top_k"), ("tree_routing", OF_A_TREE.name)),
)

STUDY = Study(
    question="As a layer grows wider and equally many blocks stay open, do trees do better than block gates?",
    source="retrospective, R1",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 5}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=30, training={**SWEEP.training, "epochs": 25}),
    },
)
