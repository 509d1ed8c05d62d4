"""Every strategy, searched alike and run again on fresh seeds: the comparison that this suite is for."""

from dataclasses import replace

from studies.design import Primary, Search, Study, Sweep

SWEEP = Sweep(
    # A search costs more than a seed, and tells more: of a mean over searches, these are what is independent.
    seeds=2,
    datasets=("mnist_5k", "mnist1d"),
    densities=(1 / 8, 1 / 4),
    training={"epochs": 12},
    test_split="fixed",
    # Whether gates pay, the oldest and the most used, and which of these does better.
    primary=(
        Primary("reinforce", dataset="mnist_5k", density=1 / 8),
        Primary("top_k", dataset="mnist_5k", density=1 / 8),
        Primary("reinforce", "top_k", dataset="mnist_5k", density=1 / 8),
    ),
    search=Search(points=8, searches=6),
    looks=(6, 10, 20),
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
            search=Search(points=2, searches=2),
            looks=(),
        ),
        "default": SWEEP,
        "paper": replace(
            SWEEP,
            seeds=5,
            densities=(1 / 16, 1 / 8, 1 / 4),
            training={"epochs": 25},
            search=Search(points=20, searches=10),
            looks=(10, 20),
        ),
    },
)
