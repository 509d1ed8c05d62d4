"""The next letter of a text, of which a dense network never has enough units: where gates could pay."""

from dataclasses import replace

from studies.design import Primary, Study, Sweep

LEARNED = ("reinforce", "straight_through", "gaussian_gates", "hard_concrete", "top_k")

SWEEP = Sweep(
    seeds=6,
    strategies=("dense", "random_exactly_k", *LEARNED),
    datasets=("kjv:1000000",),
    networks=("16x64",),
    training={"epochs": 2},
    primary=tuple(Primary(name) for name in LEARNED),
    # Seeds lie within hundredths of a bit, and what is looked for is a tenth.
    looks=(6, 10, 24),
)

STUDY = Study(
    question="Where a network needs more units than it may compute, do gates beat the dense network of equal cost?",
    source="paper, section 1: more capacity at the same computation, on text",
    scales={
        "quick": replace(SWEEP, seeds=2, datasets=("kjv:20000",)),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=24),
    },
)
