"""The first study to run: learned gates beside random ones and a dense network of equal cost."""

from dataclasses import replace

from studies.design import Primary, Study, Sweep

LEARNED = ("reinforce", "straight_through")

SWEEP = Sweep(
    seeds=6,
    strategies=("dense", "random_blocks", *LEARNED),
    primary=(*(Primary(name, "random_blocks") for name in LEARNED), *(Primary(name) for name in LEARNED)),
    looks=(6, 10, 16, 24),
)

STUDY = Study(
    question="At one eighth of the blocks, does a learned gater beat random blocks and a dense network of equal cost?",
    source="paper, section 4.1",
    scales={
        "quick": replace(SWEEP, seeds=2, training={"epochs": 8}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=24),
    },
)
