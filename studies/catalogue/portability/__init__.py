"""The same trained networks on every back end and through torch.compile: equal results, and what each costs."""

from dataclasses import replace

from studies.design import Study, Sweep

SWEEP = Sweep(
    seeds=5,
    strategies=("dense", "top_k", "reinforce", "tree_routing", "act_halting"),
    networks=("16x16,16x16",),
    densities=(1 / 4,),
    # Not about keeping to a budget, and every strategy must have networks to run.
    training={"epochs": 10, "density_tolerance": 1.0},
    # One whose test gates are drawn.
    strategy_settings={"reinforce": {"gates": "bernoulli", "test_gates": "sampled"}},
    measurements=("backends",),
)

STUDY = Study(
    question="Does the same network give the same results on every back end and under torch.compile, and how fast?",
    source="retrospective, R6",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 4}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, networks=("16x64,16x64",), training={**SWEEP.training, "epochs": 25}),
    },
)
