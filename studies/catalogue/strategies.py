"""Every strategy, searched alike and run again on fresh seeds: the comparison that this suite is for."""

from dataclasses import replace

from studies.design import Primary, Search, Study, Sweep

SWEEP = Sweep(
    seeds=13,
    datasets=("mnist_5k", "mnist1d"),
    densities=(1 / 16, 1 / 8, 1 / 4),
    training={"epochs": 12},
    test_split="fixed",
    # Whether gates pay, the oldest and the most used, and which of these does better.
    primary=(
        Primary("reinforce", density=1 / 8),
        Primary("top_k", density=1 / 8),
        Primary("reinforce", "top_k", density=1 / 8),
    ),
    looks=(13, 30),
    search=Search(points=8, searches=3, rerun_seeds=3),
)

STUDY = Study(
    question="Which way of deciding which blocks to compute is best, when all are searched and rerun alike?",
    source="retrospective, R2 and all strategies",
    scales={
        "quick": replace(
            SWEEP,
            seeds=2,
            datasets=("mnist_5k",),
            densities=(1 / 4,),
            training={"epochs": 4},
            search=Search(points=2, searches=2, rerun_seeds=2),
        ),
        "default": SWEEP,
        "paper": replace(
            SWEEP, seeds=30, training={"epochs": 25}, search=Search(points=20, seeds=2, searches=3, rerun_seeds=10)
        ),
    },
)
