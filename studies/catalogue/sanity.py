"""Every strategy at its defaults on one small network: a check that each reaches what it should, not a comparison."""

from dataclasses import replace

from studies.design import Primary, Study, Sweep

SWEEP = Sweep(
    seeds=6,
    # That gates learn at all.
    primary=(Primary("reinforce", "random_exactly_k"), Primary("top_k", "random_exactly_k")),
    looks=(6, 24),
)

STUDY = Study(
    question="What does every strategy reach at its defaults, without any search?",
    source="paper, section 4.1, on 5,000 digits",
    scales={
        "quick": replace(SWEEP, seeds=2, training={"epochs": 8}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=24),
    },
)
