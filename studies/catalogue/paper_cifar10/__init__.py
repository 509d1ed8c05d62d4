"""The paper's experiment on CIFAR-10: learned blocks, random blocks and dense networks, with their times.

Rates and weights are those that the paper gives for its network of 10,10 blocks of 64, read as in
:mod:`studies.catalogue.paper_mnist`; for its other networks it gives none, and they have the same.
"""

from dataclasses import replace

from studies.design import Arm, Primary, Study, Sweep

BATCH = 128

# Its text has no baseline, weights that stay as they are, and sampled gates at test time.
THE_PAPERS = {
    "gates": "bernoulli",
    "baseline": "none",
    "density_price_rate": 0.0,
    "centred_scores": "never",
    "test_gates": "sampled",
}

# The authors' code, where it differs from their text.
THE_CODES = {"baseline": "batch_minimum", "probability_floor": 0.01, "penalties": "code"}

SWEEP = Sweep(
    seeds=6,
    arms=(
        Arm("condnet 24-24x64", "reinforce", network="24x64,24x64", density=1 / 24),
        Arm("condnet 16-32x16", "reinforce", network="16x16,32x16", density=1 / 16),
        Arm("condnet 10-10x64", "reinforce", network="10x64,10x64", density=1 / 16),
        Arm("code 10-10x64", "reinforce", network="10x64,10x64", density=1 / 16, strategy_settings=THE_CODES),
        Arm("bdNN 0.17", "random_blocks", network="10x64,10x64", density=0.17),
        Arm("bdNN 0.2", "random_blocks", network="10x64,10x64", density=0.2),
        Arm("NN 64-64", "dense", network="1x64,1x64", density=1.0),
        Arm("NN 128-128", "dense", network="1x128,1x128", density=1.0),
        Arm("NN 480-480", "dense", network="1x480,1x480", density=1.0),
    ),
    datasets=("cifar10",),
    activation="tanh",
    training={
        "epochs": 30,
        "patience": 10,
        "batch_size": BATCH,
        "optimizer": "sgd",
        "schedule": "constant",
        "learning_rate": 1e-3 * BATCH,
        "gater_learning_rate": (1e-5 * BATCH, 5e-4 * BATCH),
        "lambda_l2": 0.01 / BATCH,
        "density_tolerance": 1000,
    },
    strategy_settings={
        "reinforce": {
            **THE_PAPERS,
            "lambda_s": 20 / BATCH,
            "lambda_v": (40 / BATCH, 20 / BATCH),
        },
    },
    primary=(
        Primary("condnet 10-10x64", "bdNN 0.17"),
        Primary("condnet 10-10x64", "NN 128-128"),
        Primary("condnet 10-10x64", "NN 480-480"),
    ),
    references=(),
    looks=(6, 10, 20),
    pairs=(
        ("code 10-10x64", "condnet 10-10x64"),
        ("condnet 16-32x16", "NN 64-64"),
        ("condnet 24-24x64", "NN 480-480"),
    ),
    measurements=("pass_time",),
)

STUDY = Study(
    question="Do learned blocks have wide dense networks' error in narrow ones' time, as the paper says of CIFAR-10?",
    source="paper, section 4.2",
    scales={
        "quick": replace(SWEEP, seeds=2, datasets=("mnist_5k",), training={**SWEEP.training, "epochs": 20}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, training={**SWEEP.training, "epochs": 1000, "patience": 100}),
    },
)
