"""The first study to run: learned gates beside random ones and a dense network of equal cost."""

from dataclasses import replace

from studies.design import Study, Sweep

SWEEP = Sweep(seeds=3, strategies=("dense", "small_dense", "random_blocks", "straight_through", "reinforce"))

STUDY = Study(
    question="At one eighth of the blocks, does a learned gater beat random blocks and a dense network of equal cost?",
    source="paper, section 4.1",
    scales={
        "quick": replace(SWEEP, training={"epochs": 8}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20),
    },
)
