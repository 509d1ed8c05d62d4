"""Several passes with learned halting, against fixed numbers of passes and dense networks, at equal compute."""

from dataclasses import replace

from studies.design import Arm, Primary, Study, Sweep

# The budget of 4 of 16 blocks spent at once, in two passes or in four.
FIXED = tuple(
    Arm(f"fixed_passes, {passes}", "fixed_passes", strategy_settings={"passes": passes}) for passes in (1, 2, 4)
)

# What halting runs, a pass of 2 blocks, as often for every example. Two of these are within the budget.
HALTING_TAKEN_AWAY = tuple(
    Arm(f"passes of 2 blocks, {passes}", "fixed_passes", strategy_settings={"passes": passes}, density=passes / 8)
    for passes in (1, 2, 3, 4)
)

# How many passes there are is what a price, or a prior's mean, makes of them: none is controlled.
FREE = {"price_rate": 0.0}
HALTING = (
    *(
        Arm(f"act_halting, {price:g}", "act_halting", strategy_settings={**FREE, "ponder_price": price})
        for price in (0.03, 0.1, 0.3)
    ),
    *(
        Arm(f"ponder_halting, {expected:g}", "ponder_halting", strategy_settings={**FREE, "expected_passes": expected})
        for expected in (2.5, 1.9)
    ),
    *(
        Arm(f"reinforce_halting, {price:g}", "reinforce_halting", strategy_settings={**FREE, "pass_price": price})
        for price in (0.005, 0.05)
    ),
)

SWEEP = Sweep(
    seeds=10,
    # The first is the judge of what is difficult.
    arms=(Arm("small_dense", "small_dense"), Arm("dense", "dense"), *FIXED, *HALTING_TAKEN_AWAY, *HALTING),
    networks=("16x16",),
    densities=(1 / 4,),
    # What is spent is an outcome here, so a run may open up to twice the target.
    training={"epochs": 10, "density_tolerance": 1.0},
    test_split="fixed",
    primary=(Primary("act_halting, 0.1"), Primary("ponder_halting, 1.9"), Primary("reinforce_halting, 0.005")),
    looks=(6, 10, 16, 24),
    pairs=tuple((arm.name, "fixed_passes, 2") for arm in HALTING),
    measurements=("example_passes",),
)

STUDY = Study(
    question="Do passes with learned halting go to the hard examples, and do they beat fixed passes at equal compute?",
    source="retrospective, R5",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 4}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=24, datasets=("mnist_5k", "mnist1d"), training={**SWEEP.training, "epochs": 25}),
    },
)
