"""From one example at a time to large batches: where gating saves time, and where it does not."""

from dataclasses import replace

from studies.design import Arm, Study, Sweep

SWEEP = Sweep(
    seeds=5,
    strategies=("small_dense", "top_k", "reinforce"),
    # The same at every density, so that once is enough.
    arms=(Arm("dense", "dense", density=1.0),),
    networks=("16x64,16x64",),
    densities=(1 / 16, 1 / 8, 1 / 4, 1 / 2),
    # Not about keeping to a budget: the realised density stands beside every time.
    training={"epochs": 8, "density_tolerance": 1.0},
    # Examples open as many blocks as they ask for, where those of top_k open equally many.
    strategy_settings={"reinforce": {"gates": "bernoulli"}},
    references=(),
    measurements=("batch_latency",),
)

STUDY = Study(
    question="Does gating save time one example at a time, in minibatches, or both?",
    source="retrospective, R3",
    scales={
        "quick": replace(SWEEP, seeds=2, densities=(1 / 8, 1 / 2)),
        "default": SWEEP,
        "paper": replace(
            SWEEP, seeds=20, networks=("16x64,16x64", "32x32,32x32"), training={**SWEEP.training, "epochs": 25}
        ),
    },
)
